//! The validated configuration: what the rest of Tidegate may rely on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{BitsPerSec, CircuitId, IpPrefix, NodeId, PerDirection};

/// Everything the operator decided, with no invalid states left.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which NICs carry the traffic and how it crosses the box.
    pub interfaces: Interfaces,
    /// Where the files and directories are.
    pub files: Files,
    /// How traffic is queued.
    pub queues: Queues,
    /// Which addresses are customers' and which are left alone.
    pub ranges: Ranges,
    /// When flows end, and how long ended ones are kept.
    pub flows: Flows,
    /// What captures may take.
    pub capture: Capture,
    /// Who may speak to the daemon, and where.
    pub bus: Bus,
    /// Figures over HTTP.
    pub metrics: Metrics,
    /// How much the kernel maps hold.
    pub limits: Limits,
    /// What the daemon writes down.
    pub log: Log,
    /// The provider's network.
    pub network: Network,
}

/// Which NICs carry the traffic and how it crosses the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// How packets get from one side to the other.
    pub mode: Mode,
    /// The NIC towards the Internet.
    pub internet: String,
    /// The NIC towards the customers; the same one on a stick.
    pub customers: String,
}

/// How packets get from one side to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A Linux bridge that the operator set up forwards; Tidegate steers and shapes.
    Bridge,
    /// Tidegate forwards from NIC to NIC itself; no Linux bridge.
    XdpBridge,
    /// One NIC carries both sides in two VLANs, and Tidegate forwards between them.
    Stick {
        /// VLAN id of the Internet side.
        internet_vlan: u16,
        /// VLAN id of the customers' side.
        customers_vlan: u16,
    },
    /// As `Bridge`, but packets are only counted: nothing is steered or shaped.
    Observe,
}

impl Mode {
    /// Whether packets pass through Tidegate's own forwarding: without it, none gets to the other side.
    pub const fn forwards(self) -> bool {
        matches!(self, Self::XdpBridge | Self::Stick { .. })
    }
}

/// Where the files and directories are. Relative paths were resolved against tidegate.toml's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// network.json.
    pub network: PathBuf,
    /// ShapedDevices.csv.
    pub devices: PathBuf,
    /// Tables of the Internet's addresses, each path once: the first that answers a question counts.
    pub origins: Vec<PathBuf>,
    /// Whether changes of files are put in force as soon as they are written.
    pub watch: bool,
    /// Folder for our pins, inside a mounted BPF filesystem.
    pub pins: PathBuf,
}

/// How traffic is queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues {
    /// The rate of the provider's own link.
    pub link: PerDirection<BitsPerSec>,
    /// The leaf under each circuit, unless the circuit names another.
    pub leaf: Leaf,
    /// The leaf to use where the kernel lacks the wanted one; none makes that an error.
    pub leaf_fallback: Option<Leaf>,
    /// The leaf for circuits whose max rate is at or above `fast_leaf_from`.
    pub fast_leaf: Option<FastLeaf>,
    /// How many transmit queues to use; none means as many as both NICs and the CPUs allow.
    pub count: Option<u16>,
    /// Share, in percent, that a circuit's class is given beyond its plan so that the plan is what
    /// a speed test shows: frame headers take the rest.
    pub framing_percent: u8,
    /// After what silence a circuit's class goes until its next packet; none: it stays.
    pub lazy_after: Option<Duration>,
}

/// A leaf for fast circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastLeaf {
    /// Circuits with at least this max rate in a direction use it there.
    pub from: BitsPerSec,
    /// The leaf.
    pub leaf: Leaf,
}

/// The queueing discipline under a circuit's class.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Leaf {
    /// CAKE with its diffserv scheme.
    Cake(Diffserv),
    /// FQ-CoDel.
    FqCodel,
    /// A byte-limited FIFO, sized by the plan to a fixed time at the circuit's rate.
    Fifo,
    /// No leaf of ours: the FIFO that HTB makes for itself. Needs no handle.
    None,
}

/// CAKE's priority tins.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Diffserv {
    /// One tin.
    Besteffort,
    /// Three tins.
    Diffserv3,
    /// Four tins.
    #[default]
    Diffserv4,
    /// Eight tins.
    Diffserv8,
}

/// Which addresses are customers' and which are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// Unmapped hosts inside are listed as unknown; empty means everywhere.
    pub customers: Vec<IpPrefix>,
    /// Hosts inside are neither shaped nor listed, unless a device is mapped more specifically.
    pub ignored: Vec<IpPrefix>,
}

/// When flows end, and how long ended ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flows {
    /// A TCP connection that was silent for this long has ended.
    pub tcp_idle: Duration,
    /// The same for UDP, and for what is neither TCP nor ICMP.
    pub udp_idle: Duration,
    /// The same for ICMP and ICMPv6.
    pub icmp_idle: Duration,
    /// The same for flows of any kind in which one side never answered.
    pub unanswered_idle: Duration,
    /// How long an ended flow is kept.
    pub recent: Duration,
    /// How many ended flows are kept at most.
    pub recent_flows: u32,
}

/// What captures may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Captures that may run at once.
    pub at_once: u8,
    /// Packets that one capture may take.
    pub packets_max: u32,
    /// How long one capture may run.
    pub seconds_max: Duration,
    /// Bytes of each packet that a capture may take.
    pub snap_length_max: u16,
}

/// Who may speak to the daemon, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// The Unix socket. The daemon's lock file lies beside it.
    pub socket: PathBuf,
    /// Members may read.
    pub read_group: String,
    /// Members may change things.
    pub admin_group: String,
    /// How many clients may be connected at once.
    pub clients: u32,
}

/// How much the kernel maps hold; sizes are fixed when the daemon loads its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Circuits.
    pub circuits: u32,
    /// Single addresses (/32 and /128) of devices.
    pub hosts: u32,
    /// Longer address blocks of devices and ranges.
    pub prefixes: u32,
    /// Unknown hosts that are remembered.
    pub unknown_hosts: u32,
    /// Flows that are measured at once.
    pub flows: u32,
}

/// Figures over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Where they are told; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// Whether circuits are among them.
    pub circuits: bool,
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A `tracing` filter: `info`, or `warn,apply=debug`.
    pub filter: String,
    /// Where every change is appended; none: nowhere.
    pub audit: Option<PathBuf>,
}

/// The provider's network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Parents come before their children.
    pub nodes: Vec<Node>,
    /// In the order of the file.
    pub circuits: Vec<Circuit>,
}

/// One element of the provider's network tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Stable identity.
    pub id: NodeId,
    /// Unique in the tree.
    pub name: Arc<str>,
    /// Index of the parent in [`Network::nodes`], smaller than this node's own.
    pub parent: Option<usize>,
    /// Its limit; none means its parent's.
    pub rate: PerDirection<Option<BitsPerSec>>,
    /// Free text: site, ap ...
    pub kind: Option<Arc<str>>,
    /// Shown, but without a class: its children hang from its nearest real ancestor.
    pub is_virtual: bool,
    /// Latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
}

/// One subscriber's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Stable identity.
    pub id: CircuitId,
    /// Free text.
    pub name: Arc<str>,
    /// Index of the parent in [`Network::nodes`]; none means spread over the queues.
    pub parent: Option<usize>,
    /// Guaranteed when its parents are busy.
    pub min: PerDirection<BitsPerSec>,
    /// Never exceeded; at least `min`.
    pub max: PerDirection<BitsPerSec>,
    /// The leaf that the circuit asks for instead of the configured one.
    pub leaf: PerDirection<Option<Leaf>>,
    /// At least one.
    pub devices: Vec<Device>,
    /// Free text.
    pub comment: Arc<str>,
}

/// Equipment of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Unique where it is not empty.
    pub id: Arc<str>,
    /// Free text.
    pub name: Arc<str>,
    /// Informative.
    pub mac: Arc<str>,
    /// Its addresses; no two circuits' overlap.
    pub prefixes: Vec<IpPrefix>,
}
