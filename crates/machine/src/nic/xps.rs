//! Transmit packet steering by the sender's CPU, which would overrule the queue that our programs
//! choose (`skb_tx_hash` is asked only where no XPS map decides).

use std::path::PathBuf;
use std::{fs, io};

use thiserror::Error;
use tracing::warn;

use super::facts::SYSFS_NET;

/// Both maps of a transmit queue: by CPU, and by receive queue.
pub(crate) const MAPS: [&str; 2] = ["xps_cpus", "xps_rxqs"];

/// An XPS map could not be read or written.
#[derive(Debug, Error)]
#[error("could not {operation} XPS map {}", .path.display())]
pub struct XpsError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// A NIC with its XPS maps cleared; dropping it puts them back.
#[derive(Debug)]
#[must_use = "dropping the guard restores the maps"]
pub struct XpsGuard {
    /// Maps that were not empty, with what they held.
    changed: Vec<(PathBuf, String)>,
}

impl XpsGuard {
    /// Clears the maps of the NIC called `name`. A NIC with a single queue has none.
    ///
    /// # Errors
    /// When one cannot be read or written; those cleared so far are put back.
    pub fn clear(name: &str) -> Result<Self, XpsError> {
        let mut guard = Self { changed: Vec::new() };
        let queues = PathBuf::from(SYSFS_NET).join(name).join("queues");
        let failed = |operation, path: &PathBuf| {
            let path = path.clone();
            move |source| XpsError { operation, path, source }
        };
        for entry in fs::read_dir(&queues).map_err(failed("list", &queues))? {
            let queue = entry.map_err(failed("list", &queues))?.path();
            for path in MAPS.map(|map| queue.join(map)) {
                let mask = match fs::read_to_string(&path) {
                    Ok(mask) => mask.trim().to_owned(),
                    Err(error) if means_no_map(&error) => continue,
                    Err(error) => return Err(failed("read", &path)(error)),
                };
                if mask.contains(|digit: char| digit != '0' && digit != ',') {
                    fs::write(&path, "0").map_err(failed("clear", &path))?;
                    guard.changed.push((path, mask));
                }
            }
        }
        Ok(guard)
    }

    /// Maps that were not empty, with what they held.
    pub fn changed(&self) -> &[(PathBuf, String)] {
        &self.changed
    }

    /// Takes over what a daemon before has cleared: dropping this restores what was before that.
    pub fn take_over(&mut self, cleared: Vec<(PathBuf, String)>) {
        for (path, mask) in cleared {
            match self.changed.iter_mut().find(|(known, _)| *known == path) {
                Some(known) => known.1 = mask,
                None => self.changed.push((path, mask)),
            }
        }
    }

    /// Leaves the maps as they are.
    pub fn leave(mut self) {
        self.changed.clear();
    }

    /// How many maps were cleared.
    pub fn cleared(&self) -> usize {
        self.changed.len()
    }
}

impl Drop for XpsGuard {
    fn drop(&mut self) {
        for (path, mask) in self.changed.drain(..) {
            if let Err(error) = fs::write(&path, &mask) {
                warn!(%error, path = %path.display(), mask, "could not restore an XPS map");
            }
        }
    }
}

/// A receive queue has none, nor has a device with one queue.
pub(crate) fn means_no_map(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, Unsupported};
    matches!(error.kind(), NotFound | NotADirectory | Unsupported)
}
