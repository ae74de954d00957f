//! A page of hosts on the customers' side.

use bus::{HostKind, HostSort, HostsPage, HostsQuery, Refusal};
use state::{ByProtocol, FlowSnapshot, HostRow, TalkerFilter, TalkerQuery, TalkerSort};
use units::{PerDirection, Segment};

use super::flows::{circuit_id, cut};
use super::status::protocols;
use super::{Moment, ms_before, owner_named, quality};

pub(super) fn view(moment: &Moment<'_>, query: &HostsQuery) -> Result<HostsPage, Refusal> {
    let Moment { snapshot, flows, .. } = moment;
    let page = flows.hosts_page(&TalkerQuery {
        filter: TalkerFilter {
            text: query.filter.clone(),
            owner: owner_named(flows, query.circuit.as_ref())?,
            known: match query.kind {
                HostKind::All => None,
                HostKind::Known => Some(true),
                HostKind::Unknown => Some(false),
            },
            ..TalkerFilter::default()
        },
        sort: sort(query.sort),
        by: query.by,
        cut: cut(query.descending, query.offset, query.limit.min(HostsQuery::MAX_LIMIT)),
    });
    let rows = page.rows.iter().filter_map(|index| flows.hosts[*index].as_ref());
    Ok(HostsPage {
        tick: flows.tick,
        bypass: snapshot.bypass,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: rows.map(|host| row(flows, host)).collect(),
    })
}

const fn sort(sort: HostSort) -> TalkerSort {
    match sort {
        HostSort::Rate => TalkerSort::Rate,
        HostSort::Bytes => TalkerSort::Bytes,
        HostSort::Flows => TalkerSort::Flows,
        HostSort::RttCustomer => TalkerSort::Rtt(Segment::Customer),
        HostSort::RttInternet => TalkerSort::Rtt(Segment::Internet),
        HostSort::Retransmits => TalkerSort::RetransmitShare,
        HostSort::LastSeen => TalkerSort::LastSeen,
        HostSort::Address => TalkerSort::Identity,
    }
}

fn row(flows: &FlowSnapshot, host: &HostRow) -> bus::HostRow {
    let rates = flows.host_rates(host);
    let sum = rates.as_ref().map(ByProtocol::sum);
    let total = PerDirection::from_fn(|direction| host.total(direction));
    bus::HostRow {
        addr: host.address,
        circuit: circuit_id(flows, host.owner()),
        last_seen_ms_ago: ms_before(flows.taken_ns, host.last_seen_ns),
        rate_bps: sum.map(|rate| rate.bits.get()),
        protocols: rates.as_ref().map(protocols),
        packets_per_sec: sum.map(|rate| rate.packets_per_sec),
        bytes: total.map(|traffic| traffic.bytes.get()),
        packets: total.map(|traffic| traffic.packets.get()),
        flows: host.flows,
        rtt: host.rtt.as_ref().map(quality::mean),
        retransmits: quality::resent(&host.resent, flows.host_retransmits_per_sec(host)),
    }
}
