//! Flows and hosts of the made-up provider.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bus::{
    FlowKey, FlowRow, FlowRtt, FlowSort, FlowState, FlowsPage, FlowsQuery, HostRow, HostsPage,
    HostsQuery, MeanRtt, Origin, ProtocolsView, RetransmitView, StreamView, UnknownPage,
    UnknownQuery, UnknownRow,
};
use units::PerSegment;

use super::{HOSTILE, pair, scaled, share, wave};

const FLOWS: u32 = 400;
const UNKNOWN: u32 = 40;

pub(super) fn page(query: &FlowsQuery, tick: u64) -> FlowsPage {
    let filter = query.filter.to_lowercase();
    let matches = |row: &FlowRow| {
        let ends = [row.key.customer, row.key.internet].map(|end| end.to_string());
        let texts = [row.circuit.as_deref(), row.origin.name.as_deref()];
        let named = |text: &str| text.to_lowercase().contains(&filter);
        (ends.iter().any(|it| named(it)) || texts.into_iter().flatten().any(named))
            && query.circuit.as_deref().is_none_or(|id| row.circuit.as_deref() == Some(id))
    };
    let mut rows: Vec<FlowRow> = (0..FLOWS).map(|i| flow(i, query, tick)).filter(matches).collect();
    let matched = rows.len() as u32;
    let figure = |row: &FlowRow| match query.sort {
        FlowSort::Rate => query.by.map_or(0, |by| row.streams[by].rate_bps),
        FlowSort::Bytes => row.streams.down.bytes + row.streams.up.bytes,
        FlowSort::FirstSeen => u64::MAX - row.first_seen_ms_ago,
        _ => row.rtt.customer.map_or(0, |rtt| rtt.smoothed_us),
    };
    rows.sort_by_key(figure);
    if query.descending {
        rows.reverse();
    }
    let rows = rows.into_iter().skip(query.offset as usize).take(query.limit as usize).collect();
    FlowsPage { tick, bypass: false, total: FLOWS, matched, rows }
}

fn flow(i: u32, query: &FlowsQuery, tick: u64) -> FlowRow {
    let known = i % 11 != 5;
    // a circuit that is asked about has some of them
    let circuit = match &query.circuit {
        Some(id) if i.is_multiple_of(16) => id.clone(),
        _ => format!("{}", 1_001 + i % 97),
    };
    let is_v6 = i % 5 == 3;
    let customer: IpAddr = if is_v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0x1000 + i as u16, 0, 0x12, 0x3456, 0x789a, 1).into()
    } else {
        Ipv4Addr::new(100, 64, (i / 250) as u8, (i % 250) as u8).into()
    };
    let internet: IpAddr = if is_v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1 + i as u16 % 9).into()
    } else {
        Ipv4Addr::new(198, 51, 100, (i % 200) as u8).into()
    };
    let protocol = [6, 6, 17, 6, 6, 17, 6, 1][i as usize % 8];
    let tcp = protocol == 6;
    let now = share(i + 3).powi(4) * (0.5 + 0.7 * wave(i, tick));
    let stream = |bps: u64| StreamView {
        rate_bps: if query.recent { 0 } else { scaled(bps, now) },
        packets_per_sec: scaled(bps / 9_000, now),
        bytes: scaled(bps, share(i) * 40.0),
        packets: scaled(bps / 9_000, share(i) * 40.0),
        retransmit_percent: tcp.then_some((share(i + 8).powi(6) * 5.0) as f32),
        ..StreamView::default()
    };
    let rtt = |us: u64| {
        tcp.then_some(FlowRtt { last_us: us, min_us: us / 2, smoothed_us: us, samples: 40 })
    };
    FlowRow {
        key: FlowKey {
            customer,
            internet,
            customer_port: 40_000 + i as u16 * 7,
            internet_port: [443, 80, 443, 8_443][i as usize % 4],
            protocol,
        },
        circuit: known.then(|| circuit.into()),
        state: if query.recent { FlowState::Ended } else { FlowState::Open },
        first_seen_ms_ago: u64::from(i) * 13_000 + tick,
        last_seen_ms_ago: u64::from(i % 30) * 400,
        streams: pair(stream(94_000_000), stream(7_000_000)),
        rtt: PerSegment {
            customer: rtt(4_000 + u64::from(i) * 90),
            internet: rtt(11_000 + u64::from(i) * 110),
        },
        origin: origin(i),
    }
}

fn origin(i: u32) -> Origin {
    let name = match i % 7 {
        0 => "EXAMPLE-NET",
        1 => "Video Delivery",
        2 => HOSTILE,
        3 => return Origin::default(),
        _ => "Cloud One",
    };
    Origin {
        asn: Some(64_500 + i % 7),
        name: Some(name.into()),
        country: Some(["NL", "DE", "US"][i as usize % 3].into()),
    }
}

pub(super) fn hosts(query: &HostsQuery, tick: u64) -> HostsPage {
    let host = |i: u32| {
        let rate =
            pair(scaled(24_000_000 >> i, wave(i, tick)), scaled(2_000_000 >> i, wave(i, tick)));
        let addr: IpAddr = if i == 1 {
            Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 0x51).into()
        } else {
            Ipv4Addr::new(100, 64, 1, 10 + i as u8).into()
        };
        HostRow {
            addr,
            circuit: query.circuit.as_deref().map(Into::into),
            last_seen_ms_ago: 10,
            rate_bps: rate,
            protocols: pair(ProtocolsView::default(), ProtocolsView::default()),
            packets_per_sec: rate.map(|bps| bps / 9_000),
            bytes: rate.map(|bps| bps * 90),
            packets: rate.map(|bps| bps / 90),
            flows: 31 >> i,
            rtt: PerSegment {
                customer: Some(MeanRtt {
                    mean_us: 9_300 + 1_000 * u64::from(i),
                    min_us: 900,
                    samples: 400,
                }),
                internet: None,
            },
            retransmits: pair(
                RetransmitView { share_percent: Some(0.25), ..RetransmitView::default() },
                RetransmitView::default(),
            ),
        }
    };
    HostsPage { tick, bypass: false, total: 23_456, matched: 4, rows: (0..4).map(host).collect() }
}

pub(super) fn unknown(query: &UnknownQuery, tick: u64) -> UnknownPage {
    let host = |i: u32| UnknownRow {
        addr: if i % 4 == 3 {
            Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, i as u16).into()
        } else {
            Ipv4Addr::new(100, 127, 9, i as u8).into()
        },
        first_seen_ms_ago: 90_000 * u64::from(i + 1) + tick,
        last_seen_ms_ago: 700 * u64::from(i * i),
        bytes: pair(scaled(990_000_000, share(i)), scaled(50_000_000, share(i + 1))),
        packets: pair(scaled(900_000, share(i)), scaled(400_000, share(i + 1))),
    };
    let mut rows: Vec<UnknownRow> =
        (0..UNKNOWN).map(host).filter(|row| row.addr.to_string().contains(&query.filter)).collect();
    if !query.descending {
        rows.reverse();
    }
    let matched = rows.len() as u32;
    let rows = rows.into_iter().skip(query.offset as usize).take(query.limit as usize).collect();
    UnknownPage { tick, bypass: false, total: UNKNOWN, matched, rows }
}
