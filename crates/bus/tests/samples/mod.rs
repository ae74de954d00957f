//! One of every request and reply, with every field set to something.

#![allow(dead_code, reason = "each test program uses its part")]

mod measured;
mod queries;

use bus::*;
use units::{Direction, PerDirection, TcHandle};

use measured::{
    captured, capturing, events, flows, history, hosts, origins, percentiles, retransmits,
    retransmits_page, rtt, tin,
};
use queries::{
    address, capture, events_query, flows_query, hosts_query, origins_query, retransmits_query,
    rtt_query, tree_query,
};

fn pair<T>(down: T, up: T) -> PerDirection<T> {
    PerDirection { down, up }
}

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let circuits = CircuitsQuery {
        filter: "gurnee".into(),
        id: Some("10001".into()),
        node: Some("AP_A".into()),
        rtt_samples_min: 20,
        sort: CircuitSort::Share,
        by: Some(Direction::Upload),
        descending: true,
        offset: 300,
        limit: 70_000,
    };
    let unknown = UnknownQuery {
        filter: "100.64".into(),
        sort: UnknownSort::Bytes,
        ..UnknownQuery::default()
    };
    let hello =
        Hello { client: "tidegate 0.1.0".into(), versions: VersionRange { min: 1, max: 1 } };
    vec![
        ("hello", Request::Hello(hello)),
        ("show-status", Request::Show(Topic::Status)),
        ("show-tree", Request::Show(Topic::Tree(tree_query()))),
        ("show-circuits", Request::Show(Topic::Circuits(circuits.clone()))),
        ("show-queues", Request::Show(Topic::Queues)),
        ("show-unknown", Request::Show(Topic::Unknown(unknown))),
        ("subscribe-circuits", Request::Subscribe(Topic::Circuits(circuits))),
        ("unsubscribe", Request::Unsubscribe(7)),
        ("plan", Request::Plan),
        ("reload", Request::Reload { shrink: true }),
        ("bypass", Request::Bypass(true)),
        ("show-flows", Request::Show(Topic::Flows(flows_query()))),
        ("show-hosts", Request::Show(Topic::Hosts(hosts_query()))),
        ("show-origins", Request::Show(Topic::Origins(origins_query()))),
        ("show-rtt", Request::Show(Topic::Rtt(rtt_query()))),
        ("show-retransmits", Request::Show(Topic::Retransmits(retransmits_query()))),
        ("subscribe-events", Request::Subscribe(Topic::Events(events_query()))),
        ("show-history", Request::Show(Topic::History)),
        ("capture-circuit", Request::Capture(capture(CaptureTarget::Circuit("10001".into())))),
        ("capture-host", Request::Capture(capture(CaptureTarget::Host(address("fd00::9"))))),
        ("handover", Request::Handover),
        ("preview", Request::Preview(None)),
        ("preview-edits", Request::Preview(Some(edits()))),
        ("edit", Request::Edit(edits())),
        ("sources", Request::Sources),
    ]
}

fn edits() -> Edits {
    let circuit = CircuitEdit {
        id: "17".into(),
        name: Some("Ada".into()),
        parent: Some("AP".into()),
        min_bps: pair(Some(1_000_000), Some(500_000)),
        max_bps: pair(Some(50_000_000), None),
        sqm: Some("cake".into()),
        device: Some("d1".into()),
        new_device: true,
        device_name: Some("router".into()),
        mac: Some("02::1".into()),
        addresses: Some(vec!["100.64.0.1".parse().unwrap(), "2001:db8::/56".parse().unwrap()]),
        comment: Some("new".into()),
    };
    Edits {
        base: Some("0123456789abcdef".into()),
        shrink: true,
        edits: vec![
            Edit::Network("{}\n".into()),
            Edit::Circuits("Circuit ID\n".into()),
            Edit::Circuit(Box::new(circuit)),
            Edit::RemoveCircuit("18".into()),
        ],
    }
}

pub(crate) fn replies() -> Vec<(&'static str, Reply)> {
    let welcome = Welcome { version: 1, daemon_version: "0.1.0".into(), role: Role::Control };
    let reloaded = Reloaded {
        generation: 2,
        circuits: 8,
        nodes: 5,
        circuit_changes: ChangeCounts { added: 3, removed: 2, changed: 1 },
        node_changes: ChangeCounts { added: 6, removed: 5, changed: 4 },
        took_ms: 31,
        warnings: vec!["odd".into()],
    };
    let line = LineChange {
        file: "/etc/tidegate/ShapedDevices.csv".into(),
        line: 3,
        comes: true,
        text: "17,Ada".into(),
    };
    let preview = PreviewView {
        generation: 2,
        config: "/etc/tidegate/tidegate.toml".into(),
        changes: vec!["circuit c1: goes".into()],
        more: 1,
        lines: vec![line],
        more_lines: 5,
        requests: 4,
        circuits: 1,
        addresses: 3,
        drained: 2,
        warnings: vec!["odd".into()],
    };
    vec![
        ("error", Reply::Error(Refusal::new(ErrorCode::Denied, "reload takes the control role"))),
        ("welcome", Reply::Welcome(welcome)),
        ("status", View::Status(Box::new(status())).into()),
        ("tree", View::Tree(tree()).into()),
        ("circuits", View::Circuits(circuits()).into()),
        ("queues", View::Queues(queues()).into()),
        ("unknown", View::Unknown(unknown()).into()),
        (
            "plan",
            Reply::Plan(PlanView {
                generation: 2,
                config: "/etc/t.toml".into(),
                json: "{\"nics\":[]}".into(),
            }),
        ),
        ("reloaded", Reply::Reloaded(reloaded.clone())),
        ("done", Reply::Done),
        ("flows", View::Flows(flows()).into()),
        ("hosts", View::Hosts(hosts()).into()),
        ("origins", View::Origins(origins()).into()),
        ("rtt", View::Rtt(rtt()).into()),
        ("retransmits", View::Retransmits(retransmits_page()).into()),
        ("events", View::Events(events()).into()),
        ("history", View::History(history()).into()),
        ("capturing", Reply::Capturing(capturing())),
        ("captured", Reply::Captured(captured())),
        (
            "capture-ended",
            Reply::CaptureEnded(CaptureEnded {
                captured: 1_000,
                lost: 3,
                reason: CaptureEnd::Packets,
            }),
        ),
        ("preview", Reply::Preview(preview)),
        ("edited", Reply::Edited(Edited { reloaded, revision: "0123456789abcdef".into() })),
        (
            "sources",
            Reply::Sources(SourcesView {
                revision: "0123456789abcdef".into(),
                files_changed: true,
                network: "{}\n".into(),
                circuits: "Circuit ID\n".into(),
            }),
        ),
    ]
}

fn status() -> StatusView {
    let count = |name: &str| vec![CountView { name: name.into(), count: 900, per_sec: 12 }];
    let protocols =
        ProtocolsView { tcp_bps: 1_000_000, udp_bps: 2_000, icmp_bps: 64, other_bps: 1 };
    let total = |bytes, packets| TotalView { bytes, packets };
    let totals = TotalsView {
        tcp: total(9_000_000_000, 7_000_000),
        udp: total(2_000, 20),
        icmp: total(300, 3),
        other: total(60, 1),
    };
    StatusView {
        tick: 41,
        daemon_version: "0.1.0".into(),
        protocol_version: 1,
        kernel_release: "6.12.0".into(),
        uptime_ms: 41_250,
        mode: "bridge".into(),
        bypass: true,
        config: ConfigView {
            generation: 2,
            loaded_ms_ago: 800,
            problem: Some("line 3".into()),
            problem_ms_ago: 700,
            files_changed: true,
        },
        circuits: 8,
        asleep: Some(6),
        process: 4_321,
        nodes: 5,
        unknown_hosts: 1,
        nics: vec![NicView {
            name: "eth1".into(),
            ifindex: 3,
            side: Side::Customers,
            xdp: Some(XdpMode::Generic),
            tc: Some(TcAttachment::Tcx),
            queues: 4,
        }],
        traffic: TrafficView {
            rate_bps: pair(1_002_065, 500),
            packets_per_sec: pair(90, 4),
            protocols: pair(protocols, ProtocolsView::default()),
            totals: pair(totals, TotalsView::default()),
        },
        flows: FlowCounts { open: 500_000, capacity: 1_000_000, recent: 900, hosts: 12 },
        window_ms: 60_000,
        rtt: percentiles(),
        retransmits: retransmits(),
        captures: 1,
        verdicts: count("steered"),
        packet_events: count("map full"),
        egress: count("classified"),
        cpus: vec![CpuView { cpu: 1, busy_percent: 62.5, softirq_percent: 50.0 }],
        maps: vec![MapView { name: "hosts".into(), used: 12, capacity: 65_536 }],
        threads: vec![ThreadView {
            name: "tick".into(),
            state: ThreadState::Stale,
            essential: true,
            heartbeat_age_ms: 6_000,
            restarts: 1,
            last_exit: Some("failed: gone".into()),
        }],
        clients: 2,
        clients_max: 64,
        dropped: count("subscriber views"),
        warnings: vec!["generic XDP on eth1".into()],
    }
}

fn tree() -> TreeView {
    let node = NodeRow {
        id: "1".into(),
        name: "Site_1".into(),
        kind: Some("site".into()),
        is_virtual: false,
        parent: None,
        depth: 0,
        circuits: 4,
        limit_bps: pair(1_000_000_000, 500_000_000),
        rate_bps: pair(250_000_000, 1),
        share_percent: pair(25.0, 0.5),
        drops_per_sec: pair(3, 0),
        drops: pair(70_000, 1),
        rtt: percentiles(),
        retransmits: retransmits(),
    };
    let child = NodeRow { parent: Some(0), depth: 1, is_virtual: true, kind: None, ..node.clone() };
    TreeView { tick: 41, bypass: true, window_ms: 60_000, nodes: vec![node, child] }
}

fn circuits() -> CircuitsPage {
    let leaf = LeafView {
        kind: "cake".into(),
        drops_per_sec: 400,
        drops: 9_000,
        marks_per_sec: 2,
        marks: 20,
        backlog_bytes: 60_000,
        backlog_packets: 40,
        tins: vec![tin("bulk"), tin("best effort")],
    };
    let row = CircuitRow {
        id: "10001".into(),
        name: "968 Circle St., Gurnee".into(),
        node: Some("AP_A".into()),
        plan_bps: pair(155_000_000, 20_000_000),
        min_bps: pair(1_000_000, 1_000_000),
        offered_bps: pair(160_000_000, 90),
        offered_packets_per_sec: pair(13_000, 1),
        sent_bps: pair(Some(154_900_000), None),
        share_percent: pair(99.5, 0.0),
        drops_per_sec: pair(400, 0),
        drops: pair(9_000, 0),
        backlog_bytes: pair(60_000, 0),
        leaf: pair(Some(leaf), None),
        rtt: percentiles(),
        retransmits: retransmits(),
        queue: pair(2, 3),
        cpu: 1,
        class: pair(Some(TcHandle::new(1, 0x2a)), None),
        asleep: true,
        addresses: ["100.64.0.1".into(), "fdd7:b724:0:100::/56".into()].into(),
    };
    CircuitsPage {
        tick: 41,
        bypass: true,
        window_ms: 60_000,
        total: 8,
        matched: 1,
        rows: vec![row],
    }
}

fn queues() -> QueuesView {
    let row = QueueRow {
        nic: "eth1".into(),
        ifindex: 3,
        queue: 2,
        cpu: 1,
        direction: Direction::Download,
        classes: 9,
        leaves: 5,
        link_bps: 10_000_000_000,
        sent_bps: 2_500_000_000,
        share_percent: 25.0,
        drops_per_sec: 5,
        drops: 1_000,
        marks_per_sec: 3,
        marks: 400,
        overlimits: 5_000,
        backlog_bytes: 120_000,
        backlog_packets: 80,
        tins: vec![tin("bulk")],
    };
    QueuesView { tick: 41, bypass: true, queues: vec![row] }
}

fn unknown() -> UnknownPage {
    let row = |addr: &str| UnknownRow {
        addr: addr.parse().unwrap(),
        first_seen_ms_ago: 9_000,
        last_seen_ms_ago: 10,
        bytes: pair(123_456, 99),
        packets: pair(100, 2),
    };
    UnknownPage {
        tick: 41,
        bypass: true,
        total: 2,
        matched: 2,
        rows: vec![row("100.64.9.9"), row("fd00::9")],
    }
}
