//! Rows that a snapshot shares with their writer.

use std::ops::Index;
use std::sync::Arc;

/// Rows that are copied when they are written while a snapshot still has them.
const CHUNK: usize = 256;

/// A growing and shrinking list in chunks behind `Arc`s. A clone costs a pointer for each chunk;
/// writing to a chunk that a clone shares copies that chunk, once.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    chunks: Vec<Arc<Vec<T>>>,
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

impl<T: Clone> Rows<T> {
    pub(crate) fn push(&mut self, row: T) -> usize {
        let index = self.len;
        if index.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        Arc::make_mut(&mut self.chunks[index / CHUNK]).push(row);
        self.len += 1;
        index
    }

    /// The row at `index`, to be changed.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn row_mut(&mut self, index: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.chunks[index / CHUNK])[index % CHUNK]
    }

    /// Takes the row at `index` out and puts the last one in its place.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn swap_remove(&mut self, index: usize) -> T {
        let last_chunk = self.chunks.len() - 1;
        let chunk = Arc::make_mut(&mut self.chunks[last_chunk]);
        let last = chunk.swap_remove((self.len - 1) % CHUNK);
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.len -= 1;
        if index == self.len { last } else { std::mem::replace(self.row_mut(index), last) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_a_vector_would_be_and_clones_do_not_change(
            steps in prop::collection::vec((0u8..8, any::<usize>()), 0..2_000)
        ) {
            let (mut rows, mut truth) = (Rows::default(), Vec::new());
            let mut clone = (rows.clone(), truth.clone());
            for (step, n) in steps {
                match (step, truth.len()) {
                    (0, _) => clone = (rows.clone(), truth.clone()),
                    (1, 1..) => {
                        prop_assert_eq!(rows.swap_remove(n % truth.len()), truth.swap_remove(n % truth.len()));
                    }
                    (2, 1..) => {
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
            for (rows, truth) in [(rows, truth), clone] {
                prop_assert_eq!(rows.len(), truth.len());
                prop_assert!(rows.iter().eq(truth.iter()));
                prop_assert!(truth.iter().enumerate().all(|(index, row)| rows[index] == *row));
                prop_assert_eq!(rows.get(truth.len()), None);
            }
        }
    }
}
