//! Which hosts that no device covers.

use serde::{Deserialize, Serialize};

/// Which unknown hosts, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnknownQuery {
    /// Only hosts whose address contains this text. Empty: all.
    pub filter: String,
    /// What orders them; hosts that are equal in it are ordered by address.
    pub sort: UnknownSort,
    /// The largest first; for times, the latest.
    pub descending: bool,
    /// How many of the matching hosts to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`UnknownQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl UnknownQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for UnknownQuery {
    /// The hundred hosts that were seen last.
    fn default() -> Self {
        Self {
            filter: String::new(),
            sort: UnknownSort::LastSeen,
            descending: true,
            offset: 0,
            limit: 100,
        }
    }
}

/// What orders unknown hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownSort {
    /// When a packet was seen last.
    #[default]
    LastSeen,
    /// When a packet was seen first.
    FirstSeen,
    /// Bytes of both directions.
    Bytes,
    /// The address, IPv4 before IPv6.
    Address,
}
