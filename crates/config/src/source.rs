//! Files as bytes, and bytes as text.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::problem::{Problems, Report};

/// The most that a file may hold, in bytes: about ten times what a million circuits take.
const FILE_SIZE_MAX: u64 = 1 << 30;

/// One file's content with the name by which problems call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How problems name the file.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Source {
    /// A file of this name and content, wherever it comes from.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }

    /// What it holds, without a byte order mark.
    ///
    /// # Errors
    /// When it is no text.
    pub fn text(&self) -> Result<String, Problems> {
        let mut problems = Problems::default();
        let mut report = Report::new(&self.path.as_path().into(), &mut problems);
        let text = decode(&self.bytes, Fallback::Windows1252, &mut report);
        text.map(Cow::into_owned).ok_or(problems)
    }
}

/// A whole configuration in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// tidegate.toml. Its folder is what relative paths in it start from.
    pub settings: Source,
    /// network.json.
    pub network: Source,
    /// ShapedDevices.csv.
    pub devices: Source,
}

/// Reads a file whole.
///
/// # Errors
/// When the system refuses, or the path leads to something other than a regular file of sane size.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // asked before opening, because opening a FIFO would wait for a writer
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_SIZE_MAX {
        return Err(io::Error::other(format!("larger than {FILE_SIZE_MAX} bytes")));
    }
    Ok(bytes)
}

/// What to make of bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// Refuse them.
    Refuse,
    /// Read them as Windows-1252, with a warning.
    Windows1252,
}

/// The text in `bytes`, without its byte order mark: UTF-8, UTF-16 with a mark, or the fallback.
pub(crate) fn decode<'b>(
    bytes: &'b [u8],
    fallback: Fallback,
    report: &mut Report<'_>,
) -> Option<Cow<'b, str>> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes)
        && encoding != encoding_rs::UTF_8
    {
        let (text, broken) = encoding.decode_without_bom_handling(&bytes[mark..]);
        if broken {
            report.error(None, "", format!("is marked as {} but is not", encoding.name()));
            return None;
        }
        return Some(text);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => return Some(Cow::Borrowed(text)),
        Err(error) => error.valid_up_to(),
    };
    let line = line_count(&bytes[..valid]);
    match fallback {
        Fallback::Refuse => {
            report.error(line, "", "is not UTF-8 text").help("save the file as UTF-8".to_owned());
            None
        }
        Fallback::Windows1252 => {
            report
                .warning(line, "", "is not UTF-8 text; the whole file is read as Windows-1252")
                .help("save the file as UTF-8 so that names show as they were meant".to_owned());
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
            Some(text)
        }
    }
}

fn line_count(bytes: &[u8]) -> u32 {
    let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(breaks.map(|(offset, _)| offset).collect())
    }

    /// The line, counted from 1, of the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|line_break| *line_break < offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::problem::Problems;

    fn decoded(bytes: &[u8], fallback: Fallback) -> (Option<String>, String) {
        let mut problems = Problems::default();
        let file: Arc<Path> = Path::new("f").into();
        let text = decode(bytes, fallback, &mut Report::new(&file, &mut problems));
        (text.map(Cow::into_owned), problems.to_string())
    }

    #[test]
    fn byte_order_marks_are_taken_off() {
        let utf16_le: Vec<u8> = "\u{feff}é".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_be: Vec<u8> = "\u{feff}é".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in ["\u{feff}é".as_bytes(), "é".as_bytes(), &utf16_le, &utf16_be] {
            assert_eq!(decoded(bytes, Fallback::Refuse), (Some("é".to_owned()), String::new()));
        }
        let (text, problems) = decoded(b"\xff\xfe\x00\xd8", Fallback::Windows1252);
        assert_eq!(
            (text, problems.as_str()),
            (None, "f: error: is marked as UTF-16LE but is not\n")
        );
    }

    #[test]
    fn other_bytes_are_windows_1252_where_that_is_allowed() {
        let (text, problems) = decoded(b"a\nJos\xe9", Fallback::Windows1252);
        assert_eq!(text.as_deref(), Some("a\nJosé"));
        assert!(problems.starts_with("f:2: warning: is not UTF-8 text"), "{problems}");
        assert_eq!(decoded(b"Jos\xe9", Fallback::Refuse).0, None);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::of("a\nbc\n\nd");
        let at: Vec<u32> = [0, 1, 2, 4, 5, 6].into_iter().map(|offset| lines.at(offset)).collect();
        assert_eq!(at, [1, 1, 2, 2, 3, 4]);
    }
}
