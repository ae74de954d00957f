//! Where the newest snapshot is taken from.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::snapshot::Snapshot;

/// The newest snapshot of one kind. One engine writes; readers, as many as there are, never wait.
#[derive(Debug)]
pub struct Store<T = Snapshot> {
    latest: ArcSwap<T>,
}

impl<T: Default> Default for Store<T> {
    fn default() -> Self {
        Self { latest: ArcSwap::from_pointee(T::default()) }
    }
}

impl<T> Store<T> {
    /// The newest snapshot: an empty one with tick 0 before the first.
    pub fn latest(&self) -> Arc<T> {
        self.latest.load_full()
    }

    /// Puts a newer one in its place and gives the former back.
    pub(crate) fn publish(&self, snapshot: Arc<T>) -> Arc<T> {
        self.latest.swap(snapshot)
    }
}
