//! The only crate that talks to the kernel: programs, maps, netlink.

pub mod datapath;
pub mod tables;
