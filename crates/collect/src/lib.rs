//! Reads the kernel's counters into samples: one module a source.
//!
//! Nothing here derives or decides; `state` turns samples into rates. Readers take their source as
//! an argument and the threads that call them belong to the daemon.
//!
//! - [`clock`]: the monotonic clock that all samples are dated by;
//! - [`counters`]: what the kernel programs count;
//! - [`classes`]: what HTB's classes and their leaves count.

#![forbid(unsafe_code)]

pub mod classes;
pub mod clock;
pub mod counters;
