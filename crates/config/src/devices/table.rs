//! Comma-separated values (RFC 4180) with exact lines, comments, and recovery from a lost quote.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2_iter, memrchr2};

/// The most bytes between two quotes: far beyond any comment, and a bound on how much text a lost
/// quote can swallow.
const QUOTED_MAX: usize = 16 * 1024;

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'t> {
    /// Where it begins, counted from 1.
    pub(crate) line: u32,
    /// Where it is in the text, with its line break.
    pub(crate) bytes: Range<usize>,
    /// Without surrounding white space and quotes.
    pub(crate) fields: Vec<Cow<'t, str>>,
}

/// Why a row cannot be split.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Where it begins, counted from 1.
    pub(crate) line: u32,
    pub(crate) why: &'static str,
}

/// The rows of a text: comments, empty lines and rows of nothing but commas are skipped. After a
/// broken row, reading goes on in the next line.
#[derive(Debug)]
pub(crate) struct Rows<'t> {
    rest: &'t str,
    /// Bytes before that.
    passed: usize,
    line: u32,
}

impl<'t> Rows<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { rest: text, passed: 0, line: 1 }
    }

    /// Steps over lines before the byte at `offset` of the text, up to the first that has a quote, as a row may
    /// go on beyond the end of a line that has one.
    pub(crate) fn skip_to(&mut self, offset: usize) {
        let before =
            &self.rest.as_bytes()[..offset.saturating_sub(self.passed).min(self.rest.len())];
        let before = &before[..memchr(b'"', before).unwrap_or(before.len())];
        let whole_lines = memrchr2(b'\n', b'\r', before).map_or(0, |last| last + 1);
        self.advance(whole_lines);
    }

    /// Bytes of the text that were read, or stepped over.
    pub(crate) const fn passed(&self) -> usize {
        self.passed
    }

    /// Steps over `length` bytes and counts the lines in them.
    fn advance(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at(length);
        self.line = self.line.saturating_add(line_breaks(passed));
        self.rest = rest;
        self.passed += length;
    }
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Row<'t>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            let line_end = end_of_line(self.rest);
            let first_line = &self.rest[..line_end];
            if first_line.trim_start().starts_with('#') {
                self.advance(line_end + break_length(&self.rest[line_end..]));
                continue;
            }
            match split(self.rest) {
                Ok((fields, length)) => {
                    let bytes = self.passed..self.passed + length;
                    self.advance(length);
                    if fields.iter().any(|field| !field.is_empty()) {
                        return Some(Ok(Row { line, bytes, fields }));
                    }
                }
                Err(why) => {
                    self.advance(line_end + break_length(&self.rest[line_end..]));
                    return Some(Err(Broken { line, why }));
                }
            }
        }
        None
    }
}

/// The fields of the first row, and its length in bytes with the line break.
fn split(text: &str) -> Result<(Vec<Cow<'_, str>>, usize), &'static str> {
    let mut fields = Vec::with_capacity(16);
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let (field, length) = if rest[blank..].starts_with('"') {
            let (field, length) = quoted(&rest[blank..])?;
            (field, blank + length)
        } else {
            let length = rest.bytes().position(ends_field).unwrap_or(rest.len());
            (Cow::Borrowed(rest[..length].trim()), length)
        };
        fields.push(field);
        at += length;
        match text.as_bytes().get(at) {
            Some(b',') => at += 1,
            _ => return Ok((fields, at + break_length(&text[at..]))),
        }
    }
}

/// The field between quotes at the start of `text`, and its length up to what ends the field.
fn quoted(text: &str) -> Result<(Cow<'_, str>, usize), &'static str> {
    let inner = &text[1..];
    let mut doubled = false;
    let mut bytes = inner.bytes().enumerate().take(QUOTED_MAX).peekable();
    let close = loop {
        match bytes.next() {
            Some((at, b'"')) if bytes.peek().is_none_or(|(_, next)| *next != b'"') => break at,
            Some((_, b'"')) => {
                doubled = true;
                bytes.next();
            }
            Some(_) => {}
            None => return Err("a quote is opened and never closed"),
        }
    };
    let after = &inner[close + 1..];
    let blank = after.bytes().position(ends_field).unwrap_or(after.len());
    if !after[..blank].trim().is_empty() {
        return Err("text follows a closing quote; a quote inside of quotes is written twice");
    }
    let content = inner[..close].trim();
    let field = if doubled { content.replace("\"\"", "\"").into() } else { content.into() };
    Ok((field, close + 2 + blank))
}

fn ends_field(byte: u8) -> bool {
    matches!(byte, b',' | b'\n' | b'\r')
}

fn end_of_line(text: &str) -> usize {
    text.bytes().position(|byte| byte == b'\n' || byte == b'\r').unwrap_or(text.len())
}

/// The length of the line break at the start of `text`.
fn break_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn line_breaks(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let is_break = |at: &usize| bytes[*at] == b'\r' || *at == 0 || bytes[*at - 1] != b'\r';
    memchr2_iter(b'\n', b'\r', bytes).filter(is_break).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        Rows::of(text)
            .map(|row| {
                let row = row.unwrap();
                (row.line, row.fields.into_iter().map(Cow::into_owned).collect())
            })
            .collect()
    }

    #[test]
    fn rows_keep_their_lines_across_comments_blanks_and_quoted_breaks() {
        let text = "a, b ,c\r\n# no\n\n,,\n\"x, y\", \"say \"\"hi\"\"\" ,\n\"two\nlines\",z\rlast";
        assert_eq!(
            rows(text),
            [
                (1, vec!["a".into(), "b".into(), "c".into()]),
                (5, vec!["x, y".into(), "say \"hi\"".into(), String::new()]),
                (6, vec!["two\nlines".into(), "z".into()]),
                (8, vec!["last".to_owned()]),
            ]
        );
        assert_eq!(rows("5\" dish,\"\""), [(1, vec!["5\" dish".into(), String::new()])]);
    }

    #[test]
    fn a_lost_quote_costs_one_row() {
        let found: Vec<_> = Rows::of("1,\"a,b\n2,c\n3,\"d\"e\n4,f").collect();
        assert_eq!(found.len(), 4);
        assert!(matches!(found[0], Err(Broken { line: 1, .. })));
        assert!(matches!(&found[1], Ok(row) if row.line == 2 && row.fields == ["2", "c"]));
        assert!(matches!(found[2], Err(Broken { line: 3, .. })));
        assert!(matches!(&found[3], Ok(row) if row.line == 4));
    }

    proptest::proptest! {
        /// Rows with a text in them are found whether or not lines without it are stepped over.
        #[test]
        fn what_is_stepped_over_has_no_such_text(text in "[abc\"', #\n\r]{0,60}") {
            let has_it = |row: &Result<Row<'_>, Broken>| {
                row.as_ref().is_ok_and(|row| text[row.bytes.clone()].contains('b'))
            };
            let all: Vec<_> = Rows::of(&text).filter(has_it).collect();
            let mut found = Vec::new();
            let mut rows = Rows::of(&text);
            loop {
                let next = text[rows.passed()..].find('b');
                rows.skip_to(next.map_or(text.len(), |at| rows.passed() + at));
                let Some(row) = rows.next() else { break };
                found.extend(Some(row).filter(has_it));
            }
            proptest::prop_assert_eq!(found, all);
        }

        /// The `csv` crate as a second opinion: what it writes is read back.
        #[test]
        fn what_another_program_writes_is_read(
            written in proptest::collection::vec(proptest::collection::vec("[a-c \"',#\n]{0,6}", 1..5), 0..6),
            style in proptest::sample::select(vec![csv::QuoteStyle::Always, csv::QuoteStyle::NonNumeric]),
        ) {
            let mut writer =
                csv::WriterBuilder::new().flexible(true).quote_style(style).from_writer(Vec::new());
            for row in &written {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<Vec<String>> = rows(&text).into_iter().map(|(_, fields)| fields).collect();
            let expected: Vec<Vec<String>> = written
                .iter()
                .map(|row| row.iter().map(|field| field.trim().to_owned()).collect::<Vec<_>>())
                .filter(|row| row.iter().any(|field| !field.is_empty()))
                .collect();
            proptest::prop_assert_eq!(read, expected);
        }
    }
}
