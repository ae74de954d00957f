//! What `tidegate --help` shows: the commands by what they are for.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use crate::arguments::Arguments;
use crate::lines::wrapped;
use crate::output::{Look, Output};

/// The commands by what they are for.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Watch",
        &[
            "top",
            "status",
            "tree",
            "circuits",
            "queues",
            "unknown",
            "flows",
            "hosts",
            "origins",
            "rtt",
            "retransmits",
            "events",
        ],
    ),
    ("Change", &["set", "remove", "get", "reload", "bypass", "handover"]),
    ("Diagnose", &["doctor", "check", "plan", "tune", "capture", "support-bundle"]),
    ("Set up and script", &["import", "schema", "completions", "man"]),
];

/// Columns of a command's name.
const NAME: usize = 16;

/// Columns of the page at most.
const COLUMNS_MAX: u16 = 100;

/// Reads the command line.
///
/// # Errors
/// The help or the version, when that is asked for, or what is wrong.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    let matches = with_groups(Arguments::command(), &Output::look()).try_get_matches()?;
    Arguments::from_arg_matches(&matches)
}

/// The command whose help has the groups in place of one list.
fn with_groups(command: Command, look: &Look) -> Command {
    let (columns, rows) = look.size.unwrap_or((COLUMNS_MAX, 0));
    let columns = columns.min(COLUMNS_MAX);
    let look = Look { size: Some((columns, rows)), colour: false };
    let (head, name) = (*command.get_styles().get_header(), *command.get_styles().get_literal());
    let mut list = String::new();
    for (title, commands) in GROUPS {
        list.push_str(&format!("{head}{title}:{head:#}\n"));
        for called in commands {
            let about = command.find_subcommand(called).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let shown = wrapped(&" ".repeat(NAME + 2), &" ".repeat(NAME + 2), &about, &look);
            let padding = " ".repeat(NAME - called.len());
            list.push_str(&format!("  {name}{called}{name:#}{padding}{}", shown.trim_start()));
        }
        list.push('\n');
    }
    let page = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{head}Options:{head:#}\n\
         {{options}}{{after-help}}"
    );
    command.help_template(page).term_width(columns.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_in_one_group_and_lines_fit() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let command = Arguments::command();
        let mut all: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
        let look = Look { size: Some((80, 24)), colour: false };
        let help = with_groups(command, &look).render_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.contains("\nWatch:\n  top             Watch the box live"), "{help}");
    }
}
