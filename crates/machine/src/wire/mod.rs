//! What only sockets tell: links, queueing disciplines, `ethtool`.

mod ethtool;
mod sockets;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{IfIndex, TcHandle};

pub use sockets::Sockets;

/// The kernel's answers about NICs by netlink.
pub trait Wire: Debug {
    /// The NIC called `name`.
    ///
    /// # Errors
    /// `NotFound` when there is none; whatever else the kernel says.
    fn link(&mut self, name: &str) -> io::Result<Link>;
    /// Names of all links.
    ///
    /// # Errors
    /// What the kernel says.
    fn names(&mut self) -> io::Result<Vec<String>>;
    /// Its offloads, by the kernel's names for them.
    ///
    /// # Errors
    /// What the kernel or the driver says.
    fn offloads(&mut self, name: &str) -> io::Result<BTreeMap<String, Offload>>;
    /// Turns an offload on or off. The driver may leave it as it is: read it back.
    ///
    /// # Errors
    /// What the kernel or the driver says.
    fn set_offload(&mut self, name: &str, offload: &str, on: bool) -> io::Result<()>;
    /// Sizes of its rings.
    ///
    /// # Errors
    /// `Unsupported` where the driver has no such setting.
    fn rings(&mut self, name: &str) -> io::Result<Sizes<Ring>>;
    /// Changes one ring's size.
    ///
    /// # Errors
    /// What the kernel or the driver says.
    fn set_ring(&mut self, name: &str, ring: Ring, size: u32) -> io::Result<()>;
    /// Numbers of its channels.
    ///
    /// # Errors
    /// `Unsupported` where the driver has no such setting.
    fn channels(&mut self, name: &str) -> io::Result<Sizes<Channel>>;
    /// Changes the number of one kind of channels.
    ///
    /// # Errors
    /// What the kernel or the driver says.
    fn set_channels(&mut self, name: &str, channel: Channel, count: u32) -> io::Result<()>;
    /// The queueing disciplines of a NIC.
    ///
    /// # Errors
    /// What the kernel says.
    fn qdiscs(&mut self, nic: IfIndex) -> io::Result<Vec<Qdisc>>;
    /// The BPF classifiers on a NIC's clsact.
    ///
    /// # Errors
    /// What the kernel says.
    fn classifiers(&mut self, nic: IfIndex) -> io::Result<Vec<Classifier>>;
}

/// What rtnetlink tells of a NIC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Link {
    /// Its index.
    pub ifindex: IfIndex,
    /// Bytes of the largest packet without its link-layer header.
    pub mtu: u32,
    /// The largest `mtu` that the driver takes; none where it does not say.
    pub mtu_max: Option<u32>,
    /// Whether it is up as far as the administrator wants it to be.
    pub up: bool,
    /// Whether the link is up at the physical level.
    pub carrier: bool,
    /// The bridge or bond that it belongs to.
    pub master: Option<IfIndex>,
    /// The kind of a virtual device; empty for a real one.
    pub kind: String,
    /// The XDP program that is attached.
    pub xdp: Option<XdpProgram>,
}

/// An XDP program on a NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct XdpProgram {
    /// The kernel's number for it.
    pub id: u32,
    /// Whether it runs behind the driver (generic) rather than in it.
    pub generic: bool,
}

/// One offload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offload {
    /// Whether it is on.
    pub on: bool,
    /// Whether the driver lets it be changed.
    pub changeable: bool,
}

/// A setting with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    /// What it is.
    pub now: u32,
    /// What it may be.
    pub max: u32,
}

/// Settings of each kind that a driver has.
pub type Sizes<K> = BTreeMap<K, Size>;

/// A kind of ring.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Ring {
    /// Packets that arrived.
    Rx,
    /// Packets to be sent.
    Tx,
}

/// A kind of channel.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Receive and transmit queue with one interrupt.
    Combined,
    /// A receive queue.
    Rx,
    /// A transmit queue.
    Tx,
}

impl Ring {
    /// As `ethtool` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
        }
    }
}

impl Channel {
    /// As `ethtool` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Rx => "rx",
            Self::Tx => "tx",
        }
    }
}

/// A queueing discipline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Qdisc {
    /// What `tc` calls it.
    pub kind: String,
    /// Its handle; `0:` for what the kernel has put there itself.
    pub handle: TcHandle,
    /// Where it hangs.
    pub parent: TcHandle,
}

/// A BPF program that classifies on a NIC's clsact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Classifier {
    /// Its name, as whoever attached it called it.
    pub name: String,
    /// The kernel's number for the program.
    pub id: u32,
    /// On packets that come in rather than on those that go out.
    pub ingress: bool,
    /// The filter's priority, by which it can be removed.
    pub priority: u16,
}
