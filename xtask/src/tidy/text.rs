//! Lengths of files and functions, and what text may not contain.

use super::Finding;
use super::files::{File, Tree};

/// Lines from which a source file is too long.
const FILE_MAX: usize = 600;
/// Lines from which it is worth a look.
const FILE_LONG: usize = 400;
/// Lines of a function that fit a screen.
const FUNCTION_LONG: usize = 60;
/// Endings of source files.
const SOURCES: [&str; 4] = [".rs", ".c", ".h", ".py"];

/// Checks all files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if file.path == "Cargo.lock" || file.path.starts_with("xtask/src/tidy/") {
            continue;
        }
        findings.extend(forbidden_text(file));
        if SOURCES.iter().any(|ending| file.path.ends_with(ending)) {
            findings.extend(length(file));
        }
        if file.path.ends_with(".rs") {
            findings.extend(long_functions(file));
        }
    }
    findings
}

fn forbidden_text(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        if line.contains("TODO") || line.contains("FIXME") || line.contains("XXX") {
            findings.push(Finding::error(&file.path, i + 1, "an unfinished thought"));
        }
        // Split, so that this file does not contain what it looks for.
        if line.contains(concat!("/ho", "me/")) || line.contains(concat!("/ro", "ot/")) {
            findings.push(Finding::error(&file.path, i + 1, "a path of somebody's machine"));
        }
    }
    findings
}

fn length(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let what = format!("{lines} lines: split it along a seam");
    if lines > FILE_MAX {
        Some(Finding::error(&file.path, lines, what))
    } else if lines > FILE_LONG {
        Some(Finding::warning(&file.path, lines, what))
    } else {
        None
    }
}

/// Functions, found by their indentation, which rustfmt makes reliable.
fn long_functions(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open: Option<(usize, String, &str)> = None;
    for (i, line) in file.text.lines().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        if open.is_none()
            && let Some(name) = function_name(code)
        {
            open = Some((i, format!("{indent}}}"), name));
        } else if let Some((start, end, name)) = &open
            && line == end
        {
            let lines = i - start + 1;
            if lines > FUNCTION_LONG {
                let what = format!("{name} has {lines} lines: more than fits a screen");
                findings.push(Finding::warning(&file.path, start + 1, what));
            }
            open = None;
        }
    }
    findings
}

/// The name in a function's first line, when its body does not end there.
fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let qualifiers = ["", "pub", "pub(crate)", "pub(super)", "const", "async", "unsafe"];
    if !before.split_whitespace().all(|word| qualifiers.contains(&word))
        || code.ends_with(['}', ';'])
    {
        return None;
    }
    after.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: String) -> File {
        File { path: "crates/a/src/a.rs".into(), text }
    }

    #[test]
    fn long_files_and_functions_are_found() {
        assert!(length(&file("x\n".repeat(400))).is_none());
        assert_eq!(
            length(&file("x\n".repeat(601))).map(|f| f.severity),
            Some(super::super::Severity::Error)
        );
        let long =
            format!("impl A {{\n    pub(crate) fn b(\n{}    }}\n}}\n", "        x;\n".repeat(60));
        let findings = long_functions(&file(long));
        assert_eq!(
            findings[0].to_string(),
            "crates/a/src/a.rs:2: warning: b has 62 lines: more than fits a screen"
        );
        assert!(long_functions(&file("fn a() {\n}\nfn b() {}\n".repeat(50))).is_empty());
    }

    #[test]
    fn unfinished_thoughts_are_found() {
        assert_eq!(forbidden_text(&file(concat!("// TO", "DO: x").into())).len(), 1);
        assert_eq!(forbidden_text(&file(concat!("cd /ho", "me/me").into())).len(), 1);
        assert!(forbidden_text(&file("cd /tmp".into())).is_empty());
    }
}
