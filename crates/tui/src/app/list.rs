//! A long list of which only a window is at hand.

use std::fmt;

/// Something that stays itself when rows change places.
pub trait Row {
    /// What tells it from all others.
    type Id: Clone + Eq + fmt::Debug;

    /// What tells this one from all others.
    fn id(&self) -> Self::Id;
}

/// Rows of a list that somebody else sorts, the row that the operator looks at, and what is in sight.
///
/// At first the cursor is at the top, whatever is there. Once it is moved it stays on its row, wherever
/// that goes; a row that leaves the window is still the one that is followed.
#[derive(Clone, Debug)]
pub struct List<R: Row> {
    rows: Vec<R>,
    first: u32,
    matched: u32,
    total: u32,
    loaded: bool,
    top: u32,
    at: u32,
    follows: bool,
    followed: Option<R::Id>,
}

impl<R: Row> Default for List<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            first: 0,
            matched: 0,
            total: 0,
            loaded: false,
            top: 0,
            at: 0,
            follows: false,
            followed: None,
        }
    }
}

impl<R: Row> List<R> {
    /// Whether rows have come.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Rows that match, and rows that there are.
    pub fn counts(&self) -> (u32, u32) {
        (self.matched, self.total)
    }

    /// Position of the topmost row in sight.
    pub fn top(&self) -> u32 {
        self.top
    }

    /// The positions in sight with their rows, where those are at hand.
    pub fn in_sight(&self, height: u16) -> impl Iterator<Item = (u32, Option<&R>)> {
        let end = self.top.saturating_add(height.into()).min(self.matched);
        (self.top..end).map(|position| (position, self.row(position)))
    }

    /// Whether the cursor is on this row.
    pub fn is_chosen(&self, position: u32, row: &R) -> bool {
        match &self.followed {
            Some(id) => *id == row.id(),
            None => position == self.at,
        }
    }

    /// The identity of the row that the cursor is on.
    pub fn chosen(&self) -> Option<R::Id> {
        self.followed.clone().or_else(|| self.row(self.at).map(Row::id))
    }

    /// The identity of the row that the cursor was put on; none while it is at the top.
    pub(super) fn followed(&self) -> Option<R::Id> {
        self.followed.clone()
    }

    /// The row that the cursor is on, where it is at hand.
    pub fn chosen_row(&self) -> Option<&R> {
        match &self.followed {
            Some(id) => self.rows.iter().find(|row| row.id() == *id),
            None => self.row(self.at),
        }
    }

    /// Whether the row that is followed has left the window.
    pub fn has_lost_sight(&self) -> bool {
        self.followed.is_some() && self.chosen_row().is_none()
    }

    /// Which rows to ask for so that a page in either direction is at hand: how many to skip and how
    /// many to send. It changes only once a page.
    pub fn window(&self, height: u16) -> (u32, u32) {
        let height = u32::from(height.max(1));
        let page = self.top / height;
        (page.saturating_sub(1) * height, 4 * height)
    }

    /// Takes rows, the first of which has the position `first`.
    pub(super) fn receive(
        &mut self,
        first: u32,
        rows: Vec<R>,
        matched: u32,
        total: u32,
        height: u16,
    ) {
        (self.rows, self.first, self.loaded) = (rows, first, true);
        // whatever the daemon says, a row that is here exists
        let here = first.saturating_add(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.matched = if self.rows.is_empty() { matched } else { matched.max(here) };
        self.total = total;
        if let Some(id) = &self.followed
            && let Some(found) = self.rows.iter().position(|row| row.id() == *id)
        {
            let position = first + u32::try_from(found).unwrap_or(0);
            let moved = position != self.at;
            self.at = position;
            if moved {
                self.bring_in_sight(height);
            }
        }
        self.at = self.at.min(self.matched.saturating_sub(1));
        self.adopt();
        self.settle(height);
    }

    /// Moves the cursor by so many rows.
    pub(super) fn move_by(&mut self, rows: i64, height: u16) {
        let at = i64::from(self.at).saturating_add(rows).clamp(0, i64::from(u32::MAX));
        self.choose(u32::try_from(at).unwrap_or(u32::MAX), height);
    }

    /// Moves the cursor, and what is in sight with it, by so many pages.
    pub(super) fn page_by(&mut self, pages: i64, height: u16) {
        let rows = pages.saturating_mul(height.max(1).into());
        let top = i64::from(self.top).saturating_add(rows).clamp(0, i64::from(u32::MAX));
        self.top = u32::try_from(top).unwrap_or(u32::MAX);
        self.settle(height);
        self.move_by(rows, height);
    }

    /// Puts the cursor on the row at this position.
    pub(super) fn choose(&mut self, position: u32, height: u16) {
        self.at = position.min(self.matched.saturating_sub(1));
        (self.follows, self.followed) = (true, None);
        self.adopt();
        self.bring_in_sight(height);
    }

    /// Back to the top, following no row.
    pub(super) fn rewind(&mut self) {
        (self.at, self.top, self.follows, self.followed) = (0, 0, false, None);
    }

    /// Keeps what is in sight within the list after the number of rows in sight has changed.
    pub(super) fn settle(&mut self, height: u16) {
        let height = u32::from(height.max(1));
        self.top = self.top.min(self.matched.saturating_sub(height));
    }

    /// Scrolls as little as it takes to have the cursor in sight.
    pub(super) fn bring_in_sight(&mut self, height: u16) {
        let height = u32::from(height.max(1));
        if self.at < self.top {
            self.top = self.at;
        } else if self.at >= self.top.saturating_add(height) {
            self.top = self.at - height + 1;
        }
    }

    /// All rows at hand.
    pub(super) fn rows(&self) -> &[R] {
        &self.rows
    }

    /// A row that was pointed at before it was at hand is followed from now on.
    fn adopt(&mut self) {
        if self.follows && self.followed.is_none() {
            self.followed = self.row(self.at).map(Row::id);
        }
    }

    fn row(&self, position: u32) -> Option<&R> {
        self.rows.get(usize::try_from(position.checked_sub(self.first)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Row for u32 {
        type Id = Self;

        fn id(&self) -> Self {
            *self
        }
    }

    const HEIGHT: u16 = 5;

    fn list(rows: impl IntoIterator<Item = u32>) -> List<u32> {
        let mut list = List::default();
        give(&mut list, rows);
        list
    }

    fn give(list: &mut List<u32>, rows: impl IntoIterator<Item = u32>) {
        let rows: Vec<u32> = rows.into_iter().collect();
        let count = u32::try_from(rows.len()).unwrap();
        list.receive(0, rows, count, count, HEIGHT);
    }

    fn in_sight(list: &List<u32>) -> Vec<u32> {
        list.in_sight(HEIGHT).filter_map(|(_, row)| row.copied()).collect()
    }

    #[test]
    fn until_it_is_moved_the_cursor_stays_at_the_top() {
        let mut list = list(0..20);
        assert_eq!(list.chosen(), Some(0));
        give(&mut list, (0..20).rev());
        assert_eq!((list.chosen(), in_sight(&list)), (Some(19), vec![19, 18, 17, 16, 15]));
    }

    #[test]
    fn then_it_stays_on_its_row_and_in_sight() {
        let mut list = list(0..20);
        list.move_by(2, HEIGHT);
        give(&mut list, (0..20).rev());
        assert_eq!(list.chosen(), Some(2));
        assert_eq!(in_sight(&list), [6, 5, 4, 3, 2]);
        list.move_by(1, HEIGHT);
        assert_eq!((list.chosen(), in_sight(&list)), (Some(1), vec![5, 4, 3, 2, 1]));
        list.rewind();
        give(&mut list, 0..20);
        assert_eq!(list.chosen(), Some(0));
    }

    #[test]
    fn a_row_that_leaves_the_window_is_still_followed() {
        let mut list = list(0..20);
        list.choose(3, HEIGHT);
        list.receive(0, vec![7, 8, 9], 20, 20, HEIGHT);
        assert!(list.has_lost_sight());
        assert_eq!((list.chosen(), list.chosen_row()), (Some(3), None));
        assert!(
            !list.in_sight(HEIGHT).any(|(at, row)| row.is_some_and(|it| list.is_chosen(at, it)))
        );
        list.receive(0, vec![7, 3, 9], 20, 20, HEIGHT);
        assert_eq!((list.has_lost_sight(), list.chosen_row()), (false, Some(&3)));
    }

    #[test]
    fn only_a_window_is_asked_for_and_it_changes_once_a_page() {
        let mut list = List::default();
        list.receive(0, (0..20).collect(), 100_000, 100_000, HEIGHT);
        let mut asked = vec![list.window(HEIGHT)];
        for _ in 0..50 {
            list.move_by(1, HEIGHT);
            let (offset, limit) = list.window(HEIGHT);
            assert!(offset <= list.top() && list.top() + 10 <= offset + limit);
            asked.push((offset, limit));
        }
        asked.dedup();
        assert_eq!(asked.len(), 9, "{asked:?}");
        list.choose(u32::MAX, HEIGHT);
        assert_eq!(list.window(HEIGHT), (99_990, 20));
        assert_eq!(in_sight(&list), [0; 0]);
        list.receive(99_990, (99_990..100_000).collect(), 100_000, 100_000, HEIGHT);
        assert_eq!((list.chosen(), in_sight(&list).len()), (Some(99_999), 5));
    }

    #[test]
    fn a_list_that_shrinks_stays_in_sight() {
        let mut list = list(0..20);
        list.choose(u32::MAX, HEIGHT);
        give(&mut list, 0..3);
        assert_eq!((list.top(), in_sight(&list)), (0, vec![0, 1, 2]));
        give(&mut list, []);
        assert_eq!(in_sight(&list), [0; 0]);
        list.move_by(-3, HEIGHT);
        list.choose(u32::MAX, HEIGHT);
    }
}
