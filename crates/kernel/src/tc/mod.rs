//! Queueing disciplines and classes: requests, their wire form, and what the kernel has.

mod controller;
mod dump;
mod encode;
mod leaf;
mod parameters;
mod probe;
mod request;
mod statistics;
mod stats;

pub use controller::{Controller, Failed, TrafficControl, check_clock};
pub use dump::{ClassState, Discipline, QdiscState};
pub use encode::{CLOCK_TICK_NS, encode};
pub use leaf::{CakeStats, FqCodelStats, LeafStats, OwnStats, TinStats};
pub use parameters::HtbParameters;
pub use probe::{ProbeError, probe_qdiscs};
pub use request::{Codel, Diffserv, Hosts, HtbClass, Qdisc, Request};
pub use statistics::ClassStats;
pub use stats::Stats;
