//! What is read of flows and of how well circuits are doing.

use std::net::IpAddr;

use units::{CircuitSlot, Direction, PerDirection, PerSegment};

use crate::sample::Traffic;

/// Both directions of a flow, seen from the customer. Ports of ICMP echoes: identifier and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The customer's end.
    pub customer: IpAddr,
    /// The other end.
    pub internet: IpAddr,
    /// The customer's port.
    pub customer_port: u16,
    /// The other end's port.
    pub internet_port: u16,
    /// IANA's number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6.
    pub protocol: u8,
}

/// Whose traffic it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// That of the circuit with this row in the kernel's arrays.
    Circuit(CircuitSlot),
    /// Nobody's: no device covers the customer's address.
    Unknown,
}

/// A flow that changed since it was read before. Counters are since the flow began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowReading {
    /// Which.
    pub key: FlowKey,
    /// Whose.
    pub owner: Owner,
    /// Its first packet, on the monotonic clock.
    pub first_seen_ns: u64,
    /// Its two directions.
    pub streams: PerDirection<StreamReading>,
    /// RTTs; none where there was no sample.
    pub rtt: PerSegment<Option<RttReading>>,
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamReading {
    /// What arrived.
    pub traffic: Traffic,
    /// Its last packet, on the monotonic clock; 0 when there was none.
    pub last_seen_ns: u64,
    /// TCP segments that were sent again. Of 32 bits, as are the next three: they may wrap.
    pub retransmits: u32,
    /// TCP segments that were overtaken on their way here.
    pub reordered: u32,
    /// Packets marked as capable of ECN or as congested.
    pub ect_packets: u32,
    /// Packets marked as congested.
    pub ce_packets: u32,
    /// All TCP flags that were seen, as in the header's 14th byte.
    pub tcp_flags: u8,
    /// DSCP and ECN of the last packet.
    pub tos: u8,
}

/// The RTT samples of a flow on one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RttReading {
    /// The last sample.
    pub last_ns: u64,
    /// The least one.
    pub min_ns: u64,
    /// Smoothed as in RFC 6298.
    pub smoothed_ns: u64,
    /// How many.
    pub samples: u32,
}

/// What happened to a circuit's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualityReading {
    /// TCP segments that were sent again, since load.
    pub retransmits: PerDirection<u64>,
    /// TCP segments that were overtaken on their way here, since load.
    pub reordered: PerDirection<u64>,
    /// RTT samples since the last reading: bin of the histogram and how many, in ascending order.
    pub rtt: PerSegment<Vec<(u8, u32)>>,
}

/// A TCP segment that was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetransmitReading {
    /// When it was seen, on the monotonic clock.
    pub seen_ns: u64,
    /// Its flow.
    pub flow: FlowKey,
    /// Whose.
    pub owner: Owner,
    /// Which way it travelled.
    pub direction: Direction,
    /// Sequence number of its first byte.
    pub sequence: u32,
    /// Bytes of payload.
    pub length: u16,
}
