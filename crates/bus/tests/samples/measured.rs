//! Views of what is measured, and a capture's packets.

use bus::*;
use units::{Direction, PerDirection, PerSegment};

use super::pair;
use super::queries::address;

pub(super) fn percentiles() -> PerSegment<Option<RttPercentiles>> {
    let customer =
        RttPercentiles { p50_us: 12_300, p90_us: 45_600, p99_us: 300_000, samples: 70_000 };
    PerSegment { customer: Some(customer), internet: None }
}

pub(super) fn mean() -> MeanRtt {
    MeanRtt { mean_us: 12_300, min_us: 900, samples: 250 }
}

pub(super) fn retransmits() -> PerDirection<RetransmitView> {
    let down =
        RetransmitView { per_sec: 4, count: 70_000, reordered: 300, share_percent: Some(0.5) };
    pair(down, RetransmitView::default())
}

pub(super) fn tin(name: &str) -> TinView {
    TinView {
        name: name.into(),
        sent_bytes: 5_000_000,
        drops: 300,
        marks: 20,
        backlog_bytes: 60_000,
        peak_delay_us: 5_100,
        avg_delay_us: 2_000,
        base_delay_us: 90,
    }
}

pub(super) fn key() -> FlowKey {
    FlowKey {
        customer: address("100.64.0.1"),
        internet: address("192.0.2.80"),
        customer_port: 50_123,
        internet_port: 443,
        protocol: 6,
    }
}

pub(super) fn origin() -> Origin {
    Origin { asn: Some(64_500), name: Some("EXAMPLE".into()), country: Some("NL".into()) }
}

pub(super) fn flows() -> FlowsPage {
    let down = StreamView {
        rate_bps: 5_000_000,
        packets_per_sec: 450,
        bytes: 123_456_789,
        packets: 90_000,
        retransmits: 300,
        reordered: 7,
        retransmit_percent: Some(0.25),
        tcp_flags: TcpFlags(0x1a),
        dscp: 46,
        ect_packets: 600,
        ce_packets: 5,
    };
    let known = FlowRow {
        key: key(),
        circuit: Some("10001".into()),
        state: FlowState::Ended,
        first_seen_ms_ago: 90_000,
        last_seen_ms_ago: 10,
        streams: pair(down, StreamView::default()),
        rtt: PerSegment {
            customer: Some(FlowRtt {
                last_us: 12_300,
                min_us: 900,
                smoothed_us: 11_000,
                samples: 400,
            }),
            internet: None,
        },
        origin: origin(),
    };
    let unknown = FlowRow {
        circuit: None,
        state: FlowState::Idle,
        origin: Origin::default(),
        ..known.clone()
    };
    FlowsPage { tick: 41, bypass: true, total: 70_000, matched: 2, rows: vec![known, unknown] }
}

pub(super) fn hosts() -> HostsPage {
    let protocols =
        ProtocolsView { tcp_bps: 1_000_000, udp_bps: 2_000, icmp_bps: 64, other_bps: 1 };
    let row = HostRow {
        addr: address("fd00::9"),
        circuit: Some("10001".into()),
        last_seen_ms_ago: 10,
        rate_bps: pair(1_002_065, 500),
        protocols: pair(protocols, ProtocolsView::default()),
        packets_per_sec: pair(90, 4),
        bytes: pair(123_456, 99),
        packets: pair(100, 2),
        flows: 3,
        rtt: PerSegment { customer: Some(mean()), internet: None },
        retransmits: retransmits(),
    };
    HostsPage { tick: 41, bypass: true, total: 300, matched: 1, rows: vec![row] }
}

pub(super) fn origins() -> OriginsPage {
    let row = OriginRow {
        origin: origin(),
        rate_bps: pair(1_002_065, 500),
        packets_per_sec: pair(90, 4),
        bytes: pair(123_456, 99),
        flows: 3,
        rtt: Some(mean()),
        retransmits: retransmits(),
    };
    OriginsPage { tick: 41, bypass: true, total: 300, matched: 1, rows: vec![row] }
}

pub(super) fn rtt() -> RttPage {
    let row = RttRow {
        id: "10001".into(),
        name: "968 Circle St., Gurnee".into(),
        node: Some("AP_A".into()),
        rtt: percentiles(),
    };
    let bins = vec![
        RttBin { from_us: 0, to_us: Some(65), samples: 1 },
        RttBin { from_us: 17_000_000, to_us: None, samples: 300 },
    ];
    RttPage {
        tick: 41,
        bypass: true,
        window_ms: 60_000,
        total: 300,
        matched: 1,
        rows: vec![row],
        histogram: Some(PerSegment { customer: bins, internet: vec![] }),
    }
}

pub(super) fn retransmits_page() -> RetransmitsPage {
    let row = RetransmitRow {
        circuit: Some("10001".into()),
        name: Some("968 Circle St., Gurnee".into()),
        host: Some(address("100.64.0.1")),
        flow: Some(key()),
        retransmits: retransmits(),
    };
    let event = RetransmitEvent {
        seen_ms_ago: 300,
        flow: key(),
        circuit: None,
        direction: Direction::Upload,
        sequence: 4_000_000_000,
        length: 1_448,
    };
    RetransmitsPage {
        tick: 41,
        bypass: true,
        total: 300,
        matched: 1,
        rows: vec![row],
        events: vec![event],
        events_lost: 5,
    }
}

pub(super) fn capturing() -> Capturing {
    let interfaces =
        vec![CaptureInterface { ifindex: 3, name: "eth1".into(), side: Side::Customers }];
    Capturing { interfaces, seconds: 30, packets: 100_000, snap_length: 128 }
}

pub(super) fn captured() -> Vec<CapturedPacket> {
    let packet = CapturedPacket {
        seen_ns: 1_790_000_000_123_456_789,
        interface: 0,
        direction: Direction::Upload,
        length: 1_514,
        bytes: vec![0xff; 54],
    };
    vec![packet.clone(), CapturedPacket { bytes: vec![], ..packet }]
}

pub(super) fn events() -> EventsPage {
    let actor = Actor {
        uid: 1_000,
        user: Some("ada".into()),
        pid: Some(4_711),
        client: "tidegate 0.1.0".into(),
    };
    let row = |number, kind, severity, cause| EventRow {
        number,
        unix_ms: 1_790_000_000_000 + number,
        kind,
        severity,
        text: "circuit 17: max rate".into(),
        cause,
        generation: 3,
    };
    let rows = vec![
        row(18, EventKind::Configuration, Severity::Info, Cause::Client(actor)),
        row(19, EventKind::Table, Severity::Warning, Cause::Daemon),
        row(20, EventKind::Configuration, Severity::Error, Cause::Files),
        row(21, EventKind::Configuration, Severity::Info, Cause::Signal),
    ];
    EventsPage { tick: 41, oldest: 2, newest: 21, matched: 4, rows }
}

pub(super) fn history() -> HistoryView {
    let point = HistoryPoint {
        tick: 40,
        bypass: true,
        rate_bps: pair(1_002_065, 500),
        packets_per_sec: pair(90, 4),
        drops_per_sec: pair(3, 0),
        rtt_p50_us: PerSegment { customer: Some(11_000), internet: None },
    };
    HistoryView { tick: 41, points: vec![point, HistoryPoint { tick: 41, ..point }] }
}
