//! A folder of ours on a BPF filesystem. What is pinned there outlives the daemon.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use libbpf_rs::ProgramMut;
use rustix::fs::statfs;
use tracing::warn;

use super::DatapathError;
use super::link::Link;

/// `BPF_FS_MAGIC` of `include/uapi/linux/magic.h`.
const BPF_FS_MAGIC: u32 = 0xcafe_4a11;

/// The folder, held by one daemon at a time. Dropping it removes it, unless it holds pins.
#[derive(Debug)]
pub struct Pins {
    folder: PathBuf,
    // Locked; the lock ends with the daemon, however that ends.
    _held: File,
}

/// One pinned program. Dropping it unpins.
#[derive(Debug)]
pub(super) struct Pin(PathBuf);

impl Pins {
    /// Takes the folder, making it if need be.
    ///
    /// # Errors
    /// When it is not on a BPF filesystem, cannot be made, or another daemon has it.
    pub fn take(folder: &Path) -> Result<Self, DatapathError> {
        Self::require_place(folder)?;
        fs::create_dir_all(folder).map_err(failed("create the folder for pins", folder))?;
        let held = File::open(folder).map_err(failed("open the folder for pins", folder))?;
        match held.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _held: held }),
            Err(TryLockError::WouldBlock) => Err(DatapathError::Held(folder.to_owned())),
            Err(TryLockError::Error(source)) => {
                Err(failed("lock the folder for pins", folder)(source))
            }
        }
    }

    /// Makes sure that the folder is on a BPF filesystem, or can be made on one.
    ///
    /// # Errors
    /// When it is not.
    pub fn require_place(folder: &Path) -> Result<(), DatapathError> {
        let parent = folder.parent().unwrap_or(folder);
        if is_bpffs(folder) || is_bpffs(parent) {
            Ok(())
        } else {
            Err(DatapathError::NotBpffs(folder.to_owned()))
        }
    }

    /// Whether programs of a daemon before are attached by pins in the folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn has_attachments(&self) -> Result<bool, DatapathError> {
        Ok(!self.links()?.is_empty())
    }

    /// The attachments that are pinned, with their names.
    pub(super) fn links(&self) -> Result<Vec<(String, Link)>, DatapathError> {
        let mut links = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed("read", &self.folder))? {
            let entry = entry.map_err(failed("read", &self.folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // a program that was pinned on the way to its attachment has no side in its name
            if !name.contains('-') {
                continue;
            }
            let link = Link::open(&entry.path()).map_err(failed("open", &entry.path()))?;
            links.extend(link.map(|link| (name, link)));
        }
        Ok(links)
    }

    /// The attachment of this name.
    pub(super) fn link(&self, name: &str) -> Result<Option<Link>, DatapathError> {
        let path = self.folder.join(name);
        Link::open(&path).map_err(failed("open", &path))
    }

    /// Has an attachment outlive the daemon.
    pub(super) fn keep(&self, name: &str, link: &Link) -> Result<(), DatapathError> {
        let path = self.folder.join(name);
        link.pin(&path).map_err(failed("pin a program's attachment at", &path))
    }

    /// Removes a pin, if there is one of this name.
    pub(super) fn remove(&self, name: &str) -> Result<(), DatapathError> {
        let path = self.folder.join(name);
        but_for(io::ErrorKind::NotFound, fs::remove_file(&path))
            .map_err(failed("remove pin", &path))
    }

    /// Removes pins of programs that a daemon before was about to attach when it was killed.
    pub(super) fn remove_passing(&self) -> Result<(), DatapathError> {
        for entry in fs::read_dir(&self.folder).map_err(failed("read", &self.folder))? {
            let entry = entry.map_err(failed("read", &self.folder))?;
            // what is remembered is a folder
            if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                self.remove(&entry.file_name().to_string_lossy())?;
            }
        }
        Ok(())
    }

    /// Remembers something past the daemon, by a folder of this name: files here are the kernel's only.
    pub(super) fn mark(&self, name: &str) -> Result<(), DatapathError> {
        let path = self.folder.join(name);
        but_for(io::ErrorKind::AlreadyExists, fs::create_dir(&path))
            .map_err(failed("make the mark", &path))
    }

    /// Whether something of this name is remembered.
    pub(super) fn is_marked(&self, name: &str) -> bool {
        self.folder.join(name).is_dir()
    }

    /// What is remembered by names that begin so: the rest of them.
    pub(super) fn marks(&self, beginning: &str) -> Result<Vec<String>, DatapathError> {
        let entries = fs::read_dir(&self.folder).map_err(failed("read", &self.folder))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter_map(|name| Some(name.strip_prefix(beginning)?.to_owned())).collect())
    }

    /// Forgets it, if it was remembered.
    pub(super) fn unmark(&self, name: &str) -> Result<(), DatapathError> {
        let path = self.folder.join(name);
        but_for(io::ErrorKind::NotFound, fs::remove_dir(&path))
            .map_err(failed("remove the mark", &path))
    }

    /// Pins a program, in place of what a daemon that was killed may have left there.
    pub(super) fn pin(
        &self,
        program: &ProgramMut<'_>,
        name: &'static str,
    ) -> Result<Pin, DatapathError> {
        self.remove(name)?;
        let path = self.folder.join(name);
        libbpf_rs::ProgramHandle::try_from(program)
            .and_then(|handle| handle.pin(&path))
            .map_err(|source| DatapathError::PinProgram { program: name, source })?;
        Ok(Pin(path))
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> DatapathError + use<> {
    let path = path.to_owned();
    move |source| DatapathError::Pin { action, path: path.clone(), source }
}

/// Takes a failure of this kind for a success: all is as it is to be.
fn but_for(kind: io::ErrorKind, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        other => other,
    }
}

impl Pin {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

fn is_bpffs(path: &Path) -> bool {
    statfs(path).is_ok_and(|filesystem| filesystem.f_type as u32 == BPF_FS_MAGIC)
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            warn!(%error, pin = %self.0.display(), "could not remove a pin");
        }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // Refused when the folder holds pins; then it stays.
        let _ = fs::remove_dir(&self.folder);
    }
}
