//! What kind of TCP connection to simulate.

use units::{PerSegment, Segment};

/// Nanoseconds in a millisecond.
pub const MILLISECOND_NS: u64 = 1_000_000;
/// Payload bytes of a full segment. Small, as nobody reads them.
pub const SEGMENT_BYTES: u32 = 200;

/// A TCP connection.
#[derive(Clone, Debug)]
pub struct TcpSpec {
    /// From the host to the box, and likewise back.
    pub delay_ns: PerSegment<u64>,
    /// Who sends the SYN.
    pub opened_by: Segment,
    /// What the applications do.
    pub traffic: Traffic,
    /// When they stop.
    pub lasts_ns: u64,
    /// How the hosts timestamp (RFC 7323), if they do.
    pub timestamps: Option<Timestamps>,
    /// Of each host's SYN.
    pub first_sequence: PerSegment<u32>,
    /// When data is acknowledged.
    pub acks: Acks,
    /// What the wires do to packets.
    pub faults: Vec<Fault>,
}

/// What the applications do once the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// One side sends this many full segments at once, again and again.
    Bulk {
        /// Who sends.
        from: Segment,
        /// From one burst to the next.
        every_ns: u64,
        /// Segments in a burst.
        burst: u32,
    },
    /// Both sides send a full segment, again and again.
    Both {
        /// From one segment to the next.
        every_ns: u64,
    },
    /// The opener asks, the other answers; then again.
    Exchanges {
        /// Bytes of a question.
        request: u32,
        /// Bytes of an answer.
        response: u32,
        /// How long the answer is thought about.
        think_ns: u64,
        /// From an answer to the next question.
        pause_ns: u64,
    },
    /// One exchange, then only keep-alive probes by the opener (RFC 9293, section 3.8.4).
    Probes {
        /// From one probe to the next.
        every_ns: u64,
        /// Garbage bytes in each: none or one.
        bytes: u32,
    },
}

/// How both hosts timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// From one value to the next.
    pub tick_ns: u64,
    /// The value at the beginning.
    pub start: u32,
}

/// When data is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Each segment at once.
    Prompt,
    /// Every second segment, or 40 ms after the first (RFC 9293, section 3.8.6.3, as Linux does).
    Delayed,
}

/// Something that happens to some packets on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who sent them.
    pub from: Segment,
    /// Which of them.
    pub hits: Hits,
    /// Where.
    pub leg: Leg,
    /// What.
    pub does: Does,
}

/// Which packets of a host a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hits {
    /// The first so many SYNs or SYN/ACKs.
    Syns(u32),
    /// Of the data segments that are sent for the first time, `run` out of every `of`.
    Segments {
        /// How many in a row.
        run: u32,
        /// Of how many.
        of: u32,
    },
    /// Every so manieth data segment that is sent again.
    Retransmissions(u32),
    /// Every so manieth packet that only acknowledges.
    Acks(u32),
}

/// Which part of its way to the other host a packet is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// From its sender to the box, which does not see it if it is lost.
    BeforeBox,
    /// From the box to its receiver.
    BehindBox,
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// The packet is gone.
    Lose,
    /// The packet is late by so many nanoseconds; others overtake it.
    Delay(u64),
}

impl TcpSpec {
    /// Prompt hosts with millisecond timestamps on a faultless path; the customer opens, and either
    /// sends a full segment every 4 ms for four seconds.
    pub fn new(delay_ns: PerSegment<u64>) -> Self {
        Self {
            delay_ns,
            opened_by: Segment::Customer,
            traffic: Traffic::Both { every_ns: 4 * MILLISECOND_NS },
            lasts_ns: 4000 * MILLISECOND_NS,
            timestamps: Some(Timestamps { tick_ns: MILLISECOND_NS, start: 1_000_000 }),
            first_sequence: PerSegment { customer: 1_000, internet: 5_000_000 },
            acks: Acks::Prompt,
            faults: Vec::new(),
        }
    }

    /// Round-trip times between the box and each host.
    pub fn path_ns(&self) -> PerSegment<u64> {
        self.delay_ns.map(|delay| 2 * delay)
    }
}
