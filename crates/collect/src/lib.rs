//! Reads the kernel's counters into samples: one module a source.
//!
//! Nothing here derives or decides; `state` turns samples into rates. Readers take their source as
//! an argument and the threads that call them belong to the daemon.
//!
//! - [`clock`]: the monotonic clock that all samples are dated by;
//! - [`counters`]: what the kernel programs count;
//! - [`cpus`]: how busy CPUs are;
//! - [`flows`]: the flows that they remember;
//! - [`quality`]: what they know of circuits' connections;
//! - [`retransmits`]: TCP segments that were sent again, one by one;
//! - [`classes`]: what HTB's classes and their leaves count.

#![forbid(unsafe_code)]

pub mod classes;
pub mod clock;
pub mod counters;
pub mod cpus;
mod ends;
pub mod flows;
pub mod quality;
pub mod retransmits;
