//! Numbers to give away: class minors, leaf majors, circuit slots.

/// A range of numbers. Kept ones are claimed first; new ones are then taken in ascending order,
/// those that were in use before only when no other is left: what the kernel still holds under
/// an old number must not be in the way of the new.
pub(crate) struct Pool {
    first: u32,
    /// By number, from the first one on: whether it was in use before.
    before: Vec<bool>,
    /// Likewise: whether it is in use now.
    used: Vec<bool>,
    /// Below this all that were not in use before are in use now.
    fresh: usize,
    /// Below this all are in use now, once no fresh one is left.
    freed: usize,
}

impl Pool {
    /// The numbers `first..=last`, of which `before` were in use.
    pub(crate) fn new(first: u32, last: u32, before: impl Iterator<Item = u32>) -> Self {
        let count = (u64::from(last) + 1).saturating_sub(first.into()) as usize;
        let mut pool = Self {
            first,
            before: vec![false; count],
            used: vec![false; count],
            fresh: 0,
            freed: 0,
        };
        for n in before {
            if let Some(index) = pool.index(n) {
                pool.before[index] = true;
            }
        }
        pool
    }

    fn index(&self, n: u32) -> Option<usize> {
        let index = n.checked_sub(self.first)? as usize;
        (index < self.before.len()).then_some(index)
    }

    /// Claims a number that was in use before; refuses others and a second claim.
    pub(crate) fn keep(&mut self, n: u32) -> bool {
        let Some(index) = self.index(n).filter(|index| self.before[*index]) else { return false };
        !std::mem::replace(&mut self.used[index], true)
    }

    /// Takes a number that nobody has. Call it only after every [`Self::keep`].
    pub(crate) fn take(&mut self) -> Option<u32> {
        let Self { before, used, fresh, freed, .. } = self;
        let all = used.len();
        *fresh = (*fresh..all).find(|at| !before[*at] && !used[*at]).unwrap_or(all);
        if *fresh == all {
            *freed = (*freed..all).find(|at| !used[*at]).unwrap_or(all);
        }
        let index = if *fresh < all { *fresh } else { *freed };
        *used.get_mut(index)? = true;
        Some(self.first + index as u32)
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
