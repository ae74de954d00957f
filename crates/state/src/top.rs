//! The first few of many, without ordering the rest.

use crate::query::Page;

/// A row's place in the order: the larger comes first, what has none comes last.
pub(crate) type Key = Option<u64>;

/// Which part of what matches, and from which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The smallest first; the largest otherwise.
    pub ascending: bool,
    /// How many matches to skip.
    pub offset: usize,
    /// The most rows.
    pub limit: usize,
}

/// Cuts a page out of the order of all keys: selects its borders, and orders only what lies between.
/// Between equals the lower index comes first.
pub(crate) fn page(total: usize, keys: impl Iterator<Item = (usize, Key)>, cut: Cut) -> Page {
    let weight = |key: Key| match key {
        None => u64::MAX,
        Some(key) if cut.ascending => key.min(u64::MAX - 1),
        Some(key) => u64::MAX - 1 - key.min(u64::MAX - 1),
    };
    let mut matched: Vec<(u64, u32)> =
        keys.map(|(index, key)| (weight(key), index as u32)).collect();
    let count = matched.len();
    let end = cut.offset.saturating_add(cut.limit).min(count);
    let start = cut.offset.min(end);
    if end < count {
        matched.select_nth_unstable(end);
    }
    let head = &mut matched[..end];
    if start > 0 && start < end {
        head.select_nth_unstable(start);
    }
    let rows = &mut head[start..];
    rows.sort_unstable();
    let rows = rows.iter().map(|(_, index)| *index as usize).collect();
    Page { total, matched: count, rows }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_page_is_cut_from_the_order_of_all(
            keys in prop::collection::vec(prop::option::of(0u64..20), 0..200),
            ascending: bool, offset in 0usize..220, limit in 0usize..220,
        ) {
            let mut all: Vec<usize> = (0..keys.len()).collect();
            all.sort_by_key(|index| match keys[*index] {
                None => (1, 0),
                Some(key) => (0, if ascending { key } else { u64::MAX - key }),
            });
            let start = offset.min(all.len());
            let end = (start + limit).min(all.len());
            let cut = Cut { ascending, offset, limit };
            let page = page(keys.len() + 7, keys.iter().copied().enumerate(), cut);
            prop_assert_eq!(&page.rows, &all[start..end]);
            prop_assert_eq!((page.total, page.matched), (keys.len() + 7, keys.len()));
        }
    }
}
