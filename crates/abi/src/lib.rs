//! What the kernel programs and userspace agree on, mirrored from `ebpf/include/abi.h`.
//!
//! Every record has the size that the header asserts, and no padding that is not named: `Pod` does
//! not compile otherwise. `cargo xtask tidy` compares names, values and fields with the header.
//!
//! ```
//! assert_eq!(abi::Verdict::try_from(0), Ok(abi::Verdict::Circuit));
//! ```

#![no_std]
#![forbid(unsafe_code)]

mod address;
mod codes;
mod records;

pub use codes::{
    Direction, Egress, Event, FlowState, Mode, Protocol, Segment, UnknownCode, Verdict,
};
pub use records::{
    Address, Bucket, Capture, Captured, Circuit, Clock, Control, Count, Flow, FlowBucket,
    FlowHistory, FlowKey, History, Ipv4Host, Metadata, Place, Prefix, Quality, Queues, Retransmit,
    Settings, Stock, Stream, Totals, UnknownHost,
};

/// An RTT is kept in units of this many nanoseconds.
pub const RTT_UNIT_NS: u32 = 1024;
/// Bins of an RTT histogram: eight an octave, one below and one above.
pub const RTT_BINS: u32 = 146;
/// The first octave with bins: from 2^6 units.
pub const RTT_OCTAVE_MIN: u32 = 6;
/// What follows the last octave: 2^24 units.
pub const RTT_OCTAVE_MAX: u32 = 24;
/// What spreads flows over buckets is multiplied with this, the first and the third time.
pub const FLOW_MIX: u64 = 0xbf58_476d_1ce4_e5b9;
/// Likewise with this, the second time.
pub const FLOW_MIX_AGAIN: u64 = 0x94d0_49bb_1331_11eb;
/// Where the row begins in a place of [`FlowBucket`]; the veiled ports are below it.
pub const PLACE_ROW_AT: u32 = 32;
/// Where the protocol begins there.
pub const PLACE_PROTOCOL_AT: u32 = 56;
/// Where it says whether the flow is IPv6.
pub const PLACE_IPV6_AT: u32 = 58;
/// Where it says whether the flow is the other family's ICMP.
pub const PLACE_CROSSED_AT: u32 = 59;
/// Where the state begins there.
pub const PLACE_STATE_AT: u32 = 60;
/// Rows that a place can tell apart.
pub const FLOWS_MAX: u32 = 16_777_216;
/// Segments of one direction whose answers are awaited at once.
pub const OUTSTANDING: u32 = 3;
/// Captures that may run at once.
pub const CAPTURES_MAX: u32 = 8;
/// The most bytes of a frame that a capture takes.
pub const CAPTURE_BYTES: u32 = 256;

/// Address in a bucket's last place: there are more hosts, in `tg_hosts`.
pub const BUCKET_MORE: u32 = 0xffff_ffff;
/// Multiplied with an address in host order to spread addresses over buckets.
pub const BUCKET_MULTIPLIER: u32 = 2_654_435_769;
/// Value of the address maps: left alone.
pub const TARGET_IGNORED: u32 = 0xffff_ffff;
/// Value of the address maps: inside the customers' ranges, but no circuit's.
pub const TARGET_CUSTOMERS: u32 = 0xffff_fffe;
