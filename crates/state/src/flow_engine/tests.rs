use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use units::{
    BitsPerSec, Bytes, CircuitSlot, Direction, Packets, PerDirection, PerSegment, Segment,
};

use super::*;
use crate::{
    Cut, Ending, FlowRow, Owner, RttReading, StreamReading, TalkerFilter, TalkerQuery, TalkerSort,
    Traffic, origins_page,
};

mod reloads;

const SECOND: u64 = 1_000_000_000;
const TCP: u8 = 6;
const UDP: u8 = 17;

fn key(host: u8, port: u16, protocol: u8) -> FlowKey {
    FlowKey {
        customer: Ipv4Addr::new(100, 64, 0, host).into(),
        internet: Ipv4Addr::new(192, 0, 2, (port % 250) as u8).into(),
        customer_port: port,
        internet_port: 443,
        protocol,
    }
}

fn stream(seconds: u64, bytes: u64) -> StreamReading {
    let traffic = Traffic { bytes: Bytes::new(bytes), packets: Packets::new(bytes.div_ceil(1000)) };
    StreamReading { traffic, last_seen_ns: seconds * SECOND, ..StreamReading::default() }
}

/// A flow of the circuit with its host's number that began at one second and had its last packet
/// at `seconds`.
fn flow(key: FlowKey, seconds: u64, down: u64, up: u64) -> FlowReading {
    let IpAddr::V4(host) = key.customer else { panic!("IPv4 only") };
    FlowReading {
        key,
        owner: Owner::Circuit(CircuitSlot::new(host.octets()[3].into())),
        first_seen_ns: SECOND,
        streams: PerDirection { down: stream(seconds, down), up: stream(seconds, up) },
        rtt: PerSegment::default(),
    }
}

fn rtt(ms: u64, samples: u32) -> Option<RttReading> {
    let ns = ms * 1_024_000;
    Some(RttReading { last_ns: ns, min_ns: ns / 2, smoothed_ns: ns, samples })
}

fn nowhere(_: IpAddr) -> Origin {
    Origin::default()
}

fn engine(flows: usize) -> FlowEngine {
    FlowEngine::new(FlowLimits { flows, ..FlowLimits::default() }, Timeouts::default())
}

/// An engine that has read nothing at one second, and is ready for rates.
fn begun(flows: usize) -> FlowEngine {
    let mut engine = engine(flows);
    assert!(engine.update(SECOND, [], 0, nowhere).is_empty());
    engine
}

fn read(engine: &mut FlowEngine, seconds: u64, flows: &[FlowReading]) -> Vec<FlowKey> {
    engine.update(seconds * SECOND, flows.iter().copied(), 0, nowhere)
}

fn row(engine: &FlowEngine, key: FlowKey) -> FlowRow {
    let snapshot = engine.store().latest();
    *snapshot.flows.iter().find(|row| row.key == key).unwrap()
}

fn down_bps(engine: &FlowEngine, key: FlowKey) -> u64 {
    let tick = engine.store().latest().tick;
    row(engine, key).rate(tick, Direction::Download).bits.get()
}

#[test]
fn rates_come_from_two_readings_and_last_for_one() {
    let (old, new) = (key(1, 1, TCP), key(1, 2, UDP));
    let mut engine = engine(10);
    read(&mut engine, 50, &[flow(old, 50, 9_000_000, 0)]);
    assert_eq!(down_bps(&engine, old), 0, "nobody knows when these bytes came");
    let begun = FlowReading { first_seen_ns: 51 * SECOND, ..flow(new, 51, 500_000, 0) };
    read(&mut engine, 51, &[flow(old, 51, 10_000_000, 2_000), begun]);
    assert_eq!((down_bps(&engine, old), down_bps(&engine, new)), (8_000_000, 4_000_000));
    let snapshot = engine.store().latest();
    let host = snapshot.hosts[0].unwrap();
    assert_eq!(snapshot.host_rates(&host).down.tcp.bits, BitsPerSec::from_mbps(8));
    assert_eq!(snapshot.host_rates(&host).down.sum().bits, BitsPerSec::from_mbps(12));
    assert_eq!((host.flows, host.total(Direction::Download).bytes.get()), (2, 1_500_000));
    assert_eq!(host.owner(), Owner::Circuit(CircuitSlot::new(1)));
    let earlier = snapshot;
    read(&mut engine, 52, &[]);
    let snapshot = engine.store().latest();
    assert_eq!((down_bps(&engine, old), down_bps(&engine, new)), (0, 0), "not read, so silent");
    assert_eq!(snapshot.host_rates(&snapshot.hosts[0].unwrap()).down.sum().bits.get(), 0);
    let same = *earlier.flows.iter().find(|row| row.key == old).unwrap();
    assert_eq!(earlier.flow_rates(&same).down.bits, BitsPerSec::from_mbps(8), "as it was");
}

#[test]
fn a_clock_that_stands_still_or_runs_back_makes_no_rates_and_loses_no_bytes() {
    let key = key(1, 1, TCP);
    let mut engine = begun(10);
    read(&mut engine, 2, &[flow(key, 2, 1_000_000, 0)]);
    for seconds in [2, 1, 0] {
        read(&mut engine, seconds, &[flow(key, 2, 3_000_000, 0)]);
        assert_eq!(down_bps(&engine, key), 8_000_000, "that of before");
    }
    read(&mut engine, 3, &[flow(key, 3, 3_500_000, 0)]);
    assert_eq!(down_bps(&engine, key), 4_000_000);
    assert_eq!(row(&engine, key).streams.down.traffic.bytes, Bytes::new(3_500_000));
    let host = engine.store().latest().hosts[0].unwrap();
    assert_eq!(host.total(Direction::Download).bytes, Bytes::new(3_500_000));
}

#[test]
fn ended_and_idle_flows_leave_for_the_recent_ones() {
    let flags = |port, down, up| {
        let mut reading = flow(key(1, port, TCP), 10, 1_000, 1_000);
        (reading.streams.down.tcp_flags, reading.streams.up.tcp_flags) = (down, up);
        reading
    };
    let readings = [
        flags(1, 0x11, 0x11),
        flags(2, 0x04, 0x10),
        flags(3, 0x11, 0x10),
        flow(key(1, 4, UDP), 10, 1_000, 1_000),
        flow(key(1, 5, 1), 10, 1_000, 1_000),
        flow(key(1, 6, UDP), 10, 0, 1_000),
        flow(key(1, 7, UDP), 10, 1_000, 0),
    ];
    let mut engine = begun(100);
    assert!(read(&mut engine, 10, &readings).is_empty());
    let mut ports = |seconds| {
        let mut ports: Vec<u16> =
            read(&mut engine, seconds, &[]).iter().map(|key| key.customer_port).collect();
        ports.sort_unstable();
        ports
    };
    assert_eq!(ports(12), [0; 0]);
    assert_eq!(ports(13), [1, 2], "a few seconds after their end");
    assert_eq!(ports(25), [6, 7], "never answered");
    assert_eq!(ports(40), [5]);
    assert_eq!(ports(70), [4]);
    assert_eq!(ports(310), [3]);
    assert_eq!(ports(311), [0; 0]);
    let snapshot = engine.store().latest();
    assert_eq!((snapshot.flows.len(), snapshot.flows_by_protocol), (0, ByProtocol::default()));
    let recent: Vec<_> =
        snapshot.recent.iter().map(|flow| (flow.key.customer_port, flow.ending)).collect();
    let idle = [(5, Ending::Idle), (4, Ending::Idle), (3, Ending::Idle)];
    assert_eq!(recent[2..], [&recent[2..4], &idle].concat(), "in the order in which they left");
    assert!(recent.contains(&(1, Ending::Finished)) && recent.contains(&(2, Ending::Reset)));
    read(&mut engine, 313, &[]);
    assert_eq!(engine.store().latest().recent.len(), 5, "five minutes after they left");
    assert_eq!(engine.store().latest().hosts_count, 1);
    read(&mut engine, 610, &[]);
    let snapshot = engine.store().latest();
    assert_eq!((snapshot.recent.len(), snapshot.hosts_count), (0, 0));
}

#[test]
fn timeouts_are_a_quarter_in_a_table_that_is_nearly_full() {
    let udp = |port| flow(key(1, port, UDP), 10, 1_000, 1_000);
    let mut engine = begun(100);
    read(&mut engine, 10, &(0..90).map(udp).collect::<Vec<_>>());
    assert_eq!(read(&mut engine, 25, &[]).len(), 0);
    assert_eq!(
        read(&mut engine, 26, &[FlowReading { ..flow(key(2, 1, UDP), 26, 1, 1) }]).len(),
        90
    );
}

#[test]
fn a_flow_that_finds_no_room_is_counted_and_forgotten_by_the_kernel_too() {
    let mut engine = begun(3);
    let readings: Vec<_> = (0..5).map(|port| flow(key(1, port, TCP), 2, 1, 1)).collect();
    assert_eq!(read(&mut engine, 2, &readings), [readings[3].key, readings[4].key]);
    let snapshot = engine.store().latest();
    assert_eq!((snapshot.flows.len(), snapshot.flows_refused), (3, 2));
    read(&mut engine, 3, &[flow(readings[0].key, 3, 1_000_001, 1)]);
    assert_eq!(down_bps(&engine, readings[0].key), 8_000_000, "who is in stays in");
}

#[test]
fn a_flow_that_is_begun_anew_starts_from_nothing() {
    let key = key(1, 1, TCP);
    let mut engine = begun(10);
    read(&mut engine, 2, &[flow(key, 2, 5_000_000, 0)]);
    let again = FlowReading { first_seen_ns: 3 * SECOND, ..flow(key, 3, 6_000_000, 0) };
    assert!(read(&mut engine, 3, &[again]).is_empty());
    assert_eq!(down_bps(&engine, key), 48_000_000, "all of the new one");
    let back = FlowReading { first_seen_ns: 3 * SECOND, ..flow(key, 7, 1_000, 0) };
    read(&mut engine, 6, &[]);
    read(&mut engine, 7, &[back]);
    assert_eq!(down_bps(&engine, key), 0, "counters that went back tell no rate");
    let snapshot = engine.store().latest();
    let endings: Vec<_> = snapshot.recent.iter().map(|flow| flow.ending).collect();
    assert!(endings.contains(&Ending::Replaced), "{endings:?}");
    assert_eq!(snapshot.hosts[0].unwrap().flows, 1);
    assert_eq!(read(&mut engine, 1_900, &[]), [key]);
    let late = FlowReading { first_seen_ns: 1_901 * SECOND, ..flow(key, 1_901, 1_000_000, 0) };
    read(&mut engine, 1_901, &[late]);
    assert!(down_bps(&engine, key) > 0);
    assert_eq!(engine.store().latest().flows.len(), 1);
}

#[test]
fn counters_of_32_bits_wrap() {
    let key = key(1, 1, TCP);
    let mut engine = begun(10);
    let mut reading = flow(key, 2, 5_000_000, 0);
    reading.streams.down.retransmits = u32::MAX - 1;
    read(&mut engine, 2, &[reading]);
    let before = engine.store().latest().hosts[0].unwrap().resent.down.retransmits;
    reading.streams.down.retransmits = 3;
    read(&mut engine, 3, &[reading]);
    let host = engine.store().latest().hosts[0].unwrap();
    assert_eq!(host.resent.down.retransmits - before, 5);
    assert!(host.resent.down.share_percent().is_some_and(|share| share <= 100.0));
}

#[test]
fn rtts_of_a_host_follow_its_flows() {
    let mut engine = begun(10);
    let with_rtt = |port, ms, samples| FlowReading {
        rtt: PerSegment { customer: rtt(ms, samples), internet: None },
        ..flow(key(1, port, TCP), 2, 1, 1)
    };
    read(&mut engine, 2, &[with_rtt(1, 20, 1)]);
    let host = engine.store().latest().hosts[0].unwrap();
    assert_eq!(host.rtt.customer.smoothed_ns, 20 * 1_024_000);
    assert_eq!(host.rtt.internet.samples, 0, "one segment says nothing of the other");
    read(&mut engine, 3, &[with_rtt(1, 20, 1), with_rtt(2, 100, 1_000)]);
    let rtt = engine.store().latest().hosts[0].unwrap().rtt.customer;
    assert_eq!((rtt.samples, rtt.min_ns), (1_001, 10 * 1_024_000));
    assert!((98..=100).contains(&(rtt.smoothed_ns / 1_024_000)), "{rtt:?}");
    assert_eq!(row(&engine, key(1, 2, TCP)).rtt(Segment::Customer), self::rtt(100, 1_000));
    assert_eq!(row(&engine, key(1, 2, TCP)).rtt(Segment::Internet), None);
}

#[test]
fn origins_are_asked_for_once_and_again_when_the_data_changes() {
    let mut engine = begun(10);
    let readings: Vec<_> = (0..4).map(|port| flow(key(1, port, TCP), 2, 1_000_000, 0)).collect();
    let mut asked = 0;
    let mut update = |engine: &mut FlowEngine, seconds, generation: u64| {
        engine.update(seconds * SECOND, readings.iter().copied(), generation, |address| {
            asked += 1;
            let IpAddr::V4(address) = address else { return Origin::default() };
            let asn = u32::from(address.octets()[3]) / 2 + 100 * generation as u32;
            Origin { asn: Some(asn), country: Some(*b"NL"), name: Some("Example".into()) }
        });
        asked
    };
    assert_eq!(update(&mut engine, 2, 0), 4);
    let snapshot = engine.store().latest();
    let asns = snapshot.by_asn();
    let query = TalkerQuery { cut: Cut { limit: 2, ..Cut::default() }, ..TalkerQuery::default() };
    let first = &asns[origins_page(&asns, &query).rows[0]];
    assert_eq!(first.origin.country, Some(*b"NL"));
    assert_eq!((first.flows, first.rates.down.bits), (2, BitsPerSec::from_mbps(16)));
    let countries = snapshot.by_country();
    assert_eq!(countries.iter().map(|country| country.flows).collect::<Vec<_>>(), [4]);
    assert_eq!(countries[0].origin, Origin { country: Some(*b"NL"), ..Origin::default() });
    assert_eq!(update(&mut engine, 3, 0), 4);
    assert_eq!(update(&mut engine, 4, 1), 8);
    let snapshot = engine.store().latest();
    let asn = |row: &FlowRow| snapshot.origin(row.origin).unwrap().asn.unwrap();
    assert!(snapshot.flows.iter().all(|row| asn(row) >= 100));
    let filter = TalkerFilter { asn: Some(101), ..TalkerFilter::default() };
    assert_eq!(snapshot.flows_page(&TalkerQuery { filter, ..query }).matched, 2);
}

#[test]
fn pages_are_filtered_and_ordered() {
    let mut engine = begun(1_000);
    let mut readings = Vec::new();
    for host in 1..=20u8 {
        for port in 0..5u16 {
            let bytes = u64::from(host) * 37 % 20 * 1_000_000 + u64::from(port);
            let protocol = if port == 0 { UDP } else { TCP };
            let mut reading = flow(key(host, port, protocol), 2, bytes, 0);
            reading.rtt.customer = (port == 3).then_some(rtt(host.into(), 1)).flatten();
            readings.push(reading);
        }
    }
    read(&mut engine, 2, &readings);
    let snapshot = engine.store().latest();
    let cut = Cut { limit: 7, ..Cut::default() };
    let query = TalkerQuery { cut, ..TalkerQuery::default() };
    let page = snapshot.flows_page(&query);
    assert_eq!((page.total, page.matched, page.rows.len()), (100, 100, 7));
    let rate = |row: &usize| snapshot.flow_rates(&snapshot.flows[*row]).down.bits;
    assert!(page.rows.is_sorted_by_key(|row| std::cmp::Reverse(rate(row))));
    assert_eq!(
        rate(&page.rows[0]),
        readings
            .iter()
            .map(|r| BitsPerSec::new(r.streams.down.traffic.bytes.get() * 8))
            .max()
            .unwrap()
    );
    let matched = |filter: TalkerFilter| {
        let query = TalkerQuery { filter, ..query.clone() };
        (snapshot.flows_page(&query).matched, snapshot.hosts_page(&query).matched)
    };
    let text = |text: &str| TalkerFilter { text: text.into(), ..TalkerFilter::default() };
    assert_eq!(matched(text("100.64.0.1")), (5, 1), "an address is taken whole");
    assert_eq!(matched(text("100.64.0.0/28")), (75, 15));
    assert_eq!(matched(text("64.0.1")), (55, 11), "a part of one is not");
    assert_eq!(matched(text("192.0.2.3")), (20, 0), "flows are found by either end");
    let of = |owner| TalkerFilter { owner: Some(owner), ..TalkerFilter::default() };
    assert_eq!(matched(of(Owner::Circuit(CircuitSlot::new(4)))), (5, 1));
    assert_eq!(matched(of(Owner::Unknown)), (0, 0));
    let protocol = |protocol| TalkerFilter { protocol: Some(protocol), ..TalkerFilter::default() };
    assert_eq!(matched(protocol(TCP)), (80, 20));
    assert_eq!(matched(protocol(1)), (0, 0));
    let slow = TalkerQuery { sort: TalkerSort::Rtt(Segment::Customer), ..query };
    let hosts = snapshot.hosts_page(&slow).rows;
    let host = |row: &usize| snapshot.hosts[*row].unwrap().rtt.customer.smoothed_ns / 1_024_000;
    assert_eq!(hosts.iter().map(host).collect::<Vec<_>>(), [20, 19, 18, 17, 16, 15, 14]);
    assert!(
        snapshot
            .flows_page(&slow)
            .rows
            .iter()
            .all(|row| { snapshot.flows[*row].rtt(Segment::Customer).is_some() })
    );
}

proptest! {
    /// Against a plain list: sizes, counts and totals agree whatever is read, and stay in bounds.
    #[test]
    fn the_table_is_bounded_and_its_sums_agree(
        ticks in prop::collection::vec(
            (0u64..40, prop::collection::vec((0u8..6, 0u16..6, any::<u8>(), any::<u32>(), any::<u32>()), 0..30)),
            1..30,
        ),
        capacity in 1usize..40,
    ) {
        let mut engine = FlowEngine::new(
            FlowLimits { flows: capacity, hosts: 4, origins: 2, recent: 9, retransmits: 2 },
            Timeouts::default(),
        );
        let mut seconds = 1;
        for (pause, readings) in ticks {
            seconds += pause;
            let readings: Vec<_> = readings.into_iter().map(|(host, port, flags, down, up)| {
                let mut reading = flow(key(host, port, TCP), seconds, down.into(), up.into());
                reading.streams.down.tcp_flags = flags;
                reading.streams.down.retransmits = up;
                reading.rtt.internet = rtt(u64::from(down % 10_000), up);
                reading.first_seen_ns = u64::from(flags) * SECOND;
                reading
            }).collect();
            let resolve = |address: IpAddr| {
                let IpAddr::V4(address) = address else { return Origin::default() };
                Origin { asn: Some(address.octets()[3].into()), ..Origin::default() }
            };
            let forget = engine.update(seconds * SECOND, readings.iter().copied(), seconds / 100, resolve);
            let snapshot = engine.store().latest();
            let keys: HashSet<_> = snapshot.flows.iter().map(|row| row.key).collect();
            prop_assert!(snapshot.flows.len() <= capacity);
            prop_assert_eq!(keys.len(), snapshot.flows.len(), "each once");
            for reading in &readings {
                prop_assert!(keys.contains(&reading.key) || forget.contains(&reading.key));
            }
            prop_assert_eq!(snapshot.flows_by_protocol.tcp as usize, keys.len());
            prop_assert!(snapshot.hosts_count <= 4 && snapshot.origins.len() <= 3);
            prop_assert!(snapshot.recent.len() <= 9);
            let mut of_host = HashMap::new();
            for key in &keys {
                *of_host.entry(key.customer).or_insert(0) += 1;
            }
            let hosts: Vec<_> = snapshot.hosts.iter().flatten().collect();
            prop_assert_eq!(hosts.len(), snapshot.hosts_count);
            for host in &hosts {
                // a host that found no room at first has fewer
                prop_assert!(host.flows <= of_host.get(&host.address).copied().unwrap_or(0));
                prop_assert!(host.resent.down.share_percent().is_none_or(|share| share <= 100.0));
            }
            let origins: u32 = snapshot.origins.iter().map(|row| row.sums.flows).sum();
            prop_assert_eq!(origins as usize, keys.len());
            for row in snapshot.flows.iter() {
                let rate = snapshot.flow_rates(row).down.bits.get();
                prop_assert!(rate <= u64::from(u32::MAX) * 8, "{} in at least a second", rate);
            }
        }
    }
}
