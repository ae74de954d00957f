//! Captures: the headers of packets, as they come.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Direction;

use crate::views::Side;

/// Which packets to capture, and for how long. The daemon keeps the bounds below whatever is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRequest {
    /// Whose.
    pub target: CaptureTarget,
    /// When to end, in seconds from the start.
    pub seconds: u32,
    /// After how many packets to end.
    pub packets: u32,
    /// The most bytes of each frame. Payload is never among them.
    pub snap_length: u16,
}

impl CaptureRequest {
    /// The longest capture, in seconds; the daemon's settings may allow less.
    pub const MAX_SECONDS: u32 = 86_400;
    /// The most packets of one capture; the settings may allow less.
    pub const MAX_PACKETS: u32 = 100_000_000;
    /// The most bytes of a frame.
    pub const MAX_SNAP_LENGTH: u16 = 256;
}

/// Whose packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureTarget {
    /// Of the circuit with this id.
    Circuit(String),
    /// From or to this host, on either side.
    Host(IpAddr),
}

impl fmt::Display for CaptureTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Circuit(id) => write!(f, "circuit {id}"),
            Self::Host(addr) => write!(f, "host {addr}"),
        }
    }
}

/// A capture has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capturing {
    /// The NICs on which packets are captured as they arrive.
    pub interfaces: Vec<CaptureInterface>,
    /// When it will end, in seconds from the start.
    pub seconds: u32,
    /// After how many packets it will end.
    pub packets: u32,
    /// The most bytes of each frame.
    pub snap_length: u16,
}

/// A NIC on which packets are captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureInterface {
    /// Its index.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Where it leads.
    pub side: Side,
}

/// The headers of one packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedPacket {
    /// When it arrived, in nanoseconds since 1970-01-01 00:00 UTC.
    pub seen_ns: u64,
    /// Where it arrived: position in [`Capturing::interfaces`].
    pub interface: u16,
    /// Which way it travelled.
    pub direction: Direction,
    /// Bytes of the whole frame.
    pub length: u32,
    /// The first of them, Ethernet header included.
    pub bytes: Vec<u8>,
}

/// A capture is over. Packets sent before are all that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureEnded {
    /// Packets captured.
    pub captured: u64,
    /// Packets that should have been, but found no room on their way here.
    pub lost: u64,
    /// Why it is over.
    pub reason: CaptureEnd,
}

/// Why a capture is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptureEnd {
    /// Its time is up.
    Seconds,
    /// It has as many packets as were asked for.
    Packets,
    /// The client ended it.
    Asked,
    /// The daemon ended it: the circuit is gone, or the daemon stops.
    Stopped,
}

/// What comes of a capture that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureStep {
    /// Packets in the order of arrival; none when none came for a while.
    Packets(Vec<CapturedPacket>),
    /// It is over.
    Ended(CaptureEnded),
}
