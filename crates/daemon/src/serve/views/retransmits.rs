//! TCP segments that were sent again.

use std::sync::Arc;
use std::sync::atomic::Ordering as Memory;

use bus::{
    Refusal, RetransmitEvent, RetransmitGroup, RetransmitRow, RetransmitSort, RetransmitView,
    RetransmitsPage, RetransmitsQuery,
};
use state::{
    FlowRow, FlowSnapshot, HostRow, Owner, Page, Snapshot, TalkerFilter, TalkerQuery, TalkerSort,
};
use units::{Direction, PerDirection};

use super::flows::{circuit_id, cut, key};
use super::{Moment, circuit_of, ms_before, no_circuit, owner_named, quality};

/// The counter of events that found no room in the kernel's ring.
const RING_FULL: &str = abi::Event::RetransmitLost.name();

pub(super) fn view(
    moment: &Moment<'_>,
    query: &RetransmitsQuery,
) -> Result<RetransmitsPage, Refusal> {
    let Moment { shared, snapshot, flows } = moment;
    let owner = match query.circuit.as_ref() {
        // a flow snapshot may be a tick behind a reload
        Some(id) if snapshot.layout.circuit_named(id).is_none() => return Err(no_circuit(id)),
        id => owner_named(flows, id)?,
    };
    let (page, rows) = match query.group {
        RetransmitGroup::Circuits => circuits(snapshot, query),
        RetransmitGroup::Hosts => {
            let page = flows.hosts_page(&talkers(query, owner));
            let rows = page.rows.iter().filter_map(|index| flows.hosts[*index].as_ref());
            let rows = rows.map(|host| host_row(flows, host)).collect();
            (page, rows)
        }
        RetransmitGroup::Flows => {
            let page = flows.flows_page(&talkers(query, owner));
            let rows = page.rows.iter().map(|index| flow_row(flows, &flows.flows[*index]));
            let rows = rows.collect();
            (page, rows)
        }
    };
    Ok(RetransmitsPage {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        total: page.total as u32,
        matched: page.matched as u32,
        rows,
        events: events(flows, owner, query.events.min(RetransmitsQuery::MAX_EVENTS)),
        events_lost: lost_in_ring(snapshot) + shared.retransmits_dropped.load(Memory::Relaxed),
    })
}

fn lost_in_ring(snapshot: &Snapshot) -> u64 {
    let events = snapshot.total.events.iter();
    events.filter(|event| event.name == RING_FULL).map(|event| event.count.get()).sum()
}

fn talkers(query: &RetransmitsQuery, owner: Option<Owner>) -> TalkerQuery {
    TalkerQuery {
        filter: TalkerFilter {
            text: query.filter.clone(),
            owner,
            protocol: Some(state::TCP),
            ..TalkerFilter::default()
        },
        sort: match query.sort {
            RetransmitSort::Share => TalkerSort::RetransmitShare,
            RetransmitSort::Rate => TalkerSort::RetransmitRate,
            RetransmitSort::Count => TalkerSort::Retransmits,
            RetransmitSort::Reordered => TalkerSort::Reordered,
        },
        by: query.by,
        cut: cut(query.descending, query.offset, query.limit.min(RetransmitsQuery::MAX_LIMIT)),
    }
}

fn circuits(snapshot: &Snapshot, query: &RetransmitsQuery) -> (Page, Vec<RetransmitRow>) {
    let filter = query.filter.to_lowercase();
    let figures = |index: usize| {
        let figures = &snapshot.circuits[index];
        quality::retransmits(&figures.tcp, &figures.offered)
    };
    let layout = &snapshot.layout;
    let matched = (0..layout.circuits.len())
        .filter(|index| layout.circuit_contains(*index, &filter))
        .filter(|index| {
            query.circuit.as_ref().is_none_or(|id| layout.circuits[*index].id.as_str() == id)
        });
    let keys = matched.map(|index| (index, sort_key(&figures(index), query)));
    let limit = query.limit.min(RetransmitsQuery::MAX_LIMIT);
    let page = state::page(layout.circuits.len(), keys, cut(query.descending, query.offset, limit));
    let row = |index: &usize| {
        let circuit = &layout.circuits[*index];
        RetransmitRow {
            circuit: Some(circuit.id.as_str().into()),
            name: Some(Arc::clone(&circuit.name)),
            host: None,
            flow: None,
            retransmits: figures(*index),
        }
    };
    let rows = page.rows.iter().map(row).collect();
    (page, rows)
}

/// What orders a circuit; none where it lacks the figure. Shares order by the millionth.
fn sort_key(of: &PerDirection<RetransmitView>, query: &RetransmitsQuery) -> Option<u64> {
    let one = |direction: Direction| {
        let it = &of[direction];
        match query.sort {
            RetransmitSort::Share => it.share_percent.map(|share| (f64::from(share) * 1e4) as u64),
            RetransmitSort::Rate => Some(it.per_sec),
            RetransmitSort::Count => Some(it.count),
            RetransmitSort::Reordered => Some(it.reordered),
        }
    };
    let (down, up) = (one(Direction::Download), one(Direction::Upload));
    match (query.by, query.sort) {
        (Some(direction), _) => one(direction),
        (None, RetransmitSort::Share) => down.max(up),
        (None, _) => Some(down.unwrap_or(0).saturating_add(up.unwrap_or(0))),
    }
}

fn host_row(flows: &FlowSnapshot, host: &HostRow) -> RetransmitRow {
    RetransmitRow {
        circuit: circuit_id(flows, host.owner()),
        name: name(flows, host.owner()),
        host: Some(host.address),
        flow: None,
        retransmits: quality::resent(&host.resent, flows.host_retransmits_per_sec(host)),
    }
}

fn flow_row(flows: &FlowSnapshot, flow: &FlowRow) -> RetransmitRow {
    let per_sec = flows.flow_retransmits_per_sec(flow);
    let view = |direction: Direction| RetransmitView {
        per_sec: per_sec[direction],
        count: flow.streams[direction].retransmits.into(),
        reordered: flow.streams[direction].reordered.into(),
        share_percent: flow.retransmit_share_percent(direction).map(|share| share as f32),
    };
    RetransmitRow {
        circuit: circuit_id(flows, flow.owner()),
        name: name(flows, flow.owner()),
        host: None,
        flow: Some(key(&flow.key)),
        retransmits: PerDirection::from_fn(view),
    }
}

fn name(flows: &FlowSnapshot, owner: Owner) -> Option<Arc<str>> {
    circuit_of(&flows.layout, owner).map(|circuit| Arc::clone(&circuit.name))
}

fn events(flows: &FlowSnapshot, owner: Option<Owner>, limit: u32) -> Vec<RetransmitEvent> {
    let events = flows.retransmits.iter().rev();
    let wanted = events.filter(|event| owner.is_none_or(|owner| owner == event.owner));
    wanted
        .take(limit as usize)
        .map(|event| RetransmitEvent {
            seen_ms_ago: ms_before(flows.taken_ns, event.seen_ns),
            flow: key(&event.flow),
            circuit: circuit_id(flows, event.owner),
            direction: event.direction,
            sequence: event.sequence,
            length: event.length.into(),
        })
        .collect()
}
