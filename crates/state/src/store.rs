//! Where the newest snapshot is taken from.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::snapshot::Snapshot;

/// The newest snapshot. One engine writes; readers, as many as there are, never wait.
#[derive(Debug, Default)]
pub struct Store {
    latest: ArcSwap<Snapshot>,
}

impl Store {
    /// The newest snapshot: an empty one with tick 0 before the first.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.latest.load_full()
    }

    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
        self.latest.store(snapshot);
    }
}
