//! The guard before every network that comes: one that lacks most of the circuits is most likely a file cut short.

use std::fs;
use std::io;

use config::{Circuit, Config, Loaded, Source, Sources};

use super::Shaper;
use super::change::Counts;
use crate::error::ShaperError;
use crate::facts::Machine;
use crate::prepare::{Prepared, prepare};

/// Refuses that more than half of so many circuits go.
pub(super) const fn refuse_shrunk(counts: Counts, of: usize) -> Result<(), ShaperError> {
    let Counts { removed, .. } = counts;
    if removed > of / 2 { Err(ShaperError::Shrinks { removed, of }) } else { Ok(()) }
}

impl Shaper {
    /// Plans a network as the next of what is in force. If `shrink`, most of the circuits may go.
    pub(super) fn prepare_guarded(
        &self,
        loaded: Loaded,
        machine: &Machine,
        shrink: bool,
    ) -> Result<(Prepared, Counts), ShaperError> {
        let before = self.circuits();
        let counts = Counts::of(before, &loaded.config.network.circuits);
        if !shrink {
            refuse_shrunk(counts, before.len())?;
        }
        Ok((prepare(loaded, machine, Some(&self.current.plan))?, counts))
    }

    /// Makes sure that a daemon may take over with the files as they are: it finds what this one leaves, and
    /// most of the circuits stay. What cannot be read under the settings in force is left to that daemon's own
    /// check: it may know more of them.
    ///
    /// # Errors
    /// Why it may not.
    pub fn require_successor(&self) -> Result<(), ShaperError> {
        let files = self.reachable_files()?;
        let read = |path| io::Result::Ok(Source::new(path, fs::read(path)?));
        let (Ok(network), Ok(devices)) = (read(&files.network), read(&files.devices)) else {
            return Ok(());
        };
        let settings = self.loaded.sources.settings.clone();
        match Config::from_sources(&Sources { settings, network, devices }) {
            Ok(next) => {
                let before = self.circuits();
                refuse_shrunk(Counts::of(before, &next.config.network.circuits), before.len())
            }
            Err(_) => Ok(()),
        }
    }

    /// The circuits in force.
    pub(super) fn circuits(&self) -> &[Circuit] {
        &self.loaded.config.network.circuits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_do_not_go_unasked() {
        let refused = |removed, of| {
            refuse_shrunk(Counts { removed, ..Counts::default() }, of).map_err(|e| e.to_string())
        };
        for (removed, of) in [(0, 0), (0, 1), (1, 2), (1, 3), (5, 10)] {
            assert_eq!(refused(removed, of), Ok(()), "{removed} of {of}");
        }
        for (removed, of) in [(1, 1), (2, 3), (6, 10), (10, 10)] {
            let told = refused(removed, of).unwrap_err();
            assert!(told.contains(&format!("{removed} of {of} circuits")), "{told}");
            assert!(told.contains("--shrink"), "{told}");
        }
    }
}
