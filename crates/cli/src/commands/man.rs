//! `tidegate man`: the manual, one page a command, and the daemon's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use bus::Exit;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::figures::count;
use crate::output::{Output, inert_lines};

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder to write the pages to.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written<'o> {
    folder: &'o Path,
    pages: u64,
}

/// Writes the pages. The daemon's is from the daemon that lies beside this program.
pub(super) fn run(options: &Options, output: Output) -> Result<(), Failure> {
    let folder = options.folder.as_path();
    let failed = |source| Failure::Write { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut root = Arguments::command().disable_help_subcommand(true);
    root.build();
    let mut pages = 0;
    for (name, page) in [daemon()?].into_iter().chain(commands(&root).map_err(failed)?) {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|source| Failure::Write { path, source })?;
        pages += 1;
    }
    output.show(&Written { folder, pages }, |written, _| {
        let Written { folder, pages } = written;
        inert_lines(&format!("wrote {} pages to {}", count(*pages), folder.display()))
    })
}

/// The page of a command and those of the ones below it, with their names.
fn commands(command: &Command) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut end = Roff::new();
    end.control("SH", ["EXIT STATUS"]).control("nf", []);
    for line in Exit::help().lines().skip(1) {
        end.text([roman(line)]);
    }
    end.control("fi", []).control("SH", ["SEE ALSO"]).text([roman("tidegate(1), tidegated(8)")]);
    end.to_writer(&mut page)?;
    let mut pages = vec![(man.get_filename(), page)];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages.append(&mut commands(below)?);
    }
    Ok(pages)
}

fn daemon() -> Result<(String, Vec<u8>), Failure> {
    let program = std::env::current_exe().unwrap_or_default().with_file_name("tidegated");
    let failed = |source| Failure::Read { path: program.clone(), source };
    let said = Program::new(&program).arg("--man").output().map_err(failed)?;
    if !said.status.success() {
        let why = format!("`--man` ended with {}", said.status);
        return Err(failed(std::io::Error::other(why)));
    }
    Ok(("tidegated.8".to_owned(), said.stdout))
}
