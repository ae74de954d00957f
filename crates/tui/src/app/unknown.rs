//! Hosts that no device covers.

use std::net::IpAddr;

use bus::{Topic, UnknownQuery, UnknownRow, UnknownSort};

use super::list::Row;
use super::table::{Column, Table};

/// A column of the table of unknown hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownColumn {
    /// The host.
    Address,
    /// How long ago it was seen last.
    LastSeen,
    /// How long ago it was seen first.
    FirstSeen,
    /// Bytes of both directions.
    Bytes,
    /// Bytes towards it.
    Down,
    /// Bytes from it.
    Up,
    /// Packets of both directions.
    Packets,
}

impl Column for UnknownColumn {
    const ALL: &'static [Self] = &[
        Self::Address,
        Self::LastSeen,
        Self::FirstSeen,
        Self::Bytes,
        Self::Down,
        Self::Up,
        Self::Packets,
    ];

    fn sorts(self) -> bool {
        self.sort().is_some()
    }

    fn descends(self) -> bool {
        self != Self::Address
    }
}

impl UnknownColumn {
    fn sort(self) -> Option<UnknownSort> {
        match self {
            Self::Address => Some(UnknownSort::Address),
            Self::LastSeen => Some(UnknownSort::LastSeen),
            Self::FirstSeen => Some(UnknownSort::FirstSeen),
            Self::Bytes => Some(UnknownSort::Bytes),
            Self::Down | Self::Up | Self::Packets => None,
        }
    }
}

impl Row for UnknownRow {
    type Id = IpAddr;

    fn id(&self) -> IpAddr {
        self.addr
    }
}

/// Hosts that no device covers.
pub type Unknown = Table<UnknownRow, UnknownColumn>;

/// What to ask for so that `height` rows can be shown.
pub(super) fn topic(table: &Unknown, height: u16) -> Topic {
    let (offset, limit) = table.list.window(height);
    Topic::Unknown(UnknownQuery {
        filter: table.filter.text().to_owned(),
        sort: table.sort.sort().unwrap_or_default(),
        descending: table.descending,
        offset,
        limit,
    })
}
