//! Checks of the project's rules, each with file and line.

mod abi_mirror;
mod crates;
mod faults;
mod files;
mod purity;
mod sample;
mod text;

use std::fmt;

use anyhow::{Result, bail};

use crate::step;
use files::Tree;

/// Something that a rule forbids, or a matter of taste to look at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    severity: Severity,
    what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Error,
    Warning,
}

impl Finding {
    fn error(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, severity: Severity::Error, what: what.into() }
    }

    fn warning(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, severity: Severity::Warning, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: {}", self.path, self.line, self.what)
    }
}

/// Checks the whole workspace and prints what it finds.
///
/// # Errors
/// When a rule is broken. Warnings are only printed.
pub(crate) fn run() -> Result<()> {
    let root = step::root();
    let tree = Tree::read(&root)?;
    let mut findings = crates::check(&root)?;
    findings.extend(crates::check_files(&tree));
    findings.extend(text::check(&tree));
    findings.extend(purity::check(&tree));
    findings.extend(abi_mirror::check(&tree));
    findings.extend(sample::check(&tree));
    findings.extend(faults::check(&tree));
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    eprintln!("tidy: {} files, {errors} errors, {warnings} warnings", tree.files.len());
    if errors > 0 {
        bail!("{errors} rules are broken");
    }
    Ok(())
}
