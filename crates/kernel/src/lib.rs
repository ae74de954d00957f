//! The only crate that talks to the kernel.
//!
//! Everything here carries out or reads; nothing decides. All hand-written `unsafe` of Tidegate is
//! in this crate, each with the conditions that it meets.
//!
//! ```no_run
//! use kernel::tc::{Controller, TrafficControl};
//! use units::IfIndex;
//! let mut tc = Controller::open()?;
//! for qdisc in tc.qdiscs(&[IfIndex::new(2)])? {
//!     println!("{} {}", qdisc.discipline.kind(), qdisc.handle);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod datapath;
mod driver;
pub mod fake;
pub mod namespace;
pub mod netlink;
pub mod nic;
pub mod peer;
pub mod privileges;
pub mod tables;
pub mod tc;

pub use driver::{Kernel, LinuxKernel};
