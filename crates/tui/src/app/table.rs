//! A list with columns that it can be sorted by, and a filter.

use super::field::Field;
use super::list::{List, Row};

/// A column of a table.
pub trait Column: Copy + Eq + 'static {
    /// All of them, in the order in which they are shown.
    const ALL: &'static [Self];

    /// Whether the daemon can sort by it.
    fn sorts(self) -> bool;

    /// Whether the largest comes first unless something else is wanted: so with figures, not with texts.
    fn descends(self) -> bool;
}

/// A list with columns that it can be sorted by, and a filter.
#[derive(Clone, Debug)]
pub struct Table<R: Row, C: Column> {
    /// The rows.
    pub list: List<R>,
    /// What sorts them.
    pub sort: C,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Only rows with this text.
    pub filter: Field,
}

impl<R: Row, C: Column> Table<R, C> {
    /// An empty table that is sorted by this column.
    pub(super) fn by(sort: C) -> Self {
        let (list, filter) = (List::default(), Field::default());
        Self { list, sort, descending: sort.descends(), filter }
    }

    /// Sorts by this column; by one that sorts already, the other way round.
    pub(super) fn sort_by(&mut self, column: C) {
        if !column.sorts() {
            return;
        }
        if column == self.sort {
            self.descending = !self.descending;
        } else {
            (self.sort, self.descending) = (column, column.descends());
        }
        self.list.rewind();
    }

    /// Sorts by the next column to the right or to the left that can sort.
    pub(super) fn sort_beside(&mut self, right: bool) {
        let sorting: Vec<C> = C::ALL.iter().copied().filter(|column| column.sorts()).collect();
        let now = sorting.iter().position(|column| *column == self.sort).unwrap_or(0);
        let step = if right { 1 } else { sorting.len() - 1 };
        self.sort_by(sorting[(now + step) % sorting.len()]);
    }

    /// The other way round.
    pub(super) fn reverse(&mut self) {
        self.sort_by(self.sort);
    }
}
