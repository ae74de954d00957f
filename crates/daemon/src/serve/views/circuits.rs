//! A page of circuits.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{CircuitRow, CircuitsPage, CircuitsQuery, Refusal};
use state::{ByProtocol, CircuitFigures, CircuitSort, Layout, Snapshot};
use units::{CircuitSlot, PerDirection, Segment};

use super::{Moment, leaves, no_circuit, node_named, quality};

pub(super) fn view(moment: &Moment<'_>, query: &CircuitsQuery) -> Result<CircuitsPage, Refusal> {
    if let Some(id) = &query.id {
        return one(moment, id);
    }
    let Moment { shared, snapshot, .. } = moment;
    let asleep = shared.asleep.load();
    let node = node_named(snapshot, query.node.as_ref())?;
    let page = snapshot.circuits_page(&state::CircuitQuery {
        filter: query.filter.clone(),
        node,
        rtt_samples_min: query.rtt_samples_min.into(),
        sort: circuit_sort(query.sort),
        by: query.by,
        descending: query.descending,
        offset: query.offset as usize,
        limit: query.limit.min(CircuitsQuery::MAX_LIMIT) as usize,
    });
    Ok(CircuitsPage {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        window_ms: quality::WINDOW_MS,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: page
            .rows
            .into_iter()
            .map(|index| circuit_row(snapshot, Some(index), (&snapshot.layout, index), &asleep))
            .collect(),
    })
}

/// One circuit, as it is in force: whoever has just changed it finds it, with figures of zero until a tick
/// has measured it.
fn one(moment: &Moment<'_>, id: &str) -> Result<CircuitsPage, Refusal> {
    let Moment { shared, snapshot, .. } = moment;
    let (current, asleep) = (shared.current.load(), shared.asleep.load());
    let in_force = &current.layout;
    let index = in_force.circuit_named(id).ok_or_else(|| no_circuit(id))?;
    let measured = snapshot.layout.circuit_named(id);
    Ok(CircuitsPage {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        window_ms: quality::WINDOW_MS,
        total: in_force.circuits.len() as u32,
        matched: 1,
        rows: vec![circuit_row(snapshot, measured, (in_force, index), &asleep)],
    })
}

const fn circuit_sort(sort: bus::CircuitSort) -> CircuitSort {
    match sort {
        bus::CircuitSort::Id => CircuitSort::Id,
        bus::CircuitSort::Name => CircuitSort::Name,
        bus::CircuitSort::Node => CircuitSort::Node,
        bus::CircuitSort::Plan => CircuitSort::Plan,
        bus::CircuitSort::Offered => CircuitSort::Offered,
        bus::CircuitSort::Sent => CircuitSort::Sent,
        bus::CircuitSort::Share => CircuitSort::Share,
        bus::CircuitSort::Drops => CircuitSort::Drops,
        bus::CircuitSort::Backlog => CircuitSort::Backlog,
        bus::CircuitSort::RttCustomer => CircuitSort::Rtt(Segment::Customer),
        bus::CircuitSort::RttInternet => CircuitSort::Rtt(Segment::Internet),
        bus::CircuitSort::Retransmits => CircuitSort::Retransmits,
        bus::CircuitSort::Marks => CircuitSort::Marks,
    }
}

/// A circuit of `within` and the figures that were `measured`, by its index in the snapshot.
fn circuit_row(
    snapshot: &Snapshot,
    measured: Option<usize>,
    (within, index): (&Layout, usize),
    asleep: &BTreeSet<CircuitSlot>,
) -> CircuitRow {
    let layout = &within.circuits[index];
    let figures = measured.map_or_else(CircuitFigures::default, |index| snapshot.circuits[index]);
    let offered = figures.offered.as_ref().map(ByProtocol::sum);
    let class = figures.class;
    let share = |direction| figures.share_percent(layout.max[direction], direction) as f32;
    CircuitRow {
        id: layout.id.as_str().into(),
        name: Arc::clone(&layout.name),
        node: layout.node.map(|node| Arc::clone(&within.nodes[node].name)),
        plan_bps: layout.max.map(units::BitsPerSec::get),
        min_bps: layout.min.map(units::BitsPerSec::get),
        offered_bps: offered.map(|rate| rate.bits.get()),
        offered_packets_per_sec: offered.map(|rate| rate.packets_per_sec),
        sent_bps: class.map(|class| class.map(|class| class.sent.bits.get())),
        share_percent: PerDirection::from_fn(share),
        drops_per_sec: class.map(|class| class.map_or(0, |class| class.drops_per_sec)),
        drops: class.map(|class| class.map_or(0, |class| class.drops.get())),
        backlog_bytes: class.map(|class| class.map_or(0, |class| class.backlog.get())),
        leaf: PerDirection::from_fn(|direction| {
            let figures = measured.and_then(|index| snapshot.leaves.circuit(index, direction));
            figures.map(|figures| leaves::leaf(&snapshot.leaves, figures))
        }),
        rtt: quality::percentiles(&figures.rtt),
        retransmits: quality::retransmits(&figures.tcp, &figures.offered),
        queue: layout.queue.map(units::QueueId::get),
        cpu: layout.cpu.get(),
        class: layout.class.map(|class| class.map(|class| class.handle)),
        asleep: asleep.contains(&layout.slot),
        addresses: Arc::clone(&layout.addresses),
    }
}
