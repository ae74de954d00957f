//! Whose RTTs.

use serde::{Deserialize, Serialize};
use units::Segment;

/// Whose RTTs, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RttQuery {
    /// Whose. Of the box there is one row, whatever is filtered.
    pub group: RttGroup,
    /// Only rows whose id or name contains this text, whatever its letter case. Empty: all.
    pub filter: String,
    /// Only what is at or below the node with this id or name.
    pub node: Option<String>,
    /// The segment that is compared.
    pub segment: Segment,
    /// Only rows with at least as many samples on that segment as this; 0: all.
    pub samples_min: u32,
    /// What orders them.
    pub sort: RttSort,
    /// The largest first.
    pub descending: bool,
    /// How many of the matching rows to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`RttQuery::MAX_LIMIT`].
    pub limit: u32,
    /// Also the box's histogram.
    pub histogram: bool,
}

impl RttQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for RttQuery {
    /// The box.
    fn default() -> Self {
        Self {
            group: RttGroup::Box,
            filter: String::new(),
            node: None,
            segment: Segment::Customer,
            samples_min: 0,
            sort: RttSort::P90,
            descending: true,
            offset: 0,
            limit: 100,
            histogram: false,
        }
    }
}

/// Whose RTTs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RttGroup {
    /// Of all circuits together.
    #[default]
    Box,
    /// Of each node, everything below included.
    Nodes,
    /// Of each circuit.
    Circuits,
}

/// What orders RTTs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RttSort {
    /// The median.
    P50,
    /// The 90th percentile.
    #[default]
    P90,
    /// The 99th percentile.
    P99,
    /// How many samples.
    Samples,
    /// Name.
    Name,
}
