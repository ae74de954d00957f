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
    /// Names of the queueing disciplines that the kernel can make, as `tc` calls them. `htb` is
    /// asked for whenever something is shaped; `mq` and `bfifo` are part of every kernel that has
    /// traffic control, so they need not be listed.
    pub qdiscs: BTreeSet<String>,
}

/// Why a text is not a description of a machine.
#[derive(Debug, thiserror::Error)]
#[error("could not read the machine's facts as JSON")]
pub struct FactsError(#[from] serde_json::Error);

impl Facts {
    /// Reads facts from the JSON that this type is written as, to plan for a machine elsewhere.
    ///
    /// # Errors
    /// When the text is not such JSON; the source says where.
    pub fn from_json(text: &str) -> Result<Self, FactsError> {
        Ok(serde_json::from_str(text)?)
    }
}

/// What one NIC offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NicFacts {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: IfIndex,
    /// Transmit queues in use. A NIC with just one takes no `mq` at its root.
    pub tx_queues: u16,
    /// Receive queues in use.
    pub rx_queues: u16,
    /// Bytes of the largest packet without its link-layer header.
    pub mtu: u32,
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const EXAMPLE: &str = r#"{
        "customers": {"name": "eth0", "ifindex": 2, "tx_queues": 4, "rx_queues": 4, "mtu": 1500},
        "internet": {"name": "eth1", "ifindex": 3, "tx_queues": 4, "rx_queues": 4, "mtu": 1500},
        "cpus": [0, 1], "qdiscs": ["cake", "htb"]
    }"#;

    #[test]
    fn facts_are_read_as_they_are_written() {
        let facts = Facts::from_json(EXAMPLE).unwrap();
        assert_eq!(facts.cpus, [CpuId::new(0), CpuId::new(1)]);
        let again = Facts::from_json(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(facts, again);
    }

    #[test]
    fn a_wrong_key_is_named_in_the_source() {
        let error = Facts::from_json(&EXAMPLE.replace("mtu", "mut")).unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("mut") && cause.contains("line 2"), "{cause}");
    }
}
