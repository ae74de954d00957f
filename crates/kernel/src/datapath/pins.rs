//! A folder of ours on a BPF filesystem, by which libbpf-rs hands programs to aya.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use libbpf_rs::Program;
use rustix::fs::statfs;
use tracing::warn;

use super::DatapathError;

/// `BPF_FS_MAGIC` of `include/uapi/linux/magic.h`.
const BPF_FS_MAGIC: u32 = 0xcafe_4a11;

/// The folder. Dropping it removes it, unless it holds somebody else's pins.
#[derive(Debug)]
pub(super) struct Pins {
    folder: PathBuf,
}

/// One pinned program. Dropping it unpins.
#[derive(Debug)]
pub(super) struct Pin(PathBuf);

impl Pins {
    pub(super) fn new(folder: &Path) -> Result<Self, DatapathError> {
        let parent = folder.parent().unwrap_or(folder);
        if !is_bpffs(folder) && !is_bpffs(parent) {
            return Err(DatapathError::NotBpffs(folder.to_owned()));
        }
        fs::create_dir_all(folder).map_err(|source| DatapathError::Pin {
            action: "create the folder for pins",
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Pins a program, in place of what a daemon that was killed may have left there.
    pub(super) fn pin(
        &self,
        program: &Program<'_>,
        name: &'static str,
    ) -> Result<Pin, DatapathError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(DatapathError::Pin { action: "remove the stale pin", path, source });
            }
            _ => {}
        }
        libbpf_rs::ProgramHandle::try_from(program)
            .and_then(|handle| handle.pin(&path))
            .map_err(|source| DatapathError::PinProgram { program: name, source })?;
        Ok(Pin(path))
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
        // Refused when the folder holds somebody else's pins; then it stays.
        let _ = fs::remove_dir(&self.folder);
    }
}
