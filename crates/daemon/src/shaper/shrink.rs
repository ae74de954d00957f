//! The guard before every network that comes: one that lacks most of the circuits, or of the nodes and so of all
//! limits, is most likely a file cut short.

use std::fs;
use std::io;

use config::{Config, Loaded, Network, Source, Sources};

use super::Shaper;
use super::difference::Difference;
use crate::error::ShaperError;
use crate::facts::Machine;
use crate::prepare::{Prepared, prepare};

/// Refuses that more than half of the circuits or of the nodes go.
pub(super) fn refuse_shrunk(from: &Network, difference: &Difference) -> Result<(), ShaperError> {
    let Difference { circuits, nodes } = difference;
    for (what, changes, of) in
        [("circuits", circuits, from.circuits.len()), ("nodes", nodes, from.nodes.len())]
    {
        let removed = changes.removed.count;
        if removed > of / 2 {
            return Err(ShaperError::Shrinks { what, removed, of });
        }
    }
    Ok(())
}

impl Shaper {
    /// Plans a network as the next of what is in force. If `shrink`, most of its circuits and nodes may go.
    pub(super) fn prepare_guarded(
        &self,
        loaded: Loaded,
        machine: &Machine,
        shrink: bool,
    ) -> Result<(Prepared, Difference), ShaperError> {
        let before = &self.loaded.config.network;
        let difference = Difference::between(before, &loaded.config.network);
        if !shrink {
            refuse_shrunk(before, &difference)?;
        }
        Ok((prepare(loaded, machine, Some(&self.current.plan))?, difference))
    }

    /// Makes sure that a daemon may take over with the files as they are: it finds what this one leaves, and
    /// most of the circuits and nodes stay. What cannot be read under the settings in force is left to that daemon's own
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
                let before = &self.loaded.config.network;
                refuse_shrunk(before, &Difference::between(before, &next.config.network))
            }
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use plan::synthetic::{circuit, node};

    use super::*;

    #[test]
    fn more_than_half_do_not_go_unasked() {
        let network = |ids: std::ops::Range<usize>| {
            let circuits = ids.map(|id| circuit(id, None, [1, 10, 1, 10])).collect();
            Network { nodes: Vec::new(), circuits }
        };
        let refused = |removed, of| {
            let (before, after) = (network(0..of), network(removed..of));
            refuse_shrunk(&before, &Difference::between(&before, &after)).map_err(|e| e.to_string())
        };
        for (removed, of) in [(0, 0), (0, 1), (1, 2), (1, 3), (5, 10)] {
            assert_eq!(refused(removed, of), Ok(()), "{removed} of {of}");
        }
        for (removed, of) in [(1, 1), (2, 3), (6, 10), (10, 10)] {
            let told = refused(removed, of).unwrap_err();
            assert!(told.contains(&format!("{removed} of {of} circuits")), "{told}");
            assert!(told.contains("--shrink"), "{told}");
        }
        let with = |nodes: &[&str]| {
            let nodes = nodes.iter().map(|name| node(name, None, Some(100))).collect();
            Network { nodes, circuits: Vec::new() }
        };
        let (three, one) = (with(&["a", "b", "c"]), with(&["b"]));
        let told = refuse_shrunk(&three, &Difference::between(&three, &one)).unwrap_err();
        assert!(told.to_string().contains("2 of 3 nodes would go"), "{told}");
    }
}
