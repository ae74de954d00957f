use std::time::Instant;

use proptest::prelude::*;
use units::{
    BitsPerSec, Bytes, CircuitSlot, CpuId, Direction, IfIndex, PerSegment, QueueId, TcHandle,
};

use super::*;
use crate::{
    ByProtocol, CircuitLayout, CircuitQuery, CircuitSort, ClassCounters, ClassReading, ClassRef,
    ClassSample, NodeLayout, QualityReading, QueueLayout, RttFigures, TcpFigures, Traffic,
};

const SECOND: u64 = 1_000_000_000;
const NIC: IfIndex = IfIndex::new(3);

fn circuit(id: &str, slot: u32, node: Option<usize>, minor: u16) -> CircuitLayout {
    let down = Some(ClassRef { nic: NIC, handle: TcHandle::new(1, minor) });
    CircuitLayout {
        id: id.into(),
        name: format!("Name of {id}").into(),
        node,
        slot: CircuitSlot::new(slot),
        min: PerDirection::both(BitsPerSec::from_mbps(1)),
        max: PerDirection::both(BitsPerSec::from_mbps(100)),
        class: PerDirection { down, up: None },
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(0),
        addresses: [].into(),
    }
}

fn node(name: &str, parent: Option<usize>) -> NodeLayout {
    NodeLayout {
        id: name.into(),
        name: name.into(),
        kind: None,
        is_virtual: false,
        parent,
        limit: PerDirection::both(BitsPerSec::from_mbps(200)),
    }
}

fn layout(circuits: Vec<CircuitLayout>) -> Arc<Layout> {
    let queue = QueueLayout {
        nic_name: "eth1".into(),
        nic: NIC,
        queue: QueueId::new(0),
        cpu: CpuId::new(0),
        direction: Direction::Download,
        htb: TcHandle::new(1, 0),
        unclaimed: TcHandle::new(1, 2),
        link: BitsPerSec::from_mbps(1000),
        classes: 4,
        leaves: 3,
    };
    let nodes = vec![node("site", None), node("ap", Some(0)), node("other", None)];
    Arc::new(Layout::new(1, circuits, nodes, vec![queue]))
}

fn traffic(bytes: u64) -> Traffic {
    Traffic { bytes: Bytes::new(bytes), packets: Packets::new(bytes / 1000) }
}

/// A sample with `bytes` of TCP downloads so far in each row.
fn sample(seconds: u64, bytes: &[u64]) -> Sample {
    let row = |bytes: &u64| PerDirection {
        down: ByProtocol { tcp: traffic(*bytes), ..ByProtocol::default() },
        up: ByProtocol::default(),
    };
    Sample {
        taken_ns: seconds * SECOND,
        circuits: bytes.iter().map(row).collect(),
        ..Sample::default()
    }
}

fn dump(seconds: u64, classes: &[(u16, u64, u32)]) -> Option<Arc<ClassSample>> {
    let reading = |&(minor, bytes, drops): &(u16, u64, u32)| ClassReading {
        nic: NIC,
        handle: TcHandle::new(1, minor),
        counters: ClassCounters { sent: traffic(bytes), drops, backlog: Bytes::new(7) },
    };
    let classes = classes.iter().map(reading).collect();
    Some(Arc::new(ClassSample { taken_ns: seconds * SECOND, classes, ..ClassSample::default() }))
}

fn down_bps(engine: &Engine, circuit: usize) -> u64 {
    engine.store().latest().circuits[circuit].offered.down.sum().bits.get()
}

#[test]
fn rates_of_a_time_with_the_bypass_on_are_called_so() {
    let layout = layout(vec![circuit("a", 0, None, 10)]);
    let mut engine = Engine::new();
    let states = [false, true, false, false];
    for (seconds, bypass) in (1..).zip(states) {
        engine.update(&layout, Sample { bypass, ..sample(seconds, &[0]) });
        let snapshot = engine.store().latest();
        // until a whole interval was measured again
        assert_eq!(snapshot.bypass, matches!(seconds, 2 | 3), "{seconds}");
    }
    let remembered: Vec<_> = engine.store().latest().history.iter().map(|it| it.bypass).collect();
    assert_eq!(remembered, [false, true, true, false]);
}

#[test]
fn rates_come_from_two_samples_and_roll_up() {
    let layout = layout(vec![
        circuit("a", 0, Some(1), 10),
        circuit("b", 1, Some(0), 11),
        circuit("c", 2, None, 12),
    ]);
    let mut engine = Engine::new();
    engine.update(&layout, sample(1, &[5_000_000, 0, 9]));
    assert_eq!(down_bps(&engine, 0), 0, "one sample makes no rate");
    engine.update(&layout, sample(3, &[6_000_000, 500_000, 9]));
    let snapshot = engine.store().latest();
    assert_eq!(snapshot.circuits[0].offered.down.tcp.bits, BitsPerSec::from_mbps(4));
    let carried = |node: usize| snapshot.nodes[node].carried.down;
    assert_eq!(carried(1), BitsPerSec::from_mbps(4));
    assert_eq!(carried(0), BitsPerSec::from_mbps(6));
    assert_eq!(carried(2), BitsPerSec::ZERO);
    assert_eq!((snapshot.nodes[0].circuits, snapshot.nodes[1].circuits), (2, 1));
}

#[test]
fn a_row_that_passes_to_another_circuit_starts_from_nothing() {
    let mut engine = Engine::new();
    let before = layout(vec![circuit("a", 0, None, 10), circuit("b", 1, None, 11)]);
    let mut first = sample(1, &[0, 0]);
    first.classes = dump(1, &[(10, 0, 0), (11, 0, 0)]);
    engine.update(&before, first);
    let after = layout(vec![circuit("b", 1, None, 11), circuit("new", 0, None, 10)]);
    let mut second = sample(2, &[9_000_000, 1_000_000]);
    second.classes = dump(2, &[(10, 9_000_000, 50), (11, 1_000_000, 5)]);
    engine.update(&after, second);
    let snapshot = engine.store().latest();
    assert_eq!(down_bps(&engine, 0), 8_000_000, "b goes on");
    assert_eq!(down_bps(&engine, 1), 0, "the new one shows nothing of a");
    assert_eq!(snapshot.circuits[0].class.down.unwrap().drops, Packets::new(5));
    assert_eq!(snapshot.circuits[1].class.down.unwrap().drops, Packets::new(0));
}

#[test]
fn classes_keep_their_figures_until_a_newer_dump_and_lose_them_without_one() {
    let layout = layout(vec![circuit("a", 0, None, 10)]);
    let mut engine = Engine::new();
    let mut tick = |seconds, classes| {
        engine.update(&layout, Sample { classes, ..sample(seconds, &[0]) });
        let snapshot = engine.store().latest();
        (snapshot.circuits[0].class.down.map(|class| class.sent.bits.get()), snapshot.queues[0].sum)
    };
    tick(1, dump(1, &[(10, 0, 0), (2, 0, 0)]));
    let second = dump(2, &[(10, 1_000_000, 4), (2, 500_000, 1)]);
    let (sent, queue) = tick(2, second.clone());
    assert_eq!(sent, Some(8_000_000));
    assert_eq!((queue.sent.bits.get(), queue.drops.get()), (12_000_000, 5));
    assert_eq!(tick(3, second.clone()).0, Some(8_000_000), "the same dump again");
    assert_eq!(tick(9, second).0, None, "too old to be shown");
    tick(10, dump(10, &[(10, 2_000_000, 4)]));
    assert_eq!(tick(11, dump(11, &[])).0, None, "the class is gone");
}

#[test]
fn fault_12_a_clock_that_stands_still_or_runs_back_changes_nothing() {
    let layout = layout(vec![circuit("a", 0, None, 10)]);
    let mut engine = Engine::new();
    engine.update(&layout, sample(5, &[0]));
    for seconds in [5, 4, 0] {
        let outcome = engine.update(&layout, sample(seconds, &[u64::MAX]));
        assert!(matches!(outcome, Outcome::TooSoon { before_ns, .. } if before_ns == 5 * SECOND));
    }
    assert_eq!(engine.update(&layout, sample(6, &[1_000])), Outcome::Published { tick: 2 });
    assert_eq!(down_bps(&engine, 0), 8_000);
}

#[test]
fn pages_are_cut_from_the_order_of_all() {
    let circuits = (0..50).map(|n| circuit(&format!("{n:02}"), n, Some((n % 3) as usize), 10));
    let layout = layout(circuits.collect());
    let mut engine = Engine::new();
    let bytes: Vec<u64> = (0..50).map(|n| n * 37 % 50 * 1_000).collect();
    engine.update(&layout, sample(1, &[0; 50]));
    engine.update(&layout, sample(2, &bytes));
    let snapshot = engine.store().latest();
    let query = CircuitQuery {
        sort: CircuitSort::Offered,
        descending: true,
        limit: 7,
        ..CircuitQuery::default()
    };
    let all = snapshot.circuits_page(&CircuitQuery { limit: 50, ..query.clone() }).rows;
    assert!(all.is_sorted_by_key(|row| u64::MAX - bytes[*row]));
    for offset in 0..60 {
        let page = snapshot.circuits_page(&CircuitQuery { offset, ..query.clone() });
        let start = offset.min(50);
        assert_eq!(page.rows, all[start..(start + 7).min(50)]);
    }
    let below = snapshot.circuits_page(&CircuitQuery { node: Some(0), ..query.clone() });
    assert_eq!((below.total, below.matched), (50, 34));
    let named = CircuitQuery { filter: "NAME OF 4".into(), ..query };
    assert_eq!(snapshot.circuits_page(&named).matched, 10);
}

#[test]
fn a_circuit_is_found_by_any_of_its_addresses() {
    let mut prefixed = circuit("a", 0, None, 10);
    prefixed.addresses = ["100.64.2.8/29".into(), "2001:db8:4:10::/64".into()].into();
    let layout = layout(vec![prefixed, circuit("b", 1, None, 10)]);
    let mut engine = Engine::new();
    engine.update(&layout, sample(1, &[0; 2]));
    let snapshot = engine.store().latest();
    let found = |filter: &str| {
        let query = CircuitQuery { filter: filter.into(), limit: 9, ..CircuitQuery::default() };
        snapshot.circuits_page(&query).rows
    };
    assert_eq!(found("100.64.2.9"), [0]);
    assert_eq!(found("2001:DB8:4:10::1"), [0]);
    assert!(found("100.64.2.16").is_empty());
}

/// A reading of one row: retransmissions so far, and ten samples in each of these bins.
fn quality(slot: u32, retransmits: u64, bins: &[u8]) -> (CircuitSlot, QualityReading) {
    let customer = bins.iter().map(|bin| (*bin, 10)).collect();
    let reading = QualityReading {
        retransmits: PerDirection { down: retransmits, up: 0 },
        rtt: PerSegment { customer, internet: Vec::new() },
        ..QualityReading::default()
    };
    (CircuitSlot::new(slot), reading)
}

fn samples(rtt: &PerSegment<Option<RttFigures>>) -> u64 {
    rtt.customer.map_or(0, |figures| figures.samples)
}

#[test]
fn rtts_roll_up_by_adding_and_leave_after_a_minute() {
    let layout = layout(vec![
        circuit("a", 0, Some(1), 10),
        circuit("b", 1, Some(0), 11),
        circuit("c", 2, None, 12),
    ]);
    let mut engine = Engine::new();
    let tick = |engine: &mut Engine, seconds, quality| {
        engine.update(&layout, Sample { quality, ..sample(seconds, &[0; 3]) });
        engine.store().latest()
    };
    tick(&mut engine, 1, vec![quality(0, 0, &[9])]);
    let all = vec![quality(0, 0, &[50, 60]), quality(1, 0, &[70]), quality(2, 0, &[80])];
    let snapshot = tick(&mut engine, 2, all);
    let circuits: Vec<_> = snapshot.circuits.iter().map(|c| samples(&c.rtt)).collect();
    let nodes: Vec<_> = snapshot.nodes.iter().map(|node| samples(&node.rtt)).collect();
    assert_eq!((circuits, nodes), (vec![20, 10, 10], vec![30, 20, 0]), "none of before the start");
    let site = snapshot.nodes[0].rtt.customer.unwrap();
    let bin = crate::rtt_of_bin;
    assert_eq!((site.p50_ns, site.p90_ns, site.p99_ns), (bin(60), bin(70), bin(70)));
    let all = snapshot.total.rtt.customer.unwrap();
    assert_eq!((all.samples, all.p99_ns), (40, bin(80)));
    assert_eq!(snapshot.total.rtt.internet, None);
    let later = tick(&mut engine, 55, vec![quality(2, 0, &[80])]);
    assert_eq!((samples(&later.total.rtt), samples(&later.circuits[0].rtt)), (50, 20));
    let later = tick(&mut engine, 62, vec![]);
    assert_eq!((samples(&later.total.rtt), samples(&later.circuits[0].rtt)), (10, 0));
    assert_eq!((samples(&later.nodes[0].rtt), samples(&later.circuits[2].rtt)), (0, 10));
}

#[test]
fn retransmissions_have_rates_shares_and_counts() {
    let layout = layout(vec![circuit("a", 0, Some(1), 10), circuit("b", 1, Some(0), 11)]);
    let mut engine = Engine::new();
    let mut tick = |seconds, bytes, quality, all| {
        let total_retransmits = PerDirection { down: Packets::new(all), up: Packets::new(0) };
        let sample = sample(seconds, &[bytes; 2]);
        engine.update(&layout, Sample { quality, total_retransmits, ..sample });
        engine.store().latest()
    };
    tick(1, 0, vec![quality(0, 1_000, &[])], 5_000);
    let snapshot = tick(3, 200_000, vec![quality(0, 1_020, &[]), quality(1, 4, &[])], 5_030);
    let count = |tcp: &PerDirection<TcpFigures>| {
        (tcp.down.retransmits.count.get(), tcp.down.retransmits.per_sec)
    };
    assert_eq!(count(&snapshot.circuits[0].tcp), (20, 10), "since it was seen first");
    assert_eq!(count(&snapshot.circuits[1].tcp), (4, 2), "it was zero before, or it had been read");
    assert_eq!(count(&snapshot.nodes[0].tcp), (24, 12));
    assert_eq!(count(&snapshot.total.tcp), (30, 15));
    let circuit = &snapshot.circuits[0];
    let share = circuit.tcp.down.retransmits.share_percent(circuit.offered.down.tcp);
    assert!((share - 10.0).abs() < 1e-9, "{share}");
    let snapshot = tick(4, 200_000, vec![quality(0, 7, &[])], 3);
    assert_eq!(count(&snapshot.circuits[0].tcp), (20, 0), "counters that went back");
    assert_eq!(count(&snapshot.total.tcp), (30, 0));
    assert_eq!(count(&tick(5, 200_000, vec![quality(0, 9, &[])], 9).circuits[0].tcp), (22, 2));
}

#[test]
fn rtts_of_a_row_that_passes_to_another_circuit_stay_with_the_former() {
    let mut engine = Engine::new();
    let tick = |engine: &mut Engine, layout: &Arc<Layout>, seconds, quality| {
        engine.update(layout, Sample { quality, ..sample(seconds, &[0; 2]) });
        let snapshot = engine.store().latest();
        let one = |c: &CircuitFigures| (samples(&c.rtt), c.tcp.down.retransmits.count.get());
        snapshot.circuits.iter().map(one).collect::<Vec<_>>()
    };
    let before = layout(vec![circuit("a", 0, Some(1), 10), circuit("b", 1, None, 11)]);
    tick(&mut engine, &before, 1, vec![]);
    let both = vec![quality(0, 5, &[3]), quality(1, 2, &[4])];
    assert_eq!(tick(&mut engine, &before, 2, both), [(10, 5), (10, 2)]);
    let after = layout(vec![circuit("new", 0, Some(2), 10), circuit("a", 1, Some(2), 11)]);
    let both = vec![quality(0, 9, &[3]), quality(1, 8, &[4])];
    assert_eq!(tick(&mut engine, &after, 3, both), [(0, 0), (10, 5)]);
    let both = vec![quality(0, 10, &[3]), quality(1, 11, &[4])];
    assert_eq!(tick(&mut engine, &after, 4, both), [(10, 1), (20, 8)]);
    let nodes = &engine.store().latest().nodes;
    let nodes: Vec<_> = nodes.iter().map(|node| samples(&node.rtt)).collect();
    assert_eq!(nodes, [10, 10, 20], "samples stay with the node below which they were taken");
}

#[test]
fn a_sample_that_is_too_soon_still_gives_its_rtts() {
    let layout = layout(vec![circuit("a", 0, Some(1), 10)]);
    let mut engine = Engine::new();
    engine.update(&layout, sample(5, &[0]));
    let early = Sample { quality: vec![quality(0, 3, &[7])], ..sample(4, &[0]) };
    assert!(matches!(engine.update(&layout, early), Outcome::TooSoon { .. }));
    engine.update(&layout, sample(6, &[0]));
    let snapshot = engine.store().latest();
    assert_eq!(samples(&snapshot.circuits[0].rtt), 10);
    assert_eq!(snapshot.circuits[0].tcp.down.retransmits.per_sec, 3);
}

#[test]
fn a_tick_of_a_hundred_thousand_circuits_is_linear_and_quick() {
    let circuits = (0..100_000).map(|n| circuit(&n.to_string(), n, Some(1), (n % 60_000) as u16));
    let layout = layout(circuits.collect());
    let mut engine = Engine::new();
    engine.update(&layout, sample(1, &vec![0; 100_000]));
    let next = sample(2, &vec![1_000; 100_000]);
    let started = Instant::now();
    engine.update(&layout, next);
    let took = started.elapsed();
    println!("one tick of 100,000 circuits took {took:?}");
    assert!(took.as_secs() < 5, "even without optimisation");
}

proptest! {
    #[test]
    fn no_series_of_samples_gives_an_absurd_rate(
        series in prop::collection::vec((0u64..4_000_000_000, 0u64..1_000_000_000_000), 1..20)
    ) {
        let layout = layout(vec![circuit("a", 0, None, 10)]);
        let mut engine = Engine::new();
        for (taken_ns, bytes) in series {
            engine.update(&layout, Sample { taken_ns, ..sample(0, &[bytes]) });
            // all that was ever counted, in the shortest interval
            prop_assert!(down_bps(&engine, 0) <= 1_000_000_000_000 * 8 * 20);
        }
    }
}
