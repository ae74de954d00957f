//! The tree of nodes.

use std::sync::Arc;

use bus::{NodeRow, TreeView};
use state::Snapshot;
use units::PerDirection;

use super::quality;

pub(super) fn view(snapshot: &Snapshot) -> TreeView {
    let nodes = (0..snapshot.nodes.len()).map(|index| node_row(snapshot, index)).collect();
    TreeView { tick: snapshot.tick, window_ms: quality::WINDOW_MS, nodes }
}

fn node_row(snapshot: &Snapshot, index: usize) -> NodeRow {
    let (layout, figures) = (&snapshot.layout.nodes[index], &snapshot.nodes[index]);
    let share = |direction| snapshot.node_share_percent(index, direction) as f32;
    NodeRow {
        id: layout.id.as_str().into(),
        name: Arc::clone(&layout.name),
        kind: layout.kind.clone(),
        is_virtual: layout.is_virtual,
        parent: layout.parent.map(|parent| parent as u32),
        depth: snapshot.layout.depth(index),
        circuits: figures.circuits,
        limit_bps: layout.limit.map(units::BitsPerSec::get),
        rate_bps: figures.carried.map(units::BitsPerSec::get),
        share_percent: PerDirection::from_fn(share),
        drops_per_sec: figures.drops_per_sec,
        drops: figures.drops.map(units::Packets::get),
        rtt: quality::percentiles(&figures.rtt),
        retransmits: quality::retransmits(&figures.tcp, &figures.offered),
    }
}
