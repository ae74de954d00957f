//! Which networks or countries of the Internet side.

use serde::{Deserialize, Serialize};
use units::Direction;

/// Which origins, in which order. An origin is an autonomous system or a country that addresses of
/// the Internet side belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OriginsQuery {
    /// What is added up.
    pub group: OriginGroup,
    /// Only origins with this text in the number, name or country's code, whatever its letter case.
    /// Empty: all.
    pub filter: String,
    /// What orders them.
    pub sort: OriginSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first.
    pub descending: bool,
    /// How many of the matching origins to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`OriginsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl OriginsQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for OriginsQuery {
    /// The hundred autonomous systems with the highest rates.
    fn default() -> Self {
        Self {
            group: OriginGroup::Asn,
            filter: String::new(),
            sort: OriginSort::Rate,
            by: None,
            descending: true,
            offset: 0,
            limit: 100,
        }
    }
}

/// What flows are added up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginGroup {
    /// Autonomous system.
    #[default]
    Asn,
    /// Country.
    Country,
}

/// What orders origins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginSort {
    /// The rate now.
    #[default]
    Rate,
    /// Bytes of the flows in the table.
    Bytes,
    /// Flows in the table.
    Flows,
    /// The Internet side's mean RTT.
    Rtt,
    /// Share of the TCP segments that were sent again.
    Retransmits,
    /// Number or code.
    Origin,
}
