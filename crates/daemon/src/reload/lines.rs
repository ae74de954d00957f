//! Which lines of the files a change would write otherwise.

use std::collections::HashMap;

use bus::LineChange;
use config::{Source, Sources};

/// Lines that a preview tells one by one.
const LINES_SHOWN: usize = 50;

/// Bytes of a line that are told.
const LINE_MAX: usize = 400;

/// The lines that would go and those that would come, in their order, and how many there are beyond those that
/// are told. One that would only stand elsewhere is neither.
pub(super) fn line_changes(before: &Sources, after: &Sources) -> (Vec<LineChange>, u64) {
    let files = [(&before.network, &after.network), (&before.devices, &after.devices)];
    let (mut told, mut all) = (Vec::new(), 0);
    for (old, new) in files.into_iter().filter(|(old, new)| old.bytes != new.bytes) {
        let file = new.path.display().to_string();
        // what is in force was read as text before
        let text = |source: &Source| source.text().unwrap_or_default();
        let (old, new) = (text(old), text(new));
        let changes = compared(&old, &new);
        all += changes.len();
        told.extend(changes.iter().take(LINES_SHOWN - told.len()).map(|change| LineChange {
            file: file.clone(),
            line: change.line as u32,
            comes: change.comes,
            text: short(change.text),
        }));
    }
    let more = (all - told.len()) as u64;
    (told, more)
}

/// A line of a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line<'t> {
    line: usize,
    comes: bool,
    text: &'t str,
}

/// The lines that only the old text has, and those that only the new one has.
fn compared<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let mut changes = only_in(old, new, false);
    changes.extend(only_in(new, old, true));
    changes.sort_by_key(|change| (change.line, change.comes));
    changes
}

/// The lines of a text that the other has not, or not as often.
fn only_in<'t>(text: &'t str, other: &str, comes: bool) -> Vec<Line<'t>> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for line in other.lines() {
        *left.entry(line).or_default() += 1;
    }
    let mut is_new = |line: &str| match left.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let lines = text.lines().zip(1..).filter(|(line, _)| is_new(line));
    lines.map(|(text, line)| Line { line, comes, text }).collect()
}

/// The text, cut where it is long.
fn short(text: &str) -> String {
    if text.len() <= LINE_MAX {
        return text.to_owned();
    }
    format!("{} ...", &text[..text.floor_char_boundary(LINE_MAX)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(devices: &str) -> Sources {
        Sources {
            settings: Source::new("t", ""),
            network: Source::new("n", "{}"),
            devices: Source::new("d", devices),
        }
    }

    fn told(old: &str, new: &str) -> (Vec<(u32, bool, String)>, u64) {
        let (lines, more) = line_changes(&sources(old), &sources(new));
        assert!(lines.iter().all(|line| line.file == "d"), "{lines:?}");
        (lines.into_iter().map(|line| (line.line, line.comes, line.text)).collect(), more)
    }

    #[test]
    fn what_goes_and_what_comes_is_told_by_line() {
        let line = |number, comes, text: &str| (number, comes, text.to_owned());
        let changed = vec![line(2, false, "b"), line(2, true, "x"), line(5, true, "b2")];
        assert_eq!(told("a\nb\nc\nd\n", "a\nx\nc\nd\nb2\n"), (changed, 0));
        let twice = vec![line(3, false, "a")];
        assert_eq!(told("a\nb\na\n", "a\nb\n"), (twice, 0));
        assert_eq!(told("a\nb\n", "b\na\n"), (vec![], 0));
        assert_eq!(told("a\n", "a\n"), (vec![], 0));
    }

    #[test]
    fn many_lines_and_long_ones_are_cut() {
        let new = format!("{}\n", "é".repeat(LINE_MAX)) + &"x\n".repeat(2 * LINES_SHOWN);
        let (lines, more) = told("", &new);
        assert_eq!((lines.len(), more), (LINES_SHOWN, LINES_SHOWN as u64 + 1));
        assert_eq!(lines[0].2, format!("{} ...", "é".repeat(LINE_MAX / 2)));
    }
}
