//! The newest of what happened, shared with snapshots.

use std::collections::VecDeque;
use std::sync::Arc;

/// Items that are copied when one is added while a snapshot still has them.
const CHUNK: usize = 256;

/// A queue of bounded length in chunks behind `Arc`s, the oldest first. A clone costs a pointer for
/// each chunk.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    chunks: VecDeque<Arc<Vec<T>>>,
    /// Items of the first chunk that have left.
    left: usize,
    len: usize,
    capacity: usize,
    /// Items that had to leave for newer ones.
    pushed_out: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), left: 0, len: 0, capacity: 0, pushed_out: 0 }
    }
}

impl<T> Ring<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many had to leave before their time to make room.
    pub fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// The item at `index`, counted from the oldest.
    pub fn get(&self, index: usize) -> Option<&T> {
        let index = index + self.left;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// All, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

impl<T: Clone> Ring<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Adds an item; the oldest leaves when there is no room.
    pub(crate) fn push(&mut self, item: T) {
        if self.capacity == 0 {
            self.pushed_out += 1;
            return;
        }
        if self.len == self.capacity {
            self.pop();
            self.pushed_out += 1;
        }
        let full = |chunk: &Arc<Vec<T>>| chunk.len() == CHUNK;
        if self.chunks.back().is_none_or(full) {
            self.chunks.push_back(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            Arc::make_mut(chunk).push(item);
            self.len += 1;
        }
    }

    /// Lets the oldest go while they are `old`.
    pub(crate) fn expire(&mut self, old: impl Fn(&T) -> bool) {
        while self.get(0).is_some_and(&old) {
            self.pop();
        }
    }

    pub(crate) fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut()).for_each(change);
    }

    fn pop(&mut self) {
        self.left += 1;
        self.len -= 1;
        if self.len == 0 || self.left == CHUNK {
            self.chunks.pop_front();
            self.left = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_a_queue_would_be(
            capacity in 0usize..700, steps in prop::collection::vec(0u32..40, 0..3_000)
        ) {
            let (mut ring, mut truth) = (Ring::with_capacity(capacity), VecDeque::new());
            let (mut before, mut pushed_out) = ((ring.clone(), truth.clone()), 0);
            for (n, step) in (0u32..).zip(steps) {
                match step {
                    0 => before = (ring.clone(), truth.clone()),
                    1 => {
                        let upto = n.saturating_sub(300);
                        ring.expire(|item| *item < upto);
                        truth.retain(|item| *item >= upto);
                    }
                    _ => {
                        ring.push(n);
                        truth.push_back(n);
                        if truth.len() > capacity {
                            truth.pop_front();
                            pushed_out += 1;
                        }
                    }
                }
            }
            prop_assert_eq!(ring.pushed_out(), pushed_out);
            for (ring, truth) in [(ring, truth), before] {
                prop_assert_eq!(ring.len(), truth.len());
                prop_assert!(ring.iter().eq(truth.iter()));
            }
        }
    }
}
