//! The tree of nodes, or a part of it.

use std::sync::Arc;

use bus::{NodeRow, Refusal, TreeQuery, TreeView};
use state::Snapshot;
use units::PerDirection;

use super::{Moment, node_named, quality};

pub(super) fn view(moment: &Moment<'_>, query: &TreeQuery) -> Result<TreeView, Refusal> {
    let snapshot = &moment.snapshot;
    let topmost = node_named(snapshot, query.node.as_ref())?;
    let top_depth = topmost.map_or(0, |index| snapshot.layout.depth(index));
    let below = snapshot.layout.at_or_below(topmost);
    let is_shown = |index: usize| {
        let levels_below = snapshot.layout.depth(index).saturating_sub(top_depth);
        below[index] && query.levels.is_none_or(|levels| levels_below <= levels)
    };
    // parents come before their children, so a parent that is shown has its place already
    let mut places = vec![None; snapshot.nodes.len()];
    let mut nodes = Vec::new();
    for index in (0..snapshot.nodes.len()).filter(|index| is_shown(*index)) {
        places[index] = Some(nodes.len() as u32);
        let parent = snapshot.layout.nodes[index].parent.and_then(|parent| places[parent]);
        nodes.push(node_row(snapshot, index, parent));
    }
    Ok(TreeView {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        window_ms: quality::WINDOW_MS,
        nodes,
    })
}

fn node_row(snapshot: &Snapshot, index: usize, parent: Option<u32>) -> NodeRow {
    let (layout, figures) = (&snapshot.layout.nodes[index], &snapshot.nodes[index]);
    let share = |direction| snapshot.node_share_percent(index, direction) as f32;
    NodeRow {
        id: layout.id.as_str().into(),
        name: Arc::clone(&layout.name),
        kind: layout.kind.clone(),
        is_virtual: layout.is_virtual,
        parent,
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
