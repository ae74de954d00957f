//! The daemon and the box as a whole.

use std::sync::atomic::{AtomicU64, Ordering};

use bus::{
    ConfigView, CountView, CpuView, FlowCounts, MapView, NicView, PROTOCOL_VERSION, ProtocolsView,
    Side, StatusView, TcAttachment, ThreadView, TotalView, TotalsView, TrafficView, XdpMode,
};
use config::Mode;
use kernel::datapath::{self, Attachment, TcHook, XdpHook};
use state::{BoxFigures, ByProtocol, CounterFigures, FlowSnapshot, Rate, Snapshot, Traffic};

use super::{Moment, quality};
use crate::shared::Shared;

pub(super) fn view(moment: &Moment<'_>) -> StatusView {
    let Moment { shared, snapshot, flows } = moment;
    let current = shared.current.load();
    let origin_problems = shared.origin_problems.load();
    let problems = [shared.reload_problem.load_full(), shared.kernel_problem.load_full()];
    let problems = || problems.iter().flatten();
    let since = problems().map(|problem| problem.since).min();
    let nic_problems = shared.nic_problems.load();
    let of_nics = nic_problems.iter().map(|problem| &problem.text);
    let warnings = current.warnings.iter().chain(of_nics).chain(origin_problems.iter());
    let others = [shared.events.audit_problem.load_full(), shared.metrics_problem.load_full()];
    let warnings = warnings.chain(others.iter().flatten().map(AsRef::as_ref));
    StatusView {
        tick: snapshot.tick,
        daemon_version: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        protocol_version: PROTOCOL_VERSION,
        kernel_release: rustix::system::uname().release().to_string_lossy().into_owned(),
        uptime_ms: shared.started.elapsed().as_millis() as u64,
        mode: mode(current.plan.mode).to_owned(),
        bypass: shared.control.bypass(),
        config: ConfigView {
            generation: current.generation,
            loaded_ms_ago: current.since.elapsed().as_millis() as u64,
            problem: since
                .map(|_| problems().map(|it| it.text.trim_end()).collect::<Vec<_>>().join("\n")),
            problem_ms_ago: since.map_or(0, |since| since.elapsed().as_millis() as u64),
            files_changed: shared.files_changed.load(Ordering::Relaxed),
        },
        circuits: current.layout.circuits.len() as u32,
        asleep: current.lazy_after.map(|_| shared.asleep.load().len() as u32),
        nodes: current.layout.nodes.len() as u32,
        unknown_hosts: snapshot.unknown.len() as u32,
        nics: shared.attachments.iter().map(|nic| nic_view(nic, snapshot)).collect(),
        traffic: traffic(&snapshot.total),
        flows: flow_counts(flows),
        window_ms: quality::WINDOW_MS,
        rtt: quality::percentiles(&snapshot.total.rtt),
        retransmits: quality::retransmits(&snapshot.total.tcp, &snapshot.total.offered),
        captures: shared.captures.running() as u32,
        verdicts: counts(&snapshot.total.verdicts),
        packet_events: counts(&snapshot.total.events),
        egress: counts(&snapshot.total.egress),
        cpus: cpus(snapshot),
        maps: maps(snapshot),
        threads: shared.monitor.report().into_iter().map(thread_view).collect(),
        clients: shared.clients.load(Ordering::Relaxed),
        clients_max: shared.clients_max,
        dropped: dropped(shared, flows),
        warnings: warnings.cloned().collect(),
    }
}

/// What each bounded queue or table in the daemon had no room for.
fn dropped(shared: &Shared, flows: &FlowSnapshot) -> Vec<CountView> {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    [
        ("clients", load(&shared.clients_refused)),
        ("subscribers' views", load(&shared.views_missed)),
        ("audit lines", load(&shared.events.unwritten)),
        ("retransmits", load(&shared.retransmits_dropped)),
        ("captured packets", shared.captures.dropped()),
        ("flows", flows.flows_refused),
        ("hosts", flows.hosts_refused),
        ("origins", flows.origins_refused),
        ("recent flows", flows.recent.pushed_out()),
    ]
    .into_iter()
    .map(|(name, count)| CountView { name: name.to_owned(), count, per_sec: 0 })
    .collect()
}

fn flow_counts(flows: &FlowSnapshot) -> FlowCounts {
    FlowCounts {
        open: flows.flows.len() as u32,
        capacity: flows.flows_capacity as u32,
        recent: flows.recent.len() as u32,
        hosts: flows.hosts_count as u32,
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Bridge => "bridge",
        Mode::XdpBridge => "xdp-bridge",
        Mode::Stick { .. } => "stick",
        Mode::Observe => "observe",
    }
}

fn nic_view(nic: &Attachment, snapshot: &Snapshot) -> NicView {
    let queues = snapshot.layout.queues.iter().filter(|queue| queue.nic == nic.ifindex).count();
    NicView {
        name: nic.nic.clone(),
        ifindex: nic.ifindex.get(),
        side: side(nic.side),
        xdp: Some(match nic.xdp {
            XdpHook::Native => XdpMode::Native,
            XdpHook::Generic => XdpMode::Generic,
        }),
        tc: match nic.tc {
            TcHook::Tcx => Some(TcAttachment::Tcx),
            TcHook::Clsact => Some(TcAttachment::Clsact),
            TcHook::None => None,
        },
        queues: queues as u16,
    }
}

/// Where a NIC leads, for the wire.
pub const fn side(side: datapath::Side) -> Side {
    match side {
        datapath::Side::Customers => Side::Customers,
        datapath::Side::Internet => Side::Internet,
        datapath::Side::Both => Side::Both,
    }
}

fn traffic(BoxFigures { offered, arrived, .. }: &BoxFigures) -> TrafficView {
    let sum = offered.as_ref().map(ByProtocol::sum);
    TrafficView {
        rate_bps: sum.map(|rate| rate.bits.get()),
        packets_per_sec: sum.map(|rate| rate.packets_per_sec),
        protocols: offered.as_ref().map(protocols),
        totals: arrived.as_ref().map(totals),
    }
}

fn totals(arrived: &ByProtocol<Traffic>) -> TotalsView {
    let total = |it: Traffic| TotalView { bytes: it.bytes.get(), packets: it.packets.get() };
    TotalsView {
        tcp: total(arrived.tcp),
        udp: total(arrived.udp),
        icmp: total(arrived.icmp),
        other: total(arrived.other),
    }
}

/// Rates by protocol.
pub(super) fn protocols(rates: &ByProtocol<Rate>) -> ProtocolsView {
    ProtocolsView {
        tcp_bps: rates.tcp.bits.get(),
        udp_bps: rates.udp.bits.get(),
        icmp_bps: rates.icmp.bits.get(),
        other_bps: rates.other.bits.get(),
    }
}

fn counts(counters: &[CounterFigures]) -> Vec<CountView> {
    let view = |counter: &CounterFigures| CountView {
        name: counter.name.to_owned(),
        count: counter.count.get(),
        per_sec: counter.per_sec,
    };
    counters.iter().map(view).collect()
}

fn cpus(snapshot: &Snapshot) -> Vec<CpuView> {
    let view = |figures: &state::CpuFigures| CpuView {
        cpu: figures.cpu.get(),
        busy_percent: figures.busy_percent as f32,
        softirq_percent: figures.softirq_percent as f32,
    };
    snapshot.cpus.iter().map(view).collect()
}

fn maps(snapshot: &Snapshot) -> Vec<MapView> {
    let view = |map: &state::MapFill| MapView {
        name: map.name.to_owned(),
        used: map.used,
        capacity: map.capacity,
    };
    snapshot.maps.iter().map(view).collect()
}

fn thread_view(thread: supervisor::ThreadReport) -> ThreadView {
    ThreadView {
        state: match thread.state {
            supervisor::ThreadState::Running => bus::ThreadState::Running,
            supervisor::ThreadState::Stale => bus::ThreadState::Stale,
            supervisor::ThreadState::BackingOff => bus::ThreadState::BackingOff,
            supervisor::ThreadState::Ended => bus::ThreadState::Ended,
        },
        name: thread.name,
        essential: thread.essential,
        heartbeat_age_ms: thread.heartbeat_age.as_millis() as u64,
        restarts: thread.restarts,
        last_exit: thread.last_exit.map(|exit| exit.to_string()),
    }
}
