//! What is wrong in a file, where, and what to do about it.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

/// Whether a problem keeps the configuration from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but it may not do what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong in a file.
///
/// Shown as `file:line: error: key: why`, with `help` on an indented line of its own. Text from
/// files is shown inert: control characters are escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named to the reader.
    pub file: Arc<Path>,
    /// Counted from 1; none when the problem is with the file as a whole.
    pub line: Option<u32>,
    /// The key or column, where there is one.
    pub key: Option<String>,
    /// What is wrong.
    pub why: String,
    /// Whether the configuration can be used all the same.
    pub severity: Severity,
    /// What to do about it, where `why` does not say.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", inert(&self.file.to_string_lossy()))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: ", self.severity)?;
        if let Some(key) = &self.key {
            write!(f, "{}: ", inert(key))?;
        }
        write!(f, "{}", inert(&self.why))?;
        if let Some(help) = &self.help {
            write!(f, "\n    {}", inert(help))?;
        }
        Ok(())
    }
}

/// Everything that is wrong, file by file and line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, errors and warnings mixed, in the order of files and lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of them are errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// The text of the first `most` problems, errors before warnings, and how many more there are.
    pub fn summary(&self, most: usize) -> String {
        let mut by_weight: Vec<&Problem> = self.0.iter().collect();
        by_weight.sort_by_key(|problem| problem.severity);
        let mut text = String::new();
        for problem in by_weight.iter().take(most) {
            // writing to a string cannot fail
            let _ = writeln!(text, "{problem}");
        }
        if let Some(more) = self.0.len().checked_sub(most).filter(|more| *more > 0) {
            let _ = writeln!(text, "... and {more} more");
        }
        text
    }

    /// Orders them by file, in the order of `files`, then by line.
    pub(crate) fn sort(&mut self, files: &[Arc<Path>]) {
        let rank = |problem: &Problem| files.iter().position(|file| *file == problem.file);
        self.0.sort_by_key(|problem| (rank(problem), problem.line));
    }
}

impl fmt::Display for Problems {
    /// One after the other, each ending its line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

impl std::error::Error for Problems {}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Report<'p> {
    file: Arc<Path>,
    problems: &'p mut Problems,
    errors: usize,
}

impl<'p> Report<'p> {
    pub(crate) fn new(file: &Arc<Path>, problems: &'p mut Problems) -> Self {
        Self { file: Arc::clone(file), problems, errors: 0 }
    }

    /// Notes an error; `help` can be added to what is returned.
    pub(crate) fn error(
        &mut self,
        line: impl Into<Option<u32>>,
        key: &str,
        why: impl Into<String>,
    ) -> &mut Problem {
        self.push(Severity::Error, line.into(), key, why.into())
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        line: impl Into<Option<u32>>,
        key: &str,
        why: impl Into<String>,
    ) -> &mut Problem {
        self.push(Severity::Warning, line.into(), key, why.into())
    }

    /// How many errors were noted, through this report.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    fn push(
        &mut self,
        severity: Severity,
        line: Option<u32>,
        key: &str,
        why: String,
    ) -> &mut Problem {
        self.errors += usize::from(severity == Severity::Error);
        let key = (!key.is_empty()).then(|| key.to_owned());
        self.problems.0.push_mut(Problem {
            file: Arc::clone(&self.file),
            line,
            key,
            why,
            severity,
            help: None,
        })
    }
}

impl Problem {
    /// Adds what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<Option<String>>) {
        self.help = help.into();
    }
}

/// The text with everything escaped that could move a terminal's cursor or reorder its letters.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    let active = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if active(c) {
            shown.extend(c.escape_default());
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
    fn text_from_files_is_shown_inert() {
        let mut problems = Problems::default();
        let file: Arc<Path> = Path::new("a\u{1b}[31m.csv").into();
        Report::new(&file, &mut problems)
            .error(3, "Key\r", "no node is called x\u{202e}y")
            .help("look\nhere".to_owned());
        assert_eq!(
            problems.to_string(),
            "a\\u{1b}[31m.csv:3: error: Key\\r: no node is called x\\u{202e}y\n    look\\nhere\n"
        );
    }

    #[test]
    fn a_summary_puts_errors_first_and_counts_the_rest() {
        let mut problems = Problems::default();
        let file: Arc<Path> = Path::new("f").into();
        let mut report = Report::new(&file, &mut problems);
        report.warning(1, "", "w");
        report.error(2, "", "e1");
        report.error(3, "", "e2");
        assert_eq!(problems.summary(2), "f:2: error: e1\nf:3: error: e2\n... and 1 more\n");
        assert_eq!(problems.errors(), 2);
    }
}
