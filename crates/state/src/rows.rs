//! Rows that a writer keeps and snapshots share.

use std::ops::Index;
use std::sync::Arc;

/// Rows that are published together when one of them has changed.
const CHUNK: usize = 256;

/// Rows as they were published, in chunks behind `Arc`s: a clone costs a pointer for each chunk.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    chunks: Vec<Arc<[T]>>,
    len: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Index<usize> for Rows<T> {
    type Output = T;
    fn index(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T> Rows<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The row at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

/// The writer's rows. It works on a flat vector and notes which chunks it changed; publishing copies
/// those and no others. Copying on the first write instead would spare the second copy of what is
/// idle, but each write then costs an atomic operation, and those keep waits for memory apart.
#[derive(Debug)]
pub(crate) struct LiveRows<T> {
    rows: Vec<T>,
    changed: Vec<bool>,
    published: Rows<T>,
}

impl<T> Default for LiveRows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), changed: Vec::new(), published: Rows::default() }
    }
}

impl<T> Index<usize> for LiveRows<T> {
    type Output = T;
    fn index(&self, index: usize) -> &T {
        &self.rows[index]
    }
}

impl<T: Clone> LiveRows<T> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.rows.get(index)
    }

    pub(crate) fn push(&mut self, row: T) -> usize {
        let index = self.rows.len();
        self.rows.push(row);
        self.touch(index);
        index
    }

    /// The row at `index`, to be changed.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn row_mut(&mut self, index: usize) -> &mut T {
        self.touch(index);
        &mut self.rows[index]
    }

    /// Takes the row at `index` out and puts the last one in its place.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn swap_remove(&mut self, index: usize) -> T {
        self.touch(index);
        self.touch(self.rows.len() - 1);
        self.rows.swap_remove(index)
    }

    /// The rows as they are now.
    pub(crate) fn publish(&mut self) -> Rows<T> {
        let chunks = &mut self.published.chunks;
        self.changed.resize(self.rows.len().div_ceil(CHUNK), false);
        chunks.truncate(self.changed.len());
        for (index, (rows, changed)) in self.rows.chunks(CHUNK).zip(&mut self.changed).enumerate() {
            match chunks.get_mut(index) {
                None => chunks.push(rows.into()),
                Some(chunk) if *changed => *chunk = rows.into(),
                Some(_) => {}
            }
            *changed = false;
        }
        self.published.len = self.rows.len();
        self.published.clone()
    }

    fn touch(&mut self, index: usize) {
        let chunk = index / CHUNK;
        match self.changed.get_mut(chunk) {
            Some(changed) => *changed = true,
            None => self.changed.resize(chunk + 1, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_a_vector_would_be_and_what_is_published_does_not_change(
            steps in prop::collection::vec((0u8..20, any::<usize>()), 0..3_000)
        ) {
            let (mut rows, mut truth) = (LiveRows::default(), Vec::new());
            let mut before = (rows.publish(), truth.clone());
            for (step, n) in steps {
                match (step, truth.len()) {
                    (0, _) => before = (rows.publish(), truth.clone()),
                    (1..6, 1..) => {
                        prop_assert_eq!(rows.swap_remove(n % truth.len()), truth.swap_remove(n % truth.len()));
                    }
                    (6..9, 1..) => {
                        *rows.row_mut(n % truth.len()) = n;
                        let index = n % truth.len();
                        truth[index] = n;
                    }
                    _ => {
                        prop_assert_eq!(rows.push(n), truth.len());
                        truth.push(n);
                    }
                }
            }
            for (rows, truth) in [(rows.publish(), truth), before] {
                prop_assert_eq!(rows.len(), truth.len());
                prop_assert!(rows.iter().eq(truth.iter()));
                prop_assert!(truth.iter().enumerate().all(|(index, row)| rows[index] == *row));
                prop_assert_eq!(rows.get(truth.len()), None);
            }
        }
    }
}
