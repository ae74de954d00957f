//! Where results go: text for people, JSON for programs.

use std::borrow::Cow;
use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::failure::Failure;
use crate::lines::wrapped;

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// JSON for programs.
    pub(crate) json: bool,
}

/// What the reader of the text can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns and rows of the terminal; none when the output is no terminal.
    pub(crate) size: Option<(u16, u16)>,
    /// Whether colours are wanted.
    pub(crate) colour: bool,
}

/// What colours say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to see.
    Plain,
    /// Worth a look.
    Notable,
    /// Something is wrong.
    Alarming,
}

impl Output {
    /// What the standard output can show now.
    pub(crate) fn look() -> Look {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Look { size: None, colour: false };
        }
        let size = tcgetwinsize(&stdout).ok().map(|size| (size.ws_col, size.ws_row));
        let size = size.filter(|(columns, rows)| *columns > 0 && *rows > 0);
        // https://no-color.org: set and not empty
        let colour = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Look { size: Some(size.unwrap_or((80, 24))), colour }
    }

    /// Writes the value as JSON, or its text.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T, &Look) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string_pretty(value).map_err(Failure::Json)?;
            print(&format!("{}\n", inert_json(&json)))
        } else {
            print(&text(value, &Self::look()))
        }
    }

    /// Tells what is worth knowing beside the result, on the standard error.
    pub(crate) fn note(self, text: &str) {
        // the result matters more than a lost note
        let _ = io::stderr().lock().write_all(inert_lines(text).as_bytes());
    }
}

/// Writes to the standard output at once.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

impl Look {
    /// What deserves attention, on lines of its own.
    pub(crate) fn warning(&self, problem: &str) -> String {
        let label = if says_so(problem) { "" } else { "warning: " };
        let problem = format!("{label}{problem}");
        let lines = problem.lines().map(|line| {
            let words = line.trim_start();
            let indent = " ".repeat(line.len() - words.len());
            wrapped(&indent, &format!("{indent}  "), words, self)
        });
        let lines = lines.collect::<String>();
        lines.lines().map(|line| self.paint(Tone::Notable, line) + "\n").collect()
    }

    /// The text in the tone's colour.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        match tone {
            Tone::Notable if self.colour => format!("\x1b[33m{text}\x1b[0m"),
            Tone::Alarming if self.colour => format!("\x1b[31m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// Whether a problem says of itself that it is a warning.
fn says_so(problem: &str) -> bool {
    problem.lines().next().is_some_and(|first| first.contains(": warning: "))
}

/// Text of several lines, each made inert.
pub(crate) fn inert_lines(text: &str) -> String {
    text.lines().fold(String::with_capacity(text.len()), |mut shown, line| {
        shown.push_str(&bus::inert(line));
        shown.push('\n');
        shown
    })
}

/// JSON in which every character that could act on a screen is escaped. It means the same: outside
/// of strings there are no such characters but line ends, and control characters below U+0020
/// in strings are escaped already.
pub(crate) fn inert_json(json: &str) -> Cow<'_, str> {
    let acts =
        |c: char| c >= '\u{7f}' && matches!(bus::inert(c.encode_utf8(&mut [0; 4])), Cow::Owned(_));
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // writing to a string cannot fail
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_loses_its_power() {
        let name = "a\x1b[31m\u{9b}2J\u{7f}\u{202e}é\u{e0041}";
        let json = serde_json::to_string(name).unwrap();
        let shown = inert_json(&json);
        assert_eq!(bus::inert(&shown), shown);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), name);
        assert!(shown.contains('é'));
    }

    #[test]
    fn a_warning_is_called_so_once() {
        let look = Look { size: None, colour: false };
        assert_eq!(look.warning("odd\n  indeed"), "warning: odd\n  indeed\n");
        assert_eq!(look.warning("f:3: warning: odd\n  help"), "f:3: warning: odd\n  help\n");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(inert_lines("a\x1bb\nc\u{202e}d"), "a\u{fffd}b\nc\u{fffd}d\n");
        assert_eq!(inert_lines(""), "");
    }
}
