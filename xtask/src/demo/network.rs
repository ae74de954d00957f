//! The example network, as far as the demo needs it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use config::{Circuit, Config};
use units::{BitsPerSec, IpPrefix, PerDirection};

/// The example network.
pub(super) struct Example {
    pub(super) folder: PathBuf,
    pub(super) circuits: Vec<Subscriber>,
    pub(super) nodes: Vec<Limit>,
}

/// A circuit with the address that its traffic comes from.
pub(super) struct Subscriber {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) min: PerDirection<BitsPerSec>,
    pub(super) plan: PerDirection<BitsPerSec>,
    /// Position of the parent node.
    pub(super) parent: Option<usize>,
    pub(super) address: IpAddr,
}

/// A node with its limit.
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) rate: PerDirection<BitsPerSec>,
    /// Position of the parent node.
    pub(super) parent: Option<usize>,
}

impl Example {
    /// Reads the configuration in a folder.
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("tidegate.toml");
        let loaded = Config::load(&path).map_err(|problems| anyhow!("{problems}"))?;
        Self::of(folder, &loaded.config)
    }

    fn of(folder: &Path, config: &Config) -> Result<Self> {
        let mut nodes: Vec<Limit> = Vec::new();
        for node in &config.network.nodes {
            let above = node.parent.map_or(config.queues.link, |parent| nodes[parent].rate);
            let rate = PerDirection {
                down: node.rate.down.unwrap_or(above.down).min(above.down),
                up: node.rate.up.unwrap_or(above.up).min(above.up),
            };
            nodes.push(Limit { name: node.name.to_string(), rate, parent: node.parent });
        }
        let mut circuits = Vec::new();
        for circuit in &config.network.circuits {
            circuits.push(subscriber(circuit, circuits.len())?);
        }
        ensure!(!circuits.is_empty(), "the network in {} has no circuits", folder.display());
        Ok(Self { folder: folder.to_owned(), circuits, nodes })
    }

    /// The nodes above a circuit, the nearest first.
    pub(super) fn nodes_above(&self, circuit: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.circuits[circuit].parent, |node| self.nodes[*node].parent)
    }
}

fn subscriber(circuit: &Circuit, position: usize) -> Result<Subscriber> {
    let prefixes = || circuit.devices.iter().flat_map(|device| &device.prefixes).copied();
    let v4 = prefixes().find(|prefix| shown_as_v4(*prefix)).map(host_inside);
    let v6 = prefixes().find(|prefix| !shown_as_v4(*prefix)).map(host_inside);
    // Of circuits with both families, every other one is measured over each.
    let address = if position.is_multiple_of(2) { v4.or(v6) } else { v6.or(v4) };
    Ok(Subscriber {
        id: circuit.id.to_string(),
        name: circuit.name.to_string(),
        min: circuit.min,
        plan: circuit.max,
        parent: circuit.parent,
        address: address.with_context(|| format!("circuit {} has no address", circuit.id))?,
    })
}

fn shown_as_v4(prefix: IpPrefix) -> bool {
    prefix.addr().is_ipv4()
}

/// The address itself, or the second one of a block.
fn host_inside(prefix: IpPrefix) -> IpAddr {
    if prefix.is_host() {
        return prefix.addr();
    }
    match prefix.addr() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() + 1).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() + 1).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step;

    #[test]
    fn the_shipped_example_has_both_families_and_a_subnet() {
        let example = Example::load(&step::root().join("config/example")).unwrap();
        assert!(example.circuits.len() >= 8 && example.nodes.len() >= 5);
        let six = example.circuits.iter().filter(|circuit| circuit.address.is_ipv6()).count();
        assert!(six >= 2, "{six} circuits are measured over IPv6");
        for circuit in 0..example.circuits.len() {
            assert!(example.nodes_above(circuit).count() <= 2);
        }
    }

    #[test]
    fn a_block_is_measured_from_inside() {
        let inside = |text: &str| host_inside(text.parse().unwrap()).to_string();
        assert_eq!(inside("100.64.1.10"), "100.64.1.10");
        assert_eq!(inside("100.64.2.8/29"), "100.64.2.9");
        assert_eq!(inside("2001:db8:1::/64"), "2001:db8:1::1");
    }
}
