//! Newtypes for every number and identity that Tidegate passes around.
//!
//! A rate is not a count and a queue is not a CPU; the types here keep them apart and own the one
//! way in which each is written and read. They know nothing of files, kernels or clocks.
//!
//! ```
//! use units::{BitsPerSec, IpPrefix};
//! let rate: BitsPerSec = "2.5 Gbps".parse()?;
//! assert_eq!(rate.get(), 2_500_000_000);
//! assert_eq!("10.0.0.0/8".parse::<IpPrefix>()?.to_string(), "10.0.0.0/8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod count;
mod direction;
mod handle;
mod identity;
pub mod ours;
mod place;
mod prefix;
mod rate;
mod segment;

pub use count::{Bytes, Packets};
pub use direction::{Direction, PerDirection};
pub use handle::TcHandle;
pub use identity::{CircuitId, NodeId};
pub use place::{CircuitSlot, CpuId, IfIndex, QueueId};
pub use prefix::{IpPrefix, PrefixError};
pub use rate::{BitsPerSec, RateError};
pub use segment::{PerSegment, Segment};
