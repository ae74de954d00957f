//! The tree of nodes.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerDirection, PerSegment};

use super::retransmits::RetransmitView;
use super::rtt::RttPercentiles;

/// The tree of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TreeView {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// The time before it that RTTs are from.
    pub window_ms: u64,
    /// Parents come before their children.
    pub nodes: Vec<NodeRow>,
}

/// One node now. Figures include everything below it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRow {
    /// Stable identity.
    pub id: Arc<str>,
    /// Unique in the tree.
    pub name: Arc<str>,
    /// Free text: site, ap ...
    pub kind: Option<Arc<str>>,
    /// Shown, but without a class of its own.
    pub is_virtual: bool,
    /// Position of the parent in [`TreeView::nodes`].
    pub parent: Option<u32>,
    /// Ancestors.
    pub depth: u16,
    /// Circuits at and below it.
    pub circuits: u32,
    /// The rate that its class is held to.
    pub limit_bps: PerDirection<u64>,
    /// What its circuits are given; what they sent where no class tells.
    pub rate_bps: PerDirection<u64>,
    /// Share of the limit in use.
    pub share_percent: PerDirection<f32>,
    /// Packets dropped by its circuits' classes, a second.
    pub drops_per_sec: PerDirection<u64>,
    /// Packets dropped by its circuits' classes since the daemon began to count.
    pub drops: PerDirection<u64>,
    /// RTTs; none where there was no sample.
    pub rtt: PerSegment<Option<RttPercentiles>>,
    /// TCP segments that were sent again.
    pub retransmits: PerDirection<RetransmitView>,
}
