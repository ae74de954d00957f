//! Text in lines that fit the terminal.

use crate::output::Look;

/// The text, inert, broken between words where the terminal ends. The first line begins with `label`, the
/// others with `indent`.
pub(crate) fn wrapped(label: &str, indent: &str, text: &str, look: &Look) -> String {
    let room = look.size.map_or(usize::MAX, |(columns, _)| usize::from(columns));
    let text = bus::inert(text);
    let (mut shown, mut line) = (String::new(), label.to_owned());
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if length > room && !is_empty {
            shown.push_str(&line);
            shown.push('\n');
            line = indent.to_owned();
        } else if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    shown + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_the_terminal_does() {
        let at = |columns: Option<u16>| {
            let look = Look { size: columns.map(|columns| (columns, 24)), colour: false };
            wrapped("note: ", "  ", "one two  three\u{1b}[2J", &look)
        };
        assert_eq!(at(None), "note: one two three\u{fffd}[2J\n");
        assert_eq!(at(Some(14)), "note: one two\n  three\u{fffd}[2J\n");
        assert_eq!(at(Some(3)), "note: one\n  two\n  three\u{fffd}[2J\n");
    }
}
