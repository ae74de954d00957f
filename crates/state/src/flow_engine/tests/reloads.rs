//! What another configuration changes, and what filters and orders make of names and gaps.

use units::{CpuId, QueueId};

use super::*;
use crate::CircuitLayout;

fn layout(generation: u64, circuits: &[(&str, u32)]) -> Arc<Layout> {
    let circuit = |(id, slot): &(&str, u32)| CircuitLayout {
        id: (*id).into(),
        name: format!("Name of {id}").into(),
        node: None,
        slot: CircuitSlot::new(*slot),
        min: PerDirection::both(BitsPerSec::from_mbps(1)),
        max: PerDirection::both(BitsPerSec::from_mbps(100)),
        class: PerDirection::both(None),
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(0),
        addresses: [].into(),
    };
    Arc::new(Layout::new(generation, circuits.iter().map(circuit).collect(), vec![], vec![]))
}

fn event(flow: FlowKey, seconds: u64, slot: u32) -> RetransmitReading {
    RetransmitReading {
        seen_ns: seconds * SECOND,
        flow,
        owner: Owner::Circuit(CircuitSlot::new(slot)),
        direction: Direction::Download,
        sequence: 1,
        length: 1_448,
    }
}

#[test]
fn flows_go_with_their_circuit_when_rows_change_hands() {
    let mut engine = begun(10);
    engine.adopt(&layout(1, &[("a", 1), ("b", 2), ("c", 3)]));
    let flows = [1, 2, 3].map(|host| flow(key(host, 1, TCP), 2, 1_000, 0));
    read(&mut engine, 2, &flows);
    engine.retransmitted(&event(key(1, 1, TCP), 2, 1));
    // a and b change places, c goes, and d has its row
    let after = layout(2, &[("a", 2), ("b", 1), ("d", 3)]);
    engine.adopt(&after);
    read(&mut engine, 3, &[]);
    let snapshot = engine.store().latest();
    let owner = |host| row(&engine, key(host, 1, TCP)).owner();
    let slot = |slot| Owner::Circuit(CircuitSlot::new(slot));
    assert_eq!([1, 2, 3].map(owner), [slot(2), slot(1), Owner::Unknown]);
    assert!(snapshot.hosts.iter().flatten().all(|host| {
        let IpAddr::V4(address) = host.address else { return false };
        host.owner() == owner(address.octets()[3])
    }));
    assert_eq!(snapshot.retransmits.get(0).unwrap().owner, slot(2));
    assert!(Arc::ptr_eq(&snapshot.layout, &after));
    let named = |text: &str| {
        let filter = TalkerFilter { text: text.into(), ..TalkerFilter::default() };
        let cut = Cut { limit: 9, ..Cut::default() };
        let query = TalkerQuery { filter, cut, ..TalkerQuery::default() };
        (snapshot.flows_page(&query).matched, snapshot.hosts_page(&query).matched)
    };
    assert_eq!((named("NAME of a"), named("name"), named("of d")), ((1, 1), (2, 2), (0, 0)));
    // the next packet tells whose it is now
    read(&mut engine, 4, &[flow(key(3, 1, TCP), 4, 2_000, 0)]);
    assert_eq!(row(&engine, key(3, 1, TCP)).owner(), slot(3));
}

#[test]
fn timeouts_and_the_memory_of_flows_that_left_can_change() {
    let mut engine = begun(10);
    let flows: Vec<_> = (1..=4).map(|port| flow(key(1, port, UDP), 2, 1_000, 1_000)).collect();
    read(&mut engine, 2, &flows);
    assert!(read(&mut engine, 10, &[]).is_empty());
    engine.set_timeouts(Timeouts { udp_ns: 5 * SECOND, ..Timeouts::default() });
    assert_eq!(read(&mut engine, 11, &[]).len(), 4);
    let recent = |engine: &FlowEngine| engine.store().latest().recent.len();
    assert_eq!(recent(&engine), 4);
    engine.set_recent(60 * SECOND, 3);
    read(&mut engine, 12, &[]);
    assert_eq!((recent(&engine), engine.store().latest().recent.pushed_out()), (3, 1));
    engine.set_recent(2 * SECOND, 3);
    read(&mut engine, 13, &[]);
    assert_eq!(recent(&engine), 0);
}

#[test]
fn retransmissions_are_listed_for_five_minutes() {
    let mut engine = begun(10);
    for seconds in [2, 200] {
        engine.retransmitted(&event(key(1, 1, TCP), seconds, 1));
    }
    let listed = |engine: &mut FlowEngine, seconds| {
        read(engine, seconds, &[]);
        engine.store().latest().retransmits.len()
    };
    assert_eq!([201, 303, 501].map(|seconds| listed(&mut engine, seconds)), [2, 1, 0]);
}

#[test]
fn what_lacks_a_figure_comes_last_whichever_end_is_first() {
    let mut engine = begun(10);
    let mut sent_again = flow(key(1, 1, TCP), 2, 10_000, 0);
    sent_again.streams.down.retransmits = 5;
    let flows = [flow(key(2, 2, UDP), 2, 9_000, 0), flow(key(3, 3, TCP), 2, 9_000, 0), sent_again];
    read(&mut engine, 2, &flows);
    let snapshot = engine.store().latest();
    for (ascending, expected) in [(false, [1, 3, 2]), (true, [3, 1, 2])] {
        let query = TalkerQuery {
            sort: TalkerSort::RetransmitShare,
            cut: Cut { ascending, offset: 0, limit: 9 },
            ..TalkerQuery::default()
        };
        let ports = snapshot.flows_page(&query).rows;
        let ports: Vec<_> =
            ports.iter().map(|row| snapshot.flows[*row].key.customer_port).collect();
        assert_eq!(ports, expected);
        let hosts = snapshot.hosts_page(&query).rows;
        let hosts: Vec<_> = hosts.iter().map(|row| snapshot.hosts[*row].unwrap().address).collect();
        assert_eq!(hosts, expected.map(|host| key(host as u8, 0, TCP).customer));
    }
    let filter = TalkerFilter { host: Some(key(2, 0, 0).customer), ..TalkerFilter::default() };
    let one = TalkerQuery { filter, cut: Cut { limit: 9, ..Cut::default() }, ..Default::default() };
    assert_eq!((snapshot.flows_page(&one).matched, snapshot.hosts_page(&one).matched), (1, 1));
    let filter = TalkerFilter { known: Some(false), ..TalkerFilter::default() };
    assert_eq!(snapshot.hosts_page(&TalkerQuery { filter, ..one }).matched, 0);
}
