//! A page of flows.

use std::sync::Arc;

use bus::{
    FlowRtt, FlowSort, FlowState, FlowsPage, FlowsQuery, Origin, Refusal, StreamView, TcpFlags,
};
use state::{
    Cut, Ending, FlowRow, FlowSnapshot, OriginId, Owner, RecentFlow, RttReading, StreamReading,
    TalkerFilter, TalkerQuery, TalkerSort,
};
use units::{Direction, PerDirection, PerSegment, Segment};

use super::{Moment, circuit_of, ms_before, owner_named};

pub(super) fn view(moment: &Moment<'_>, query: &FlowsQuery) -> Result<FlowsPage, Refusal> {
    let Moment { snapshot, flows, .. } = moment;
    let talkers = TalkerQuery {
        filter: TalkerFilter {
            text: query.filter.clone(),
            owner: owner_named(flows, query.circuit.as_ref())?,
            host: query.host,
            protocol: query.protocol,
            asn: query.asn,
            country: query.country.as_deref().map(code),
            ..TalkerFilter::default()
        },
        sort: sort(query.sort),
        by: query.by,
        cut: cut(query.descending, query.offset, query.limit.min(FlowsQuery::MAX_LIMIT)),
    };
    let (page, rows) = if query.recent {
        let page = flows.recent_page(&talkers);
        let rows = page.rows.iter().filter_map(|index| flows.recent.get(*index));
        let rows = rows.map(|flow| recent_row(flows, flow)).collect();
        (page, rows)
    } else {
        let page = flows.flows_page(&talkers);
        let rows = page.rows.iter().map(|index| open_row(flows, &flows.flows[*index])).collect();
        (page, rows)
    };
    Ok(FlowsPage {
        tick: flows.tick,
        bypass: snapshot.bypass,
        total: page.total as u32,
        matched: page.matched as u32,
        rows,
    })
}

/// A country's code as the tables have it; one that is none of theirs matches nothing.
fn code(text: &str) -> [u8; 2] {
    text.to_ascii_uppercase().as_bytes().try_into().unwrap_or([0; 2])
}

pub(super) const fn cut(descending: bool, offset: u32, limit: u32) -> Cut {
    Cut { ascending: !descending, offset: offset as usize, limit: limit as usize }
}

const fn sort(sort: FlowSort) -> TalkerSort {
    match sort {
        FlowSort::Rate => TalkerSort::Rate,
        FlowSort::Bytes => TalkerSort::Bytes,
        FlowSort::Packets => TalkerSort::Packets,
        FlowSort::RttCustomer => TalkerSort::Rtt(Segment::Customer),
        FlowSort::RttInternet => TalkerSort::Rtt(Segment::Internet),
        FlowSort::Retransmits => TalkerSort::RetransmitShare,
        FlowSort::FirstSeen => TalkerSort::FirstSeen,
        FlowSort::LastSeen => TalkerSort::LastSeen,
    }
}

fn open_row(flows: &FlowSnapshot, flow: &FlowRow) -> bus::FlowRow {
    let rates = flows.flow_rates(flow);
    let stream = |direction: Direction| StreamView {
        rate_bps: rates[direction].bits.get(),
        packets_per_sec: rates[direction].packets_per_sec,
        ..stream(&flow.streams[direction], flow.key.protocol)
    };
    bus::FlowRow {
        key: key(&flow.key),
        circuit: circuit_id(flows, flow.owner()),
        state: FlowState::Open,
        first_seen_ms_ago: ms_before(flows.taken_ns, flow.first_seen_ns),
        last_seen_ms_ago: ms_before(flows.taken_ns, flow.last_seen_ns()),
        streams: PerDirection::from_fn(stream),
        rtt: PerSegment::from_fn(|segment| flow.rtt(segment).map(flow_rtt)),
        origin: origin(flows, flow.origin),
    }
}

fn recent_row(flows: &FlowSnapshot, flow: &RecentFlow) -> bus::FlowRow {
    bus::FlowRow {
        key: key(&flow.key),
        circuit: circuit_id(flows, flow.owner()),
        state: match flow.ending {
            Ending::Finished | Ending::Reset | Ending::Replaced => FlowState::Ended,
            Ending::Idle => FlowState::Idle,
        },
        first_seen_ms_ago: ms_before(flows.taken_ns, flow.first_seen_ns),
        last_seen_ms_ago: ms_before(flows.taken_ns, flow.last_seen_ns),
        streams: flow.streams.map(|reading| stream(&reading, flow.key.protocol)),
        rtt: PerSegment::from_fn(|segment| flow.rtt(segment).map(flow_rtt)),
        origin: origin(flows, flow.origin),
    }
}

fn stream(reading: &StreamReading, protocol: u8) -> StreamView {
    StreamView {
        rate_bps: 0,
        packets_per_sec: 0,
        bytes: reading.traffic.bytes.get(),
        packets: reading.traffic.packets.get(),
        retransmits: reading.retransmits.into(),
        reordered: reading.reordered.into(),
        retransmit_percent: reading.retransmit_share_percent(protocol).map(|share| share as f32),
        tcp_flags: TcpFlags(reading.tcp_flags),
        dscp: reading.tos >> 2,
        ect_packets: reading.ect_packets.into(),
        ce_packets: reading.ce_packets.into(),
    }
}

fn flow_rtt(rtt: RttReading) -> FlowRtt {
    FlowRtt {
        last_us: rtt.last_ns / 1_000,
        min_us: rtt.min_ns / 1_000,
        smoothed_us: rtt.smoothed_ns / 1_000,
        samples: rtt.samples.into(),
    }
}

pub(super) const fn key(key: &state::FlowKey) -> bus::FlowKey {
    bus::FlowKey {
        customer: key.customer,
        internet: key.internet,
        customer_port: key.customer_port,
        internet_port: key.internet_port,
        protocol: key.protocol,
    }
}

pub(super) fn circuit_id(flows: &FlowSnapshot, owner: Owner) -> Option<Arc<str>> {
    circuit_of(&flows.layout, owner).map(|circuit| circuit.id.as_str().into())
}

fn origin(flows: &FlowSnapshot, id: OriginId) -> Origin {
    flows.origin(id).map(origin_view).unwrap_or_default()
}

pub(super) fn origin_view(origin: &state::Origin) -> Origin {
    Origin {
        asn: origin.asn,
        name: origin.name.clone(),
        country: origin.country.map(|code| String::from_utf8_lossy(&code).into()),
    }
}
