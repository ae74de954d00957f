//! Connections between a customer and the Internet, simulated packet by packet.
//!
//! [`TcpSpec::simulate`] and [`SpinSpec::simulate`] yield the packets as they pass the box, each with
//! its virtual time and what a perfect observer would know of it: which packets it answers, whether
//! it was sent before, whether it was overtaken. Everything is deterministic.
//!
//! A host is named by the segment of the path at whose end it is.

mod event;
mod host;
mod passing;
mod quic;
mod spec;
mod tcp;

pub use passing::{Content, Ends, Passing};
pub use quic::{Spin, SpinSpec};
pub use spec::{
    Acks, Does, Fault, Hits, Leg, MILLISECOND_NS, SEGMENT_BYTES, TcpSpec, Timestamps, Traffic,
};

use units::{Direction, Segment};

/// The direction of what the host at the end of a segment sends, which is also the direction whose
/// packets answer for that segment.
pub const fn sent_by(host: Segment) -> Direction {
    match host {
        Segment::Customer => Direction::Upload,
        Segment::Internet => Direction::Download,
    }
}

/// The host at the end of a segment whose packets go this way.
pub const fn sender_of(direction: Direction) -> Segment {
    match direction {
        Direction::Upload => Segment::Customer,
        Direction::Download => Segment::Internet,
    }
}

/// The other end.
pub(crate) const fn peer_of(host: Segment) -> Segment {
    match host {
        Segment::Customer => Segment::Internet,
        Segment::Internet => Segment::Customer,
    }
}
