//! From snapshots to what goes over the wire.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bus::{
    CircuitRow, CircuitsPage, CircuitsQuery, ConfigView, CountView, ErrorCode, MapView, NicView,
    NodeRow, PROTOCOL_VERSION, ProtocolsView, QueueRow, QueuesView, Refusal, Side, StatusView,
    TcAttachment, ThreadView, Topic, TrafficView, TreeView, UnknownPage, UnknownQuery, UnknownRow,
    View, XdpMode,
};
use config::Mode;
use kernel::datapath::{self, Attachment, TcHook, XdpHook};
use state::{ByProtocol, CircuitSort, CounterFigures, Rate, Snapshot, UnknownSort};
use units::{Direction, PerDirection};

use crate::shared::Shared;

/// The newest view of a topic.
///
/// # Errors
/// When the query names what does not exist.
pub fn view(shared: &Shared, topic: &Topic) -> Result<View, Refusal> {
    let snapshot = shared.store.latest();
    Ok(match topic {
        Topic::Status => View::Status(Box::new(status(shared, &snapshot))),
        Topic::Tree => View::Tree(tree(&snapshot)),
        Topic::Circuits(query) => View::Circuits(circuits(&snapshot, query)?),
        Topic::Queues => View::Queues(queues(&snapshot)),
        Topic::Unknown(query) => View::Unknown(unknown(&snapshot, query)),
    })
}

fn status(shared: &Shared, snapshot: &Snapshot) -> StatusView {
    let current = shared.current.load();
    let refused = shared.clients_refused.load(Ordering::Relaxed);
    let skipped = shared.ticks_skipped.load(Ordering::Relaxed);
    let dropped = |name: &str, count| CountView { name: name.to_owned(), count, per_sec: 0 };
    StatusView {
        tick: snapshot.tick,
        daemon_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: PROTOCOL_VERSION,
        kernel_release: rustix::system::uname().release().to_string_lossy().into_owned(),
        uptime_ms: shared.started.elapsed().as_millis() as u64,
        mode: mode(current.plan.mode).to_owned(),
        bypass: shared.control.bypass(),
        config: ConfigView {
            generation: current.generation,
            loaded_ms_ago: current.since.elapsed().as_millis() as u64,
            problem: shared.problem.load().as_ref().map(ToString::to_string),
        },
        circuits: current.layout.circuits.len() as u32,
        nodes: current.layout.nodes.len() as u32,
        unknown_hosts: snapshot.unknown.len() as u32,
        nics: shared.attachments.iter().map(|nic| nic_view(nic, snapshot)).collect(),
        traffic: traffic(&snapshot.total.offered),
        verdicts: counts(&snapshot.total.verdicts),
        events: counts(&snapshot.total.events),
        egress: counts(&snapshot.total.egress),
        maps: maps(snapshot),
        threads: shared.monitor.report().into_iter().map(thread_view).collect(),
        clients: shared.clients.load(Ordering::Relaxed),
        clients_max: shared.clients_max,
        dropped: vec![dropped("clients", refused), dropped("ticks", skipped)],
        warnings: current.warnings.clone(),
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

fn traffic(offered: &PerDirection<ByProtocol<Rate>>) -> TrafficView {
    let sum = offered.as_ref().map(ByProtocol::sum);
    TrafficView {
        rate_bps: sum.map(|rate| rate.bits.get()),
        packets_per_sec: sum.map(|rate| rate.packets_per_sec),
        protocols: offered.as_ref().map(|rates| ProtocolsView {
            tcp_bps: rates.tcp.bits.get(),
            udp_bps: rates.udp.bits.get(),
            icmp_bps: rates.icmp.bits.get(),
            other_bps: rates.other.bits.get(),
        }),
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

fn tree(snapshot: &Snapshot) -> TreeView {
    let nodes = (0..snapshot.nodes.len()).map(|index| node_row(snapshot, index)).collect();
    TreeView { tick: snapshot.tick, nodes }
}

fn node_row(snapshot: &Snapshot, index: usize) -> NodeRow {
    let (layout, figures) = (&snapshot.layout.nodes[index], &snapshot.nodes[index]);
    let share = |direction| snapshot.node_share_percent(index, direction) as f32;
    NodeRow {
        id: layout.id.as_str().into(),
        name: Arc::clone(&layout.name),
        kind: layout.kind.clone(),
        is_virtual: layout.is_virtual,
        parent: layout.parent.map(|parent| parent as u32),
        depth: snapshot.layout.depth(index),
        circuits: figures.circuits,
        limit_bps: layout.limit.map(units::BitsPerSec::get),
        rate_bps: figures.carried.map(units::BitsPerSec::get),
        share_percent: PerDirection::from_fn(share),
        drops_per_sec: figures.drops_per_sec,
        drops: figures.drops.map(units::Packets::get),
    }
}

fn circuits(snapshot: &Snapshot, query: &CircuitsQuery) -> Result<CircuitsPage, Refusal> {
    let unknown = |name: &String| {
        Refusal::new(ErrorCode::NotFound, format!("there is no node {:?}", bus::inert(name)))
    };
    let node = match &query.node {
        Some(name) => Some(snapshot.layout.node_named(name).ok_or_else(|| unknown(name))?),
        None => None,
    };
    let page = snapshot.circuits_page(&state::CircuitQuery {
        filter: query.filter.clone(),
        node,
        sort: circuit_sort(query.sort),
        by: query.by,
        descending: query.descending,
        offset: query.offset as usize,
        limit: query.limit.min(CircuitsQuery::MAX_LIMIT) as usize,
    });
    Ok(CircuitsPage {
        tick: snapshot.tick,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: page.rows.into_iter().map(|index| circuit_row(snapshot, index)).collect(),
    })
}

const fn circuit_sort(sort: bus::CircuitSort) -> CircuitSort {
    match sort {
        bus::CircuitSort::Id => CircuitSort::Id,
        bus::CircuitSort::Name => CircuitSort::Name,
        bus::CircuitSort::Node => CircuitSort::Node,
        bus::CircuitSort::Plan => CircuitSort::Plan,
        bus::CircuitSort::Offered => CircuitSort::Offered,
        bus::CircuitSort::Sent => CircuitSort::Sent,
        bus::CircuitSort::Share => CircuitSort::Share,
        bus::CircuitSort::Drops => CircuitSort::Drops,
        bus::CircuitSort::Backlog => CircuitSort::Backlog,
    }
}

fn circuit_row(snapshot: &Snapshot, index: usize) -> CircuitRow {
    let (layout, figures) = (&snapshot.layout.circuits[index], &snapshot.circuits[index]);
    let offered = figures.offered.as_ref().map(ByProtocol::sum);
    let class = figures.class;
    let share = |direction: Direction| snapshot.circuit_share_percent(index, direction) as f32;
    CircuitRow {
        id: layout.id.as_str().into(),
        name: Arc::clone(&layout.name),
        node: layout.node.map(|node| Arc::clone(&snapshot.layout.nodes[node].name)),
        plan_bps: layout.max.map(units::BitsPerSec::get),
        min_bps: layout.min.map(units::BitsPerSec::get),
        offered_bps: offered.map(|rate| rate.bits.get()),
        offered_packets_per_sec: offered.map(|rate| rate.packets_per_sec),
        sent_bps: class.map(|class| class.map(|class| class.sent.bits.get())),
        share_percent: PerDirection::from_fn(share),
        drops_per_sec: class.map(|class| class.map_or(0, |class| class.drops_per_sec)),
        drops: class.map(|class| class.map_or(0, |class| class.drops.get())),
        backlog_bytes: class.map(|class| class.map_or(0, |class| class.backlog.get())),
        queue: layout.queue.map(units::QueueId::get),
        cpu: layout.cpu.get(),
        class: layout.class.map(|class| class.map(|class| class.handle)),
        addresses: Arc::clone(&layout.addresses),
    }
}

fn queues(snapshot: &Snapshot) -> QueuesView {
    let queues = snapshot.layout.queues.iter().zip(&snapshot.queues).enumerate();
    let row = |(index, (layout, figures)): (usize, (&state::QueueLayout, &state::QueueFigures))| {
        QueueRow {
            nic: Arc::clone(&layout.nic_name),
            ifindex: layout.nic.get(),
            queue: layout.queue.get(),
            cpu: layout.cpu.get(),
            direction: layout.direction,
            classes: layout.classes,
            leaves: layout.leaves,
            link_bps: layout.link.get(),
            sent_bps: figures.sum.sent.bits.get(),
            share_percent: snapshot.queue_share_percent(index) as f32,
            drops_per_sec: figures.sum.drops_per_sec,
            drops: figures.sum.drops.get(),
            backlog_bytes: figures.sum.backlog.get(),
        }
    };
    QueuesView { tick: snapshot.tick, queues: queues.map(row).collect() }
}

fn unknown(snapshot: &Snapshot, query: &UnknownQuery) -> UnknownPage {
    let page = snapshot.unknown_page(&state::UnknownQuery {
        filter: query.filter.clone(),
        sort: match query.sort {
            bus::UnknownSort::LastSeen => UnknownSort::LastSeen,
            bus::UnknownSort::FirstSeen => UnknownSort::FirstSeen,
            bus::UnknownSort::Bytes => UnknownSort::Bytes,
            bus::UnknownSort::Address => UnknownSort::Address,
        },
        descending: query.descending,
        offset: query.offset as usize,
        limit: query.limit.min(UnknownQuery::MAX_LIMIT) as usize,
    });
    let ago_ms = |seen_ns: u64| snapshot.taken_ns.saturating_sub(seen_ns) / 1_000_000;
    let row = |index: usize| {
        let host = &snapshot.unknown[index];
        UnknownRow {
            addr: host.addr,
            first_seen_ms_ago: ago_ms(host.first_seen_ns),
            last_seen_ms_ago: ago_ms(host.last_seen_ns),
            bytes: host.traffic.map(|traffic| traffic.bytes.get()),
            packets: host.traffic.map(|traffic| traffic.packets.get()),
        }
    };
    UnknownPage {
        tick: snapshot.tick,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: page.rows.into_iter().map(row).collect(),
    }
}
