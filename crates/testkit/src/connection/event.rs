//! Events in the order of virtual time.

use std::collections::BTreeMap;

/// Events yet to come; those of the same time in the order in which they were added.
#[derive(Debug)]
pub(super) struct Events<E> {
    queue: BTreeMap<(u64, u64), E>,
    added: u64,
}

impl<E> Events<E> {
    pub(super) const fn new() -> Self {
        Self { queue: BTreeMap::new(), added: 0 }
    }

    pub(super) fn add(&mut self, at_ns: u64, event: E) {
        self.queue.insert((at_ns, self.added), event);
        self.added += 1;
    }

    pub(super) fn next(&mut self) -> Option<(u64, E)> {
        self.queue.pop_first().map(|((at_ns, _), event)| (at_ns, event))
    }
}
