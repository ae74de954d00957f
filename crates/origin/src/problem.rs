//! What is wrong with a file.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use maxminddb::MaxMindDbError;

use crate::file::{BYTES_MAX, INFLATION_MAX};
use crate::table::RANGES_MAX;

/// One thing that is wrong with a file. Text from files is shown inert.
#[derive(Debug)]
pub struct Problem {
    /// The file, as it was named to the reader.
    pub file: Arc<Path>,
    /// Counted from 1; none when the problem is with the file as a whole.
    pub line: Option<u32>,
    /// What is wrong.
    pub trouble: Trouble,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", inert(&self.file.to_string_lossy()))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.trouble)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.trouble.source()
    }
}

/// Collects what is wrong with one file.
pub(crate) struct Report {
    file: Arc<Path>,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(file: Arc<Path>) -> Self {
        Self { file, problems: Vec::new() }
    }

    pub(crate) fn push(&mut self, line: Option<u32>, trouble: Trouble) {
        self.problems.push(Problem { file: Arc::clone(&self.file), line, trouble });
    }

    pub(crate) fn finish(self) -> Vec<Problem> {
        self.problems
    }
}

/// Every problem of several files.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    /// One on each line, with its cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
            if let Some(cause) = problem.source() {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl Error for Problems {}

/// What can be wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// It cannot be opened, or does not exist.
    #[error("could not be opened")]
    Open(#[source] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("is not a regular file")]
    NotRegular,
    /// Reading failed.
    #[error("could not be read")]
    Read(#[source] io::Error),
    /// It begins like gzip and goes on otherwise, or ends too early.
    #[error("is damaged gzip")]
    Unpack(#[source] io::Error),
    /// It holds more than is read.
    #[error("holds more than {BYTES_MAX} bytes")]
    TooLarge,
    /// It grows when unpacked as no table does.
    #[error("unpacks to more than {INFLATION_MAX} times its size, as no table of addresses does")]
    Inflated,
    /// It was written to while it was read.
    #[error("changed while it was read")]
    Changed,
    /// It is an MMDB, but a damaged one.
    #[error("is a damaged MMDB")]
    Mmdb(#[source] MaxMindDbError),
    /// It is an MMDB, but its tree does not end.
    #[error("is an MMDB whose tree leads back into itself")]
    Endless,
    /// It has more ranges than are kept.
    #[error("has more than {RANGES_MAX} ranges")]
    TooManyRanges,
    /// Nothing in it can be used.
    #[error("says of no address where it belongs ({bad_lines} lines make no sense)")]
    NothingKnown {
        /// Lines that make no sense.
        bad_lines: u64,
    },
    /// A line that makes no sense; the others are used.
    #[error("{0}; the line is left out")]
    Line(LineTrouble),
    /// Lines that make no sense beyond those that are named.
    #[error("{0} more lines make no sense and are left out")]
    MoreLines(u64),
    /// Ranges that overlap.
    #[error("{0} ranges overlap others, the first here; the narrower counts, of equals the later")]
    Overlaps(u64),
}

/// Why a line makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineTrouble {
    /// The number of fields.
    #[error("there are {0} fields between tabs, not 3 to 5")]
    Fields(usize),
    /// More bytes than a line can have.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// An end that is no address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// IPv4 and IPv6 in one range.
    #[error("one end is IPv4, the other IPv6")]
    Families,
    /// The end comes first.
    #[error("the range ends before it starts")]
    Backwards,
    /// No AS number.
    #[error("{0:?} is not an AS number")]
    Asn(String),
    /// No country.
    #[error("{0:?} is not a country code of two letters")]
    Country(String),
}

/// The text with everything escaped that could move a terminal's cursor or reorder its letters.
fn inert(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_files_is_shown_inert() {
        let bad = LineTrouble::Asn("1\u{1b}[31m\u{202e}".to_owned());
        let file: Arc<Path> = Path::new("it's \r.tsv").into();
        let problem = Problem { file, line: Some(3), trouble: Trouble::Line(bad) };
        assert_eq!(
            problem.to_string(),
            "it's \\r.tsv:3: \"1\\u{1b}[31m\\u{202e}\" is not an AS number; the line is left out"
        );
    }
}
