//! The daemon and the box as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerDirection, PerSegment};

use super::retransmits::RetransmitView;
use super::rtt::RttPercentiles;

/// The daemon and the box as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// The tick shown.
    pub tick: u64,
    /// The daemon's own version.
    pub daemon_version: String,
    /// The daemon's process, in its own PID namespace.
    pub process: u32,
    /// The protocol version that it speaks.
    pub protocol_version: u16,
    /// The running kernel's release.
    pub kernel_release: String,
    /// Since the daemon started.
    pub uptime_ms: u64,
    /// How packets cross the box: bridge, xdp-bridge, stick, observe.
    pub mode: String,
    /// Everything passes unshaped.
    pub bypass: bool,
    /// The configuration in force.
    pub config: ConfigView,
    /// Circuits in it.
    pub circuits: u32,
    /// Those of them that have no class for want of traffic; none where all always have theirs.
    pub asleep: Option<u32>,
    /// Nodes in it.
    pub nodes: u32,
    /// Hosts that no device covers.
    pub unknown_hosts: u32,
    /// The NICs that carry the traffic.
    pub nics: Vec<NicView>,
    /// What crosses the box.
    pub traffic: TrafficView,
    /// How many flows and hosts are known.
    pub flows: FlowCounts,
    /// The time before the tick that RTTs are from.
    pub window_ms: u64,
    /// RTTs of all circuits together; none where there was no sample.
    pub rtt: PerSegment<Option<RttPercentiles>>,
    /// TCP segments that were sent again, of all circuits together.
    pub retransmits: PerDirection<RetransmitView>,
    /// Captures under way.
    pub captures: u32,
    /// How many packets took each way out of `xdp_ingress`.
    pub verdicts: Vec<CountView>,
    /// How many times each thing worth noting happened to a packet in the kernel.
    pub packet_events: Vec<CountView>,
    /// How many packets took each way out of `tc_egress`.
    pub egress: Vec<CountView>,
    /// The CPUs, those that forward packets among them.
    pub cpus: Vec<CpuView>,
    /// How full the kernel maps are.
    pub maps: Vec<MapView>,
    /// The daemon's threads.
    pub threads: Vec<ThreadView>,
    /// Clients connected.
    pub clients: u32,
    /// Clients that may be connected at once.
    pub clients_max: u32,
    /// What each bounded queue on the way into the daemon or inside it had to drop: rings, buffers.
    pub dropped: Vec<CountView>,
    /// What the operator ought to know.
    pub warnings: Vec<String>,
}

/// The configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigView {
    /// Its number, counted from 1 at start.
    pub generation: u64,
    /// Since it was loaded.
    pub loaded_ms_ago: u64,
    /// Why the last attempt to load another one failed, or how the kernel is not as it should be; none when
    /// all is well.
    pub problem: Option<String>,
    /// For how long that has been so; 0 when all is well.
    pub problem_ms_ago: u64,
    /// Whether the files are others by now than those that are in force.
    pub files_changed: bool,
}

/// A NIC that carries the traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NicView {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: u32,
    /// Where it leads.
    pub side: Side,
    /// How `xdp_ingress` is attached; none when it is not.
    pub xdp: Option<XdpMode>,
    /// How `tc_egress` is attached; none when it is not.
    pub tc: Option<TcAttachment>,
    /// Transmit queues in use.
    pub queues: u16,
}

/// Where a NIC leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// To the customers.
    Customers,
    /// To the Internet.
    Internet,
    /// To both, in two VLANs.
    Both,
}

/// Where in the receive path an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// After the kernel made a socket buffer: slower.
    Generic,
}

/// By which of the kernel's two ways a tc program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TcAttachment {
    /// TCX, Linux 6.6 and later.
    Tcx,
    /// The clsact queueing discipline.
    Clsact,
}

/// What crosses the box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficView {
    /// Rate of all packets.
    pub rate_bps: PerDirection<u64>,
    /// Packets a second.
    pub packets_per_sec: PerDirection<u64>,
    /// Rates by protocol.
    pub protocols: PerDirection<ProtocolsView>,
    /// What has arrived since the kernel began to count, by protocol.
    pub totals: PerDirection<TotalsView>,
}

/// How many flows and hosts are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowCounts {
    /// Flows in the table.
    pub open: u32,
    /// Flows that fit into the table.
    pub capacity: u32,
    /// Flows of the last five minutes that left the table.
    pub recent: u32,
    /// Hosts on the customers' side, known and unknown.
    pub hosts: u32,
}

/// Rates by protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolsView {
    /// TCP.
    pub tcp_bps: u64,
    /// UDP.
    pub udp_bps: u64,
    /// ICMP and ICMPv6.
    pub icmp_bps: u64,
    /// Everything else.
    pub other_bps: u64,
}

/// What has arrived, by protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TotalsView {
    /// TCP.
    pub tcp: TotalView,
    /// UDP.
    pub udp: TotalView,
    /// ICMP and ICMPv6.
    pub icmp: TotalView,
    /// Everything else.
    pub other: TotalView,
}

/// How much has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TotalView {
    /// Bytes of the packets.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// A counter with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountView {
    /// What is counted.
    pub name: String,
    /// How many since the daemon started to count.
    pub count: u64,
    /// How many a second now.
    pub per_sec: u64,
}

/// One CPU now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuView {
    /// Its number.
    pub cpu: u16,
    /// Share of its time in which it was not idle.
    pub busy_percent: f32,
    /// Share of its time that went into softirqs, where packets are forwarded.
    pub softirq_percent: f32,
}

/// How full a kernel map is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MapView {
    /// The map.
    pub name: String,
    /// Entries in use.
    pub used: u64,
    /// Entries that fit.
    pub capacity: u64,
}

/// One thread of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadView {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: ThreadState,
    /// The daemon stops when it dies.
    pub essential: bool,
    /// Since it last showed that it is alive.
    pub heartbeat_age_ms: u64,
    /// Times that it was started again.
    pub restarts: u32,
    /// Why it ended last; none when it never did.
    pub last_exit: Option<String>,
}

/// How a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadState {
    /// It runs and its heartbeat is in time.
    Running,
    /// It runs, but its heartbeat is late: what it measures is out of date.
    Stale,
    /// It died and waits to be started again.
    BackingOff,
    /// It ended and will not be started again.
    Ended,
}
