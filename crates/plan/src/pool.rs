//! Numbers to give away: class minors, leaf majors, circuit slots.

use std::collections::{BTreeSet, HashSet};

/// A range of numbers. Kept ones are claimed first; new ones are then taken in ascending order,
/// those that were in use before only when no other is left: what the kernel still holds under
/// an old number must not be in the way of the new.
pub(crate) struct Pool {
    next: u32,
    last: u32,
    before: BTreeSet<u32>,
    kept: HashSet<u32>,
}

impl Pool {
    /// The numbers `first..=last`, of which `before` were in use.
    pub(crate) fn new(first: u32, last: u32, before: impl Iterator<Item = u32>) -> Self {
        let before = before.filter(|n| (first..=last).contains(n)).collect();
        Self { next: first, last, before, kept: HashSet::new() }
    }

    /// Claims a number that was in use before; refuses others and a second claim.
    pub(crate) fn keep(&mut self, n: u32) -> bool {
        self.before.contains(&n) && self.kept.insert(n)
    }

    /// Takes a number that nobody has. Call it only after every [`Self::keep`].
    pub(crate) fn take(&mut self) -> Option<u32> {
        while self.next <= self.last {
            let n = self.next;
            self.next = n.checked_add(1)?;
            if !self.before.contains(&n) {
                return Some(n);
            }
        }
        while let Some(n) = self.before.pop_first() {
            if !self.kept.contains(&n) {
                return Some(n);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_numbers_come_last() {
        let mut pool = Pool::new(3, 6, [3, 4, 99].into_iter());
        assert!(pool.keep(4));
        assert!(!pool.keep(4), "claimed twice");
        assert!(!pool.keep(99), "out of range");
        assert!(!pool.keep(5), "was not in use");
        let taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(taken, [5, 6, 3]);
    }
}
