//! Text measured in columns of the terminal.

use std::borrow::Cow;

use bus::inert;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands for the rest of a text that is cut.
const CUT: &str = "…";

/// Columns that a text takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// A text from a file or a packet, made harmless and cut to so many columns.
pub fn foreign(text: &str, columns: u16) -> String {
    cut(&inert(text), columns).into_owned()
}

/// The text, or as much of it as fits into so many columns with a sign that there is more.
pub fn cut(text: &str, columns: u16) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(width(CUT)) else { return Cow::Borrowed("") };
    let (mut shown, mut taken) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        taken += width(grapheme);
        if taken > room {
            break;
        }
        shown.push_str(grapheme);
    }
    shown.push_str(CUT);
    Cow::Owned(shown)
}

/// A text from a file or a packet, made harmless, its lines broken into such of so many columns at most.
pub fn lines(text: &str, columns: u16) -> Vec<String> {
    text.lines().flat_map(|line| wrapped(&inert(line), columns)).collect()
}

/// The text in lines of so many columns at most, broken between words where that is possible.
fn wrapped(text: &str, columns: u16) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_word_bounds() {
        let pieces: Vec<&str> =
            if width(word) > columns { word.graphemes(true).collect() } else { vec![word] };
        for piece in pieces {
            let line = lines.last_mut().expect("there is always a line");
            if width(line) + width(piece) <= columns {
                line.push_str(piece);
            } else {
                lines.push(piece.trim_start().to_owned());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_are_cut_between_them() {
        for (text, columns, shown) in [
            ("Alder Farm", 10, "Alder Farm"),
            ("Alder Farm", 9, "Alder Fa…"),
            ("北京市朝阳区", 7, "北京市…"),
            ("北京市朝阳区", 6, "北京…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ] {
            assert_eq!(cut(text, columns), shown, "{text} in {columns}");
            assert!(width(&cut(text, columns)) <= columns);
        }
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(lines("one two\n  three\x1b", 7), ["one two", "  three", "\u{fffd}"]);
    }
}
