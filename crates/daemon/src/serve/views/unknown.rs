//! Hosts that no device covers.

use bus::{UnknownPage, UnknownQuery, UnknownRow};
use state::UnknownSort;

use super::{Moment, ms_before};

pub(super) fn view(moment: &Moment<'_>, query: &UnknownQuery) -> UnknownPage {
    let snapshot = &moment.snapshot;
    let page = snapshot.unknown_page(&state::UnknownQuery {
        filter: query.filter.clone(),
        sort: match query.sort {
            bus::UnknownSort::LastSeen => UnknownSort::LastSeen,
            bus::UnknownSort::FirstSeen => UnknownSort::FirstSeen,
            bus::UnknownSort::Bytes => UnknownSort::Bytes,
            bus::UnknownSort::Address => UnknownSort::Address,
        },
        descending: query.descending,
        offset: query.offset as usize,
        limit: query.limit.min(UnknownQuery::MAX_LIMIT) as usize,
    });
    let ago_ms = |seen_ns: u64| ms_before(snapshot.taken_ns, seen_ns);
    let row = |index: usize| {
        let host = &snapshot.unknown[index];
        UnknownRow {
            addr: host.addr,
            first_seen_ms_ago: ago_ms(host.first_seen_ns),
            last_seen_ms_ago: ago_ms(host.last_seen_ns),
            bytes: host.traffic.map(|traffic| traffic.bytes.get()),
            packets: host.traffic.map(|traffic| traffic.packets.get()),
        }
    };
    UnknownPage {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: page.rows.into_iter().map(row).collect(),
    }
}
