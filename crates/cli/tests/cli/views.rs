//! Views made by hand: two sites, three access points, three circuits, one of them hostile.

use bus::*;
use units::{Direction, PerDirection, TcHandle};

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

pub(crate) fn status() -> StatusView {
    let protocols =
        ProtocolsView { tcp_bps: 300_000_000, udp_bps: 50_000_000, icmp_bps: 12_000, other_bps: 0 };
    StatusView {
        tick: 41,
        daemon_version: "0.1.0".into(),
        protocol_version: 1,
        kernel_release: "6.12.0".into(),
        uptime_ms: 7_500_000,
        mode: "bridge".into(),
        bypass: false,
        config: ConfigView { generation: 2, loaded_ms_ago: 61_000, problem: None },
        circuits: 1_008,
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
        },
        verdicts: vec![counted("steered", 1_234_567, 39_000), counted("malformed", 0, 0)],
        events: vec![counted("hosts map full", 0, 0)],
        egress: vec![counted("classified", 1_234_000, 39_000)],
        maps: vec![MapView { name: "hosts".into(), used: 60_000, capacity: 65_536 }],
        threads: vec![
            thread("tick", ThreadState::Running, 0, None),
            thread("qdiscs", ThreadState::BackingOff, 3, Some("failed: gone")),
        ],
        clients: 2,
        clients_max: 64,
        dropped: vec![counted("subscriber views", 0, 0)],
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
    TreeView { tick: 41, nodes }
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
        queue: pair(1, 1),
        cpu: 1,
        class: pair(Some(TcHandle::new(1, 0x2a)), None),
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
        ..circuit("1008", "Harbour office, 1 Quay", None)
    };
    let busy = circuit("1001", "Alder Farm, 2 Mill Lane", Some("AP_North_1"));
    let rows = vec![busy, quiet, circuit("1009", HOSTILE, Some("AP\u{7}"))];
    CircuitsPage { tick: 41, total: 1_008, matched: 250, rows }
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
        backlog_bytes: 120_000,
    };
    let queues = vec![
        row("eth0", Direction::Upload, 20_000_000),
        row("eth1", Direction::Download, 999_000_000),
    ];
    QueuesView { tick: 41, queues }
}

pub(crate) fn unknown() -> UnknownPage {
    let row = |addr: &str| UnknownRow {
        addr: addr.parse().unwrap(),
        first_seen_ms_ago: 90_000_000,
        last_seen_ms_ago: 10,
        bytes: pair(123_456_789, 99),
        packets: pair(100_000, 2),
    };
    UnknownPage { tick: 41, total: 2, matched: 2, rows: vec![row("100.64.9.9"), row("fd00::9")] }
}

/// What the daemon answers to a question for a view.
pub(crate) fn answer(request: &Request) -> Vec<Reply> {
    let view = |topic: &Topic| match topic {
        Topic::Status => View::Status(Box::new(status())),
        Topic::Tree => View::Tree(tree()),
        Topic::Circuits(_) => View::Circuits(circuits()),
        Topic::Queues => View::Queues(queues()),
        Topic::Unknown(_) => View::Unknown(unknown()),
    };
    match request {
        Request::Show(topic) => vec![view(topic).into()],
        Request::Subscribe(topic) => vec![view(topic).into(), view(topic).into()],
        other => panic!("{other:?} was not expected"),
    }
}
