//! What the machine's NICs and CPUs are set to, and setting it.
//!
//! Facts come from `/sys`, `/proc` and the kernel's netlink families for links, queueing disciplines and
//! `ethtool`. Reading never fails as a whole: what cannot be read is [`Known::Unknown`], with the reason.
//!
//! - [`Machine`] reads and sets; [`Seen`] is what it read, a value that rules and checks look at;
//! - [`tune`]: which settings a shaper wants, as a pure function, and carrying that out with a way back;
//! - [`nic`]: the facts that plans need, and guards for what the daemon changes while it runs;
//! - [`tree`]: `/sys` and `/proc` below a root, so that tests can show other machines;
//! - [`wire`]: what only sockets tell, behind a trait for the same reason;
//! - [`recorded`]: a machine that was written down.
//!
//! ```no_run
//! let mut machine = machine::Machine::this();
//! let seen = machine.see(&["eth0".to_owned()]);
//! println!("{:?}", seen.nics[0].rings);
//! ```

#![forbid(unsafe_code)]

mod cpus;
mod interrupts;
mod known;
pub mod nic;
mod programs;
pub mod recorded;
mod seen;
mod system;
pub mod tree;
pub mod tune;
pub mod wire;

pub use cpus::CpuSet;
pub use interrupts::Interrupt;
pub use known::Known;
pub use programs::Holder;
pub use seen::{BridgePort, Machine, NicSeen, QueueMask, Seen};
pub use system::{Limit, Release, SYSCTLS};
