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

mod codes;
mod records;

pub use codes::{Direction, Egress, Event, Mode, Protocol, UnknownCode, Verdict};
pub use records::{
    Address, Circuit, Control, Count, Metadata, Place, Prefix, Queues, Settings, Totals, Traffic,
    UnknownHost,
};

/// Value of the address maps: left alone.
pub const TARGET_IGNORED: u32 = 0xffff_ffff;
/// Value of the address maps: inside the customers' ranges, but no circuit's.
pub const TARGET_CUSTOMERS: u32 = 0xffff_fffe;
