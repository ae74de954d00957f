//! The events that a daemon leaves to the one after it: a file beside the socket.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::{EventRow, EventsQuery};
use tracing::warn;

use crate::kept::write_whole;

/// The most bytes that are read: a thousand events of the longest text are less, however it is written in JSON.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Where they are: JSON.
#[derive(Debug)]
pub struct EventsFile(PathBuf);

impl EventsFile {
    /// The file beside `socket`.
    pub fn beside(socket: &Path) -> Self {
        Self(socket.with_file_name("tidegated.events"))
    }

    /// Reads what is there and removes it: after a daemon that is killed numbers must not go on from what was
    /// before its start. What cannot be read is logged, and numbers begin anew.
    pub fn take(&self) -> Vec<EventRow> {
        let read = self.read();
        self.remove();
        match read {
            Ok(rows) => rows,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let path = self.0.display();
                warn!(%error, %path, "could not read the last daemon's events; their numbers begin anew");
                Vec::new()
            }
        }
    }

    fn read(&self) -> io::Result<Vec<EventRow>> {
        let mut bytes = Vec::new();
        File::open(&self.0)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
        let rows: Vec<EventRow> = serde_json::from_slice(&bytes)?;
        let is_whole =
            rows.is_sorted_by(|row, next| row.number.checked_add(1) == Some(next.number));
        if !is_whole || rows.len() > EventsQuery::MAX_LIMIT as usize {
            return Err(io::Error::other("its events are not the newest in their order"));
        }
        Ok(rows)
    }

    /// Writes them whole or not at all. A failure is logged: it costs the next daemon what happened before.
    pub fn write(&self, rows: &[Arc<EventRow>]) {
        let rows: Vec<&EventRow> = rows.iter().map(AsRef::as_ref).collect();
        let written = serde_json::to_vec(&rows)
            .map_err(io::Error::from)
            .and_then(|bytes| write_whole(&self.0, &bytes));
        if let Err(error) = written {
            warn!(%error, path = %self.0.display(), "could not write the events for the next daemon");
        }
    }

    /// Removes it: nothing is left.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(%error, path = %self.0.display(), "could not remove the last daemon's events");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use bus::{Cause, EventKind, Severity};

    use super::*;

    fn rows(numbers: &[u64]) -> Vec<Arc<EventRow>> {
        let row = |number: &u64| EventRow {
            number: *number,
            unix_ms: 1,
            kind: EventKind::Bypass,
            severity: Severity::Info,
            text: "on\n".to_owned(),
            cause: Cause::Signal,
            generation: 2,
        };
        numbers.iter().map(row).map(Arc::new).collect()
    }

    #[test]
    fn what_was_written_whole_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = EventsFile::beside(&folder.path().join("bus.sock"));
        assert_eq!(file.take(), []);
        file.write(&rows(&[7, 8, 9]));
        let mode = fs::metadata(&file.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "what was told to one group is nobody else's");
        let whole = fs::read(&file.0).unwrap();
        let taken: Vec<_> = file.take().into_iter().map(Arc::new).collect();
        assert_eq!(taken, rows(&[7, 8, 9]));
        assert_eq!(file.take(), []);
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&file.0, &whole[..length]).unwrap();
            assert_eq!(file.take(), [], "cut off at {length}");
            assert!(!file.0.exists());
        }
        for numbers in [[7, 9].as_slice(), &[9, 8], &[u64::MAX, 0]] {
            file.write(&rows(numbers));
            assert_eq!(file.take(), [], "{numbers:?}");
        }
        file.write(&rows(&(1..=1_001).collect::<Vec<_>>()));
        assert_eq!(file.take(), [], "more than are kept");
    }
}
