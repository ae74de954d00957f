//! One daemon at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held as long as the daemon runs. The kernel lets go of it even when the daemon is killed; the
/// file stays, as removing it would let two daemons lock two files of the same name.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon holds it.
    #[error("another tidegated is running as process {holder} (lock {})", path.display())]
    Held {
        /// Its process id, as it wrote it.
        holder: String,
        /// The lock.
        path: PathBuf,
    },
    /// The file could not be made or locked.
    #[error("could not lock {}", path.display())]
    File {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock beside `socket`, making the folder if need be. Nobody else may open it, who could hold it too.
    ///
    /// # Errors
    /// When another daemon holds it, or the file system refuses.
    pub fn take(socket: &Path) -> Result<Self, LockError> {
        let path = socket.with_file_name("tidegated.lock");
        let failed = |source| LockError::File { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // a holder that has not written yet is still a holder
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held { holder: holder.trim().to_owned(), path });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_second_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/bus.sock");
        let first = Lock::take(&socket).unwrap();
        let error = Lock::take(&socket).unwrap_err();
        assert!(
            matches!(&error, LockError::Held { holder, .. } if *holder == std::process::id().to_string())
        );
        drop(first);
        assert!(Lock::take(&socket).is_ok());
        let mode = fs::metadata(folder.path().join("run/tidegated.lock")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
