//! Files as bytes, unpacked where they are gzip, within bounds.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::problem::Trouble;

/// The most bytes of a file, unpacked: several times what the largest tables have.
pub const BYTES_MAX: u64 = 256 << 20;

/// The most that gzip may grow. Tables grow some 3 to 20 times; only a trap grows a thousand times.
pub(crate) const INFLATION_MAX: u64 = 100;

/// What any gzip may grow to, so that the rule above does not hit tiny files.
const INFLATION_FREE: u64 = 1 << 20;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// By which a file is known to be as it was: a change of content changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of what is at `path`, which is not opened.
    pub(crate) fn of(path: &Path) -> Result<Self, Trouble> {
        let metadata = fs::metadata(path).map_err(Trouble::Open)?;
        // asked before opening, because opening a FIFO would wait for a writer
        if !metadata.is_file() {
            return Err(Trouble::NotRegular);
        }
        Ok(Self::from(&metadata))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A file's content, unpacked, and the stamp that it had all the time while it was read.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
}

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Content, Trouble> {
    Stamp::of(path)?;
    let file = File::open(path).map_err(Trouble::Open)?;
    let stamp = |file: &File| file.metadata().map(|metadata| Stamp::from(&metadata));
    let before = stamp(&file).map_err(Trouble::Read)?;
    let bytes = unpack(&file, before.size);
    let after = stamp(&file).map_err(Trouble::Read)?;
    if before != after {
        return Err(Trouble::Changed);
    }
    Ok(Content { bytes: bytes?, stamp: after })
}

fn unpack(file: &File, size: u64) -> Result<Vec<u8>, Trouble> {
    let mut reader = BufReader::new(file);
    if !reader.fill_buf().map_err(Trouble::Read)?.starts_with(&GZIP) {
        return read_at_most(reader, BYTES_MAX).map_err(Trouble::Read)?.ok_or(Trouble::TooLarge);
    }
    let inflated_max = size.saturating_mul(INFLATION_MAX).saturating_add(INFLATION_FREE);
    let bytes_max = inflated_max.min(BYTES_MAX);
    let bytes = read_at_most(MultiGzDecoder::new(reader), bytes_max).map_err(Trouble::Unpack)?;
    bytes.ok_or(if bytes_max < BYTES_MAX { Trouble::Inflated } else { Trouble::TooLarge })
}

/// All bytes, or none when there are more than `most`.
fn read_at_most(reader: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}
