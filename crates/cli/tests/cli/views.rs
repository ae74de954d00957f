//! Views made by hand: two sites, three access points, three circuits, one of them hostile.

use bus::*;
use units::{Direction, PerDirection, PerSegment, TcHandle};

/// A name that clears the screen, turns the writing direction and breaks the line.
pub(crate) const HOSTILE: &str = "Mallory\x1b[2J\u{9b}31m\u{202e}evil\r\nline";

fn pair<T>(down: T, up: T) -> PerDirection<T> {
    PerDirection { down, up }
}

fn counted(name: &str, count: u64, per_sec: u64) -> CountView {
    CountView { name: name.into(), count, per_sec }
}

fn nic(name: &str, ifindex: u32, side: Side, xdp: Option<XdpMode>) -> NicView {
    NicView { name: name.into(), ifindex, side, xdp, tc: Some(TcAttachment::Tcx), queues: 2 }
}

fn thread(name: &str, state: ThreadState, restarts: u32, last_exit: Option<&str>) -> ThreadView {
    let last_exit = last_exit.map(str::to_owned);
    let essential = name == "tick";
    let name = name.to_owned();
    ThreadView { name, state, essential, heartbeat_age_ms: 400, restarts, last_exit }
}

fn percentiles(ms: u64, samples: u64) -> RttPercentiles {
    RttPercentiles { p50_us: ms * 1_000, p90_us: ms * 2_345, p99_us: ms * 30_000, samples }
}

/// RTTs of the customers' side only.
fn customers(ms: u64, samples: u64) -> PerSegment<Option<RttPercentiles>> {
    PerSegment { customer: Some(percentiles(ms, samples)), internet: None }
}

fn retransmits(percent: f32) -> PerDirection<RetransmitView> {
    let down =
        RetransmitView { per_sec: 12, count: 70_000, reordered: 30, share_percent: Some(percent) };
    pair(down, RetransmitView::default())
}

fn tin(name: &str, peak_delay_us: u64) -> TinView {
    TinView { name: name.into(), peak_delay_us, ..TinView::default() }
}

pub(crate) fn status() -> StatusView {
    let protocols =
        ProtocolsView { tcp_bps: 300_000_000, udp_bps: 50_000_000, icmp_bps: 12_000, other_bps: 0 };
    StatusView {
        cpus: vec![
            CpuView { cpu: 0, busy_percent: 62.5, softirq_percent: 50.0 },
            CpuView { cpu: 1, busy_percent: 3.25, softirq_percent: 1.0 },
        ],
        tick: 41,
        daemon_version: "0.1.0".into(),
        protocol_version: 1,
        kernel_release: "6.12.0".into(),
        uptime_ms: 7_500_000,
        mode: "bridge".into(),
        bypass: false,
        config: ConfigView {
            generation: 2,
            loaded_ms_ago: 61_000,
            files_changed: true,
            ..ConfigView::default()
        },
        circuits: 1_008,
        asleep: Some(7),
        process: 4_321,
        nodes: 5,
        unknown_hosts: 1,
        nics: vec![
            nic("eth0", 2, Side::Internet, Some(XdpMode::Native)),
            nic("eth1", 3, Side::Customers, Some(XdpMode::Generic)),
        ],
        traffic: TrafficView {
            rate_bps: pair(350_012_000, 20_000_000),
            packets_per_sec: pair(30_000, 9_000),
            protocols: pair(protocols, ProtocolsView::default()),
            ..TrafficView::default()
        },
        flows: FlowCounts { open: 61_234, capacity: 1_000_000, recent: 900, hosts: 2_345 },
        window_ms: 60_000,
        rtt: PerSegment {
            customer: Some(percentiles(12, 70_000)),
            internet: Some(percentiles(31, 65_000)),
        },
        retransmits: retransmits(0.4),
        captures: 1,
        verdicts: vec![counted("circuit", 1_234_567, 39_000), counted("malformed", 0, 0)],
        packet_events: vec![counted("unknown-full", 0, 0)],
        egress: vec![counted("metadata", 1_234_000, 39_000)],
        maps: vec![MapView { name: "hosts".into(), used: 60_000, capacity: 65_536 }],
        threads: vec![
            thread("tick", ThreadState::Running, 0, None),
            thread("qdiscs", ThreadState::BackingOff, 3, Some("failed: gone")),
        ],
        clients: 2,
        clients_max: 64,
        dropped: vec![counted("subscribers' views", 0, 0)],
        warnings: vec!["XDP runs generic on eth1".into()],
    }
}

fn node(name: &str, kind: &str, parent: Option<u32>, share: f32) -> NodeRow {
    NodeRow {
        id: name.into(),
        name: name.into(),
        kind: Some(kind.into()),
        is_virtual: kind == "virtual",
        parent,
        depth: u16::from(parent.is_some()),
        circuits: 4,
        limit_bps: pair(200_000_000, 100_000_000),
        rate_bps: pair((2_000_000.0 * share) as u64, 1_000),
        share_percent: pair(share, 0.5),
        drops_per_sec: pair(u64::from(share > 90.0), 0),
        drops: pair(70_000, 1),
        rtt: if share > 90.0 { PerSegment::default() } else { customers(12, 300) },
        retransmits: retransmits(share / 10.0),
    }
}

/// The sites first, then what is below them.
pub(crate) fn tree() -> TreeView {
    let nodes = vec![
        node("Site_North", "site", None, 40.0),
        node("Site_South", "virtual", None, 98.0),
        node("AP_North_1", "ap", Some(0), 30.0),
        node("AP_South_1", "ap", Some(1), 98.0),
        node("AP_North_2", "ap", Some(0), 10.0),
        node("Sector", "sector", Some(2), 5.0),
    ];
    TreeView { tick: 41, bypass: false, window_ms: 60_000, nodes }
}

fn circuit(id: &str, name: &str, node: Option<&str>) -> CircuitRow {
    CircuitRow {
        id: id.into(),
        name: name.into(),
        node: node.map(Into::into),
        plan_bps: pair(50_000_000, 10_000_000),
        min_bps: pair(10_000_000, 2_000_000),
        offered_bps: pair(60_000_000, 1_234),
        offered_packets_per_sec: pair(5_000, 2),
        sent_bps: pair(Some(49_876_543), None),
        share_percent: pair(99.8, 0.01),
        drops_per_sec: pair(400, 0),
        drops: pair(9_000, 5),
        backlog_bytes: pair(60_000, 0),
        leaf: pair(
            Some(LeafView { kind: "cake".into(), marks_per_sec: 3, ..LeafView::default() }),
            None,
        ),
        rtt: customers(95, 1_234),
        retransmits: retransmits(3.21),
        queue: pair(1, 1),
        cpu: 1,
        class: pair(Some(TcHandle::new(1, 0x2a)), None),
        asleep: false,
        addresses: ["100.64.1.10".into()].into(),
    }
}

pub(crate) fn circuits() -> CircuitsPage {
    let quiet = CircuitRow {
        sent_bps: pair(Some(0), Some(0)),
        share_percent: pair(0.0, 0.0),
        drops_per_sec: pair(0, 0),
        drops: pair(0, 0),
        backlog_bytes: pair(0, 0),
        rtt: PerSegment::default(),
        retransmits: PerDirection::default(),
        ..circuit("1008", "Harbour office, 1 Quay", None)
    };
    let busy = circuit("1001", "Alder Farm, 2 Mill Lane", Some("AP_North_1"));
    let rows = vec![busy, quiet, circuit("1009", HOSTILE, Some("AP\u{7}"))];
    CircuitsPage { tick: 41, bypass: false, window_ms: 60_000, total: 1_008, matched: 250, rows }
}

/// The circuit with this id alone, or none.
fn circuit_of(id: &str) -> CircuitsPage {
    let CircuitsPage { mut rows, .. } = circuits();
    rows.retain(|row| &*row.id == id);
    CircuitsPage { matched: rows.len() as u32, rows, ..circuits() }
}

pub(crate) fn queues() -> QueuesView {
    let row = |nic: &str, direction, sent_bps| QueueRow {
        nic: nic.into(),
        ifindex: 3,
        queue: 0,
        cpu: 1,
        direction,
        classes: 1_009,
        leaves: 1_004,
        link_bps: 1_000_000_000,
        sent_bps,
        share_percent: sent_bps as f32 / 10_000_000.0,
        drops_per_sec: 5,
        drops: 1_000,
        marks_per_sec: 7,
        marks: 2_000,
        overlimits: 900,
        backlog_bytes: 120_000,
        backlog_packets: 80,
        tins: if direction == Direction::Download {
            vec![tin("bulk", 0), tin("best effort", 15_200)]
        } else {
            vec![]
        },
    };
    let queues = vec![
        row("eth0", Direction::Upload, 20_000_000),
        row("eth1", Direction::Download, 999_000_000),
    ];
    QueuesView { tick: 41, bypass: false, queues }
}

pub(crate) fn unknown() -> UnknownPage {
    let row = |addr: &str| UnknownRow {
        addr: addr.parse().unwrap(),
        first_seen_ms_ago: 90_000_000,
        last_seen_ms_ago: 10,
        bytes: pair(123_456_789, 99),
        packets: pair(100_000, 2),
    };
    UnknownPage {
        tick: 41,
        bypass: false,
        total: 2,
        matched: 2,
        rows: vec![row("100.64.9.9"), row("fd00::9")],
    }
}

fn key(customer: &str, internet: &str, protocol: u8) -> FlowKey {
    FlowKey {
        customer: customer.parse().unwrap(),
        internet: internet.parse().unwrap(),
        customer_port: 50_123,
        internet_port: 443,
        protocol,
    }
}

fn stream(rate_bps: u64) -> StreamView {
    StreamView {
        rate_bps,
        packets_per_sec: 450,
        bytes: 123_456_789,
        packets: 90_000,
        retransmits: 300,
        reordered: 7,
        retransmit_percent: Some(0.33),
        tcp_flags: TcpFlags(0x1a),
        dscp: 46,
        ect_packets: 600,
        ce_packets: 5,
    }
}

/// A flow of each kind, one with a hostile origin.
pub(crate) fn flows() -> FlowsPage {
    let rtt = FlowRtt { last_us: 12_300, min_us: 900, smoothed_us: 11_040, samples: 400 };
    let open = FlowRow {
        key: key("100.64.1.10", "192.0.2.80", 6),
        circuit: Some("1001".into()),
        state: FlowState::Open,
        first_seen_ms_ago: 90_000,
        last_seen_ms_ago: 10,
        streams: pair(stream(45_678_901), stream(1_000)),
        rtt: PerSegment { customer: Some(rtt), internet: None },
        origin: Origin {
            asn: Some(64_500),
            name: Some("EXAMPLE-NET".into()),
            country: Some("NL".into()),
        },
    };
    let quic = FlowRow {
        key: key("2001:db8:1::1234:5678:9abc", "2001:db8:ffff::443", 17),
        streams: pair(
            StreamView { rate_bps: 900, dscp: 0, ..StreamView::default() },
            StreamView::default(),
        ),
        origin: Origin { name: Some(HOSTILE.into()), ..Origin::default() },
        ..open.clone()
    };
    let ping = FlowRow {
        key: key("100.64.9.9", "198.51.100.1", 1),
        circuit: None,
        state: FlowState::Ended,
        last_seen_ms_ago: 61_000,
        streams: PerDirection::default(),
        rtt: PerSegment::default(),
        origin: Origin::default(),
        ..open.clone()
    };
    FlowsPage { tick: 41, bypass: false, total: 61_234, matched: 3, rows: vec![open, quic, ping] }
}

fn mean() -> MeanRtt {
    MeanRtt { mean_us: 11_040, min_us: 900, samples: 400 }
}

pub(crate) fn hosts() -> HostsPage {
    let protocols =
        ProtocolsView { tcp_bps: 40_000_000, udp_bps: 5_000_000, icmp_bps: 640, other_bps: 0 };
    let known = HostRow {
        addr: "100.64.1.10".parse().unwrap(),
        circuit: Some("1001".into()),
        last_seen_ms_ago: 10,
        rate_bps: pair(45_000_640, 1_000),
        protocols: pair(protocols, ProtocolsView::default()),
        packets_per_sec: pair(4_500, 10),
        bytes: pair(123_456_789, 99),
        packets: pair(100_000, 2),
        flows: 31,
        rtt: PerSegment { customer: Some(mean()), internet: None },
        retransmits: retransmits(0.25),
    };
    let unknown = HostRow {
        addr: "fd00::9".parse().unwrap(),
        circuit: None,
        rtt: PerSegment::default(),
        retransmits: PerDirection::default(),
        ..known.clone()
    };
    HostsPage { tick: 41, bypass: false, total: 2_345, matched: 2_345, rows: vec![known, unknown] }
}

pub(crate) fn origins() -> OriginsPage {
    let known = OriginRow {
        origin: flows().rows[0].origin.clone(),
        rate_bps: pair(45_000_640, 1_000),
        packets_per_sec: pair(4_500, 10),
        bytes: pair(123_456_789, 99),
        flows: 1_234,
        rtt: Some(mean()),
        retransmits: retransmits(0.25),
    };
    let rest = OriginRow { origin: Origin::default(), rtt: None, ..known.clone() };
    OriginsPage { tick: 41, bypass: false, total: 2, matched: 2, rows: vec![known, rest] }
}

pub(crate) fn rtt(query: &RttQuery) -> RttPage {
    let bin = |from_us, samples| RttBin { from_us, to_us: Some(2 * from_us), samples };
    let row = |id: &str, name: &str, rtt| RttRow {
        id: id.into(),
        name: name.into(),
        node: (!id.is_empty()).then(|| "AP_North_1".into()),
        rtt,
    };
    let rows = match query.group {
        RttGroup::Box => vec![row("", "", customers(12, 70_000))],
        _ => vec![
            row("1001", "Alder Farm, 2 Mill Lane", customers(95, 1_234)),
            row("1009", HOSTILE, PerSegment::default()),
        ],
    };
    let bins = vec![bin(1_000, 20), bin(2_000, 400), bin(1_024_000, 1)];
    let histogram = query.histogram.then_some(PerSegment { customer: bins, internet: vec![] });
    let total = rows.len() as u32;
    RttPage { tick: 41, bypass: false, window_ms: 60_000, total, matched: total, rows, histogram }
}

pub(crate) fn retransmits_page() -> RetransmitsPage {
    let circuit = RetransmitRow {
        circuit: Some("1001".into()),
        name: Some("Alder Farm, 2 Mill Lane".into()),
        host: None,
        flow: None,
        retransmits: retransmits(3.21),
    };
    let flow = key("2001:db8:1::1", "2001:db8:ffff::443", 6);
    let rows = vec![
        circuit.clone(),
        RetransmitRow { host: Some(flow.customer), name: Some(HOSTILE.into()), ..circuit },
        RetransmitRow {
            circuit: None,
            name: None,
            host: None,
            flow: Some(flow),
            retransmits: retransmits(0.1),
        },
    ];
    let event = RetransmitEvent {
        seen_ms_ago: 1_300,
        flow,
        circuit: None,
        direction: Direction::Download,
        sequence: 4_000_000_000,
        length: 1_448,
    };
    RetransmitsPage {
        tick: 41,
        bypass: false,
        total: 3,
        matched: 3,
        rows,
        events: vec![event],
        events_lost: 5_000,
    }
}

pub(crate) fn events() -> EventsPage {
    let row = |number, kind, severity, text: &str, cause| EventRow {
        number,
        unix_ms: 1_790_000_000_000 + 1_000 * number,
        kind,
        severity,
        text: text.into(),
        cause,
        generation: 2,
    };
    let actor = |user: Option<&str>, pid, client: &str| {
        Cause::Client(Actor { uid: 1_000, user: user.map(Into::into), pid, client: client.into() })
    };
    let rows = vec![
        row(
            3,
            EventKind::Configuration,
            Severity::Info,
            "circuit 17: download max 50 Mbps (circuits: 1 changed (17); revision 17e)",
            actor(Some("ada"), Some(4_711), "tidegate 0.1.0"),
        ),
        row(
            4,
            EventKind::Table,
            Severity::Warning,
            "the table hosts is nearly full",
            Cause::Daemon,
        ),
        row(5, EventKind::Refusal, Severity::Error, HOSTILE, actor(None, None, HOSTILE)),
    ];
    EventsPage { tick: 41, oldest: 1, newest: 5, matched: 4, rows }
}

/// What the daemon answers to a question for a view.
pub(crate) fn answer(request: &Request) -> Vec<Reply> {
    let view = |topic: &Topic| match topic {
        Topic::Status => View::Status(Box::new(status())),
        Topic::Tree(_) => View::Tree(tree()),
        Topic::Circuits(CircuitsQuery { id: Some(id), .. }) => View::Circuits(circuit_of(id)),
        Topic::Circuits(_) => View::Circuits(circuits()),
        Topic::Queues => View::Queues(queues()),
        Topic::Unknown(_) => View::Unknown(unknown()),
        Topic::Flows(_) => View::Flows(flows()),
        Topic::Hosts(_) => View::Hosts(hosts()),
        Topic::Origins(_) => View::Origins(origins()),
        Topic::Rtt(query) => View::Rtt(rtt(query)),
        Topic::Retransmits(_) => View::Retransmits(retransmits_page()),
        Topic::Events(_) => View::Events(events()),
        Topic::History => View::History(HistoryView::default()),
    };
    match request {
        Request::Show(topic) => vec![view(topic).into()],
        Request::Subscribe(topic) => vec![view(topic).into(), view(topic).into()],
        other => panic!("{other:?} was not expected"),
    }
}
