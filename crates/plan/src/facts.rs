//! What the machine offers, as the plan takes it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use units::{CpuId, IfIndex};

/// What the machine offers. Read by `kernel`, or from a JSON file to plan offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The NIC towards the customers.
    pub customers: NicFacts,
    /// The NIC towards the Internet; the same one on a stick.
    pub internet: NicFacts,
    /// Online CPUs, ascending.
    pub cpus: Vec<CpuId>,
    /// Names of the queueing disciplines that the kernel can make, as `tc` calls them.
    pub qdiscs: BTreeSet<String>,
}

/// What one NIC offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NicFacts {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: IfIndex,
    /// Transmit queues in use.
    pub tx_queues: u16,
    /// Receive queues in use.
    pub rx_queues: u16,
    /// Bytes of the largest packet without its link-layer header.
    pub mtu: u32,
}
