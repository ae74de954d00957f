//! Network labs, packets and seeded randomness for tests.
//!
//! A [`Lab`] is customers, the box and the Internet in three network namespaces of its own, with
//! veth pairs as NICs. Nothing in it touches the machine's own network, two labs never share a
//! name, and whatever ends the process (return, panic, Ctrl-C) takes the lab away; what a SIGKILL
//! leaves behind, the next lab sweeps. Everything that waits has a deadline.
//!
//! This crate knows nothing of BPF and builds without clang, so that `xtask` can use it.
//!
//! ```no_run
//! use testkit::{Lab, LabSpec, Place};
//! let lab = Lab::new(&LabSpec::new(["100.64.1.10".parse()?]))?;
//! let ping = testkit::Ping::new(lab.server4().into()).run(&lab, Place::Customers)?;
//! assert_eq!(ping.lost, 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod connection;
mod daemon;
mod delay_relay;
mod hang;
mod iperf;
mod lab;
mod namespace;
mod packet;
mod ping;
mod process;
mod provider;
mod raw;
mod reaper;
pub mod rtt_truth;
mod seed;
mod service_manager;
mod switch;
mod tmux;
mod topology;
mod udp_stream;
pub mod verdict;
mod wait;

pub use daemon::{Daemon, DaemonSpec};
pub use delay_relay::DelayRelay;
pub use hang::Hang;
pub use iperf::{Goodput, Iperf, IperfRun, parse_iperf};
pub use lab::{BOX_CUSTOMERS, BOX_INTERNET, BOX_STICK, Forwarding, HOST_NIC, Lab, LabSpec, Place};
pub use namespace::Namespace;
pub use packet::{
    Frame, Ipv4, Ipv6, Layer, Mac, Tcp, from_hex, internet_checksum, ones_complement_sum, to_hex,
};
pub use ping::{Ping, PingReport, parse_ping};
pub use process::{ChildGuard, Output, run};
pub use provider::{ADMIN_GROUP, Circuit, Provider, READ_GROUP, two_nics};
pub use raw::RawSocket;
pub use reaper::{Leftovers, leftovers_of};
pub use seed::{SEED_VARIABLE, Seed};
pub use service_manager::{Said, ServiceManager};
pub use tmux::Tmux;
pub use udp_stream::{UdpReport, UdpStream};
pub use wait::wait_until;
