//! Text from files and packets, made safe to show.

use std::borrow::Cow;
use std::iter;

/// The text with everything replaced that could act on a screen instead of being shown: control
/// characters (so that no escape sequence survives), line and paragraph separators, characters that
/// turn the writing direction, and invisible ones. Each becomes U+FFFD, so the length in characters
/// stays and the reader sees that something was there.
pub fn inert(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) {
        Cow::Owned(text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text of several lines on one: ` | ` between them, or a space behind a colon, and each made inert. For
/// cells of tables.
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => inert(only),
        (Some(first), Some(second)) => {
            let mut all = inert(first).into_owned();
            for line in iter::once(second).chain(lines) {
                all += if all.ends_with(':') { " " } else { " | " };
                all += &inert(line);
            }
            Cow::Owned(all)
        }
    }
}

/// Whether the character does something rather than look like something.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}'                  // soft hyphen
            | '\u{061c}'                // Arabic letter mark
            | '\u{180e}'                // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'   // zero-width characters, direction marks
            | '\u{2028}'..='\u{202e}'   // separators, direction embeddings and overrides
            | '\u{2060}'..='\u{206f}'   // invisible operators, direction isolates
            | '\u{feff}'                // byte order mark
            | '\u{fff9}'..='\u{fffb}'   // interlinear annotation
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_is_not_copied() {
        for text in ["", "968 Circle St., Gurnee, IL 60031", "Zürich ☂ 北京", "=1+1"] {
            assert!(matches!(inert(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn lines_become_one() {
        for (text, shown) in [
            ("", ""),
            ("\n", ""),
            ("as it is", "as it is"),
            (
                "a.csv:3: error: x\r\n  help: y\n\nz\x1b\n",
                "a.csv:3: error: x | help: y | z\u{fffd}",
            ),
            ("not put in force:\na.csv:3: error: x\n", "not put in force: a.csv:3: error: x"),
        ] {
            assert_eq!(on_one_line(text), shown, "{text:?}");
        }
    }

    #[test]
    fn what_acts_is_replaced_one_for_one() {
        for (text, shown) in [
            ("a\x1b[31mb", "a\u{fffd}[31mb"),
            ("a\nb\tc", "a\u{fffd}b\u{fffd}c"),
            ("a\u{9b}2Jb", "a\u{fffd}2Jb"),
            ("\u{202e}exe.txt", "\u{fffd}exe.txt"),
            ("a\u{200b}b\u{2066}c\u{feff}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ] {
            assert_eq!(inert(text), shown, "{text:?}");
        }
    }
}
