//! In which order flows are read.

/// Readings come in the order of the kernel's table, which hardly changes: so the row that was read
/// after this one will mostly be the next again, and is found without a look into the index.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// By row: the one that was read after it.
    followers: Vec<u32>,
    last: Option<u32>,
}

impl Order {
    /// What is read next is the first of a reading.
    pub(crate) fn begin(&mut self) {
        self.last = None;
    }

    /// The row that is likely to be read next; there may be no such row.
    pub(crate) fn guess(&self) -> u32 {
        self.last.and_then(|last| self.followers.get(last as usize).copied()).unwrap_or(0)
    }

    /// This row was read next.
    pub(crate) fn follow(&mut self, row: u32) {
        if let Some(follower) = self.last.and_then(|last| self.followers.get_mut(last as usize)) {
            *follower = row;
        }
        self.last = Some(row);
    }

    /// There is a new last row.
    pub(crate) fn push(&mut self) {
        self.followers.push(self.followers.len() as u32 + 1);
    }

    /// A row is gone and the last one has its place. What the others remember may be wrong from now
    /// on, which costs a look into the index each.
    pub(crate) fn swap_remove(&mut self, row: usize) {
        self.followers.swap_remove(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these rows are guessed.
    fn hits(order: &mut Order, rows: [u32; 4]) -> usize {
        order.begin();
        let hit = |row: &u32| {
            let guessed = order.guess() == *row;
            order.follow(*row);
            guessed
        };
        rows.iter().copied().filter(hit).count()
    }

    #[test]
    fn an_order_is_guessed_once_it_was_seen() {
        let mut order = Order::default();
        (0..4).for_each(|_| order.push());
        assert_eq!(hits(&mut order, [0, 1, 2, 3]), 4, "rows are made in the order of readings");
        assert!(hits(&mut order, [0, 2, 3, 1]) < 4);
        assert_eq!(hits(&mut order, [0, 2, 3, 1]), 4);
    }

    #[test]
    fn guesses_beyond_the_rows_are_harmless() {
        let mut order = Order::default();
        assert_eq!(order.guess(), 0);
        order.push();
        order.follow(0);
        assert_eq!(order.guess(), 1);
        order.swap_remove(0);
        assert_eq!(order.guess(), 0);
        order.follow(0);
    }
}
