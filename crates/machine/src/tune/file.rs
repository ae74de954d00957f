//! What was before the first change: a file that tells how to go back.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setting::Setting;

/// Advanced when what is written changes its meaning.
const VERSION: u32 = 1;

/// A setting that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// Which.
    pub setting: Setting,
    /// What it was before the first change.
    pub was: String,
    /// What it was set to last.
    pub set: String,
}

/// The file's content: JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Written {
    version: u32,
    settings: Vec<Remembered>,
}

/// The file, held by one process at a time.
#[derive(Debug)]
pub struct TunedFile {
    path: PathBuf,
    /// Its folder, locked; the lock ends with the process.
    folder: File,
}

/// What was before cannot be remembered, or is not known any more. Nothing has been changed.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} {}", path.display())]
pub struct FileError {
    operation: &'static str,
    path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl TunedFile {
    /// Takes the file at `path`, whether it is there or not; its folder is made.
    ///
    /// # Errors
    /// When the folder cannot be made, or another process has it.
    pub fn take(path: &Path) -> Result<Self, FileError> {
        let named = path.file_name().is_some();
        let path = std::path::absolute(path).map_err(failed("find", path))?;
        let folder = path.parent().filter(|_| named).unwrap_or(&path);
        // who may open the folder may hold its lock
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed("make the folder", folder))?;
        let opened = File::open(folder).map_err(failed("open", folder))?;
        match opened.try_lock() {
            Ok(()) => Ok(Self { folder: opened, path }),
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::other("another process is tuning at this moment");
                Err(failed("lock", folder)(busy))
            }
            Err(TryLockError::Error(error)) => Err(failed("lock", folder)(error)),
        }
    }

    /// What was changed, in this order; nothing where there is no file.
    ///
    /// # Errors
    /// When it cannot be read, or is none of ours: it is left as it is.
    pub fn read(&self) -> Result<Vec<Remembered>, FileError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        let written: Result<Written, _> = serde_json::from_slice(&bytes);
        match written {
            Ok(Written { version: VERSION, settings }) => Ok(settings),
            Ok(Written { version, .. }) => {
                let why = format!("it is of version {version}, not {VERSION}");
                Err(failed("use", &self.path)(io::Error::other(why)))
            }
            Err(error) => Err(failed("understand", &self.path)(error.into())),
        }
    }

    /// Writes it whole or not at all, and on the disk when this returns. Nothing to remember is no file.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub fn write(&self, settings: &[Remembered]) -> Result<(), FileError> {
        if settings.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(failed("remove", &self.path)(error))
                }
                _ => Ok(()),
            };
        }
        let written = Written { version: VERSION, settings: settings.to_vec() };
        let new = self.path.with_extension("new");
        let result = serde_json::to_vec_pretty(&written)
            .map_err(io::Error::from)
            .and_then(|bytes| write_synced(&new, &bytes))
            .and_then(|()| fs::rename(&new, &self.path))
            .and_then(|()| self.folder.sync_all());
        if result.is_err() {
            // on a full disk half of it takes room, and nobody else would remove it
            let _ = fs::remove_file(&new);
        }
        result.map_err(failed("write", &self.path))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { operation, path, source }
}
