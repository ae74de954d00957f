//! The box and the daemon of the made-up provider.

use bus::{
    Actor, Cause, ConfigView, CountView, CpuView, EventKind, EventRow, EventsPage, EventsQuery,
    FlowCounts, MapView, NicView, ProtocolsView, QueueRow, QueuesView, RetransmitView, RttBin,
    RttPage, RttPercentiles, RttRow, Severity, Side, StatusView, TcAttachment, ThreadState,
    ThreadView, TrafficView, XdpMode,
};
use units::{Direction, PerSegment};

use super::{HOSTILE, drops, pair, rate, scaled, wave};

const CPUS: u16 = 4;

/// A warning of the daemon's about a NIC.
const MERGES: &str = "enp1s0f1 merges packets in hardware, which breaks forwarding; turn it off with `ethtool -K enp1s0f1 lro off`";

pub(super) fn status(circuits: u32, tick: u64) -> StatusView {
    let rates = rate(tick);
    let protocols = rates.map(|bps| ProtocolsView {
        tcp_bps: bps / 100 * 71,
        udp_bps: bps / 100 * 28,
        icmp_bps: bps / 5_000,
        other_bps: bps / 9_000,
    });
    let again =
        |percent| RetransmitView { share_percent: Some(percent), ..RetransmitView::default() };
    StatusView {
        tick,
        daemon_version: "0.1.0".into(),
        process: 4_321,
        protocol_version: 1,
        kernel_release: "6.12.48".into(),
        uptime_ms: 7_500_000 + tick * 1_000,
        mode: "bridge".into(),
        bypass: false,
        config: ConfigView {
            generation: 12,
            loaded_ms_ago: 613_000,
            files_changed: true,
            ..ConfigView::default()
        },
        circuits,
        asleep: Some(circuits / 18),
        nodes: 18,
        unknown_hosts: 40,
        nics: vec![
            nic("enp1s0f0", 2, Side::Internet, XdpMode::Native),
            nic("enp1s0f1", 3, Side::Customers, XdpMode::Generic),
        ],
        traffic: TrafficView {
            rate_bps: rates,
            packets_per_sec: rates.map(|bps| bps / 8_000),
            protocols,
            ..TrafficView::default()
        },
        flows: FlowCounts { open: 61_234, capacity: 1_000_000, recent: 90_210, hosts: 23_456 },
        window_ms: 60_000,
        rtt: rtts(tick),
        retransmits: pair(again(0.4), again(0.1)),
        captures: 1,
        verdicts: vec![
            counted("circuit", 91_234_567, 930_000),
            counted("unknown", 1_200, 3),
            counted("malformed", 0, 0),
        ],
        packet_events: vec![counted("l4-invalid", 12, 0), counted("flows-full", 0, 0)],
        egress: vec![counted("metadata", 91_230_000, 929_000)],
        cpus: (0..CPUS).map(|cpu| cpu_now(cpu, tick)).collect(),
        maps: vec![
            map("circuits", 10_000, 32_768),
            map("hosts", 23_456, 131_072),
            map("prefixes", 60_100, 65_536),
        ],
        threads: vec![
            thread("tick", ThreadState::Running, 0, None),
            thread("qdiscs", ThreadState::BackingOff, 3, Some("failed: no such device")),
            thread("flows", ThreadState::Running, 0, None),
            thread("retransmits", ThreadState::Stale, 1, Some("stopped")),
            thread("capture", ThreadState::Running, 0, None),
        ],
        clients: 3,
        clients_max: 64,
        dropped: vec![counted("subscribers' views", 7, 1), counted("retransmits", 0, 0)],
        warnings: vec![MERGES.into(), "enp1s0f1 has no carrier: check its cable".into()],
    }
}

fn counted(name: &str, count: u64, per_sec: u64) -> CountView {
    CountView { name: name.into(), count, per_sec }
}

fn nic(name: &str, ifindex: u32, side: Side, xdp: XdpMode) -> NicView {
    let (xdp, tc) = (Some(xdp), Some(TcAttachment::Tcx));
    NicView { name: name.into(), ifindex, side, xdp, tc, queues: CPUS }
}

fn map(name: &str, used: u64, capacity: u64) -> MapView {
    MapView { name: name.into(), used, capacity }
}

fn thread(name: &str, state: ThreadState, restarts: u32, last_exit: Option<&str>) -> ThreadView {
    ThreadView {
        name: name.into(),
        state,
        essential: name == "tick",
        heartbeat_age_ms: if state == ThreadState::Running { 400 } else { 12_300 },
        restarts,
        last_exit: last_exit.map(str::to_owned),
    }
}

fn cpu_now(cpu: u16, tick: u64) -> CpuView {
    let busy = (35.0 + 18.0 * f64::from(cpu) * wave(u32::from(cpu) + 20, tick)) as f32;
    CpuView { cpu, busy_percent: busy.min(99.0), softirq_percent: busy.min(99.0) * 0.8 }
}

pub(super) fn queues(tick: u64) -> QueuesView {
    let row = |queue: u16, direction: Direction| {
        let share = 0.16 + 0.06 * f64::from(queue);
        let sent_bps = scaled(rate(tick)[direction], share);
        let down = direction == Direction::Download;
        QueueRow {
            nic: if down { "enp1s0f1" } else { "enp1s0f0" }.into(),
            ifindex: 3,
            queue,
            cpu: queue,
            direction,
            classes: 2_520,
            leaves: 2_500,
            link_bps: 10_000_000_000,
            sent_bps,
            share_percent: sent_bps as f32 / 100_000_000.0,
            drops_per_sec: if down { drops(tick) } else { drops(tick + 7) / 4 } / 4,
            drops: 70_000,
            marks_per_sec: 3,
            marks: 900,
            overlimits: 1_000_000,
            backlog_bytes: scaled(240_000, wave(u32::from(queue), tick)),
            backlog_packets: 120,
            tins: Vec::new(),
        }
    };
    let of = |direction| (0..CPUS).map(move |queue| row(queue, direction));
    QueuesView {
        tick,
        bypass: false,
        queues: of(Direction::Upload).chain(of(Direction::Download)).collect(),
    }
}

fn rtts(tick: u64) -> PerSegment<Option<RttPercentiles>> {
    let of = |base: u64, seed| {
        let p50_us = scaled(base, 0.9 + 0.2 * wave(seed, tick));
        Some(RttPercentiles { p50_us, p90_us: p50_us * 4, p99_us: p50_us * 17, samples: 412_345 })
    };
    PerSegment { customer: of(8_900, 1), internet: of(20_500, 2) }
}

/// The box, with a histogram of eight bins an octave.
pub(super) fn rtt(tick: u64) -> RttPage {
    let rtt = rtts(tick);
    let bins = |peak_us: f64| -> Vec<RttBin> {
        let edge = |i: u32| (65.0 * 2f64.powf(f64::from(i) / 8.0)).round() as u64;
        let bin = |i: u32| {
            let from_us = edge(i);
            let away = (from_us as f64 / peak_us).log2();
            let width = if away < 0.0 { 1.1 } else { 1.9 };
            let samples = scaled(9_000, (-(away / width).powi(2)).exp());
            RttBin { from_us, to_us: Some(edge(i + 1)), samples }
        };
        (0..140).map(bin).filter(|bin| bin.samples > 0).collect()
    };
    let histogram = Some(PerSegment { customer: bins(8_900.0), internet: bins(20_500.0) });
    let rows = vec![RttRow { id: "".into(), name: "".into(), node: None, rtt }];
    RttPage { tick, bypass: false, window_ms: 60_000, total: 1, matched: 1, rows, histogram }
}

/// What happened so far.
pub(super) fn events(query: &EventsQuery, tick: u64) -> EventsPage {
    let actor = |user: &str, pid, client: &str| {
        Cause::Client(Actor {
            uid: 1_000,
            user: Some(user.into()),
            pid: Some(pid),
            client: client.into(),
        })
    };
    let told = [
        (EventKind::Daemon, Severity::Info, "started, version 0.1.0", Cause::Daemon),
        (
            EventKind::Configuration,
            Severity::Info,
            "10,000 circuits, 18 nodes in force (revision 9f1)",
            Cause::Files,
        ),
        (EventKind::Nic, Severity::Warning, MERGES, Cause::Daemon),
        (
            EventKind::Configuration,
            Severity::Info,
            "circuit 1017: download max 50 Mbps (circuits: 1 changed (1017); revision 17e)",
            actor("ada", 4_711, "tidegate 0.1.0"),
        ),
        (EventKind::Refusal, Severity::Warning, "refused: reload", actor("grace", 4_802, HOSTILE)),
        (
            EventKind::Configuration,
            Severity::Error,
            "not put in force:\nShapedDevices.csv:812: error: the download rate \"5O\" is no number; write Mbps as \
             digits, like 50\nWhat was in force stays in force, and traffic is shaped by that",
            Cause::Files,
        ),
        (
            EventKind::Thread,
            Severity::Error,
            "the thread qdiscs has failed: no such device",
            Cause::Daemon,
        ),
        (EventKind::Capture, Severity::Info, HOSTILE, actor("ada", 4_911, "tidegate 0.1.0")),
        (
            EventKind::Table,
            Severity::Warning,
            "the table prefixes is nearly full: 60100 of 65536; [limits] makes it larger",
            Cause::Daemon,
        ),
    ];
    let rows = (1u64..).zip(told).map(|(number, (kind, severity, text, cause))| EventRow {
        number,
        unix_ms: 1_790_000_000_000 + 61_000 * number,
        kind,
        severity,
        text: text.into(),
        cause,
        generation: 12,
    });
    let filter = query.filter.to_lowercase();
    let matches = |row: &EventRow| {
        row.severity >= query.severity_min
            && row.number > query.after
            && row.text.to_lowercase().contains(&filter)
    };
    let rows: Vec<EventRow> = rows.filter(matches).collect();
    EventsPage { tick, oldest: 1, newest: 9, matched: rows.len() as u32, rows }
}
