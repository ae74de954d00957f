//! What each address block leads to.

use std::net::{Ipv4Addr, Ipv6Addr};

use config::Config;
use units::{CircuitSlot, IpPrefix};

use crate::model::{AddressPlan, Target};
use crate::problem::Problem;

/// Maps every device's prefixes and the configured ranges, ascending by prefix. Of the same block
/// given twice a device wins over an ignored range, and that over a customers' range.
pub(crate) fn map(config: &Config, slots: &[CircuitSlot]) -> Vec<AddressPlan> {
    let mut ranked: Vec<(IpPrefix, u8, Target)> = Vec::new();
    for (circuit, slot) in config.network.circuits.iter().zip(slots) {
        let prefixes = circuit.devices.iter().flat_map(|device| &device.prefixes);
        ranked.extend(prefixes.map(|prefix| (*prefix, 0, Target::Circuit(*slot))));
    }
    ranked.extend(config.ranges.ignored.iter().map(|prefix| (*prefix, 1, Target::Ignored)));
    let everywhere = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let everywhere = everywhere.map(|addr| IpPrefix::new(addr, 0));
    let customers = config.ranges.customers.iter().copied();
    let fallback = everywhere.into_iter().flatten().filter(|_| config.ranges.customers.is_empty());
    ranked.extend(customers.chain(fallback).map(|prefix| (prefix, 2, Target::Customers)));
    ranked.sort_by_key(|(prefix, rank, _)| (*prefix, *rank));
    ranked.dedup_by_key(|(prefix, _, _)| *prefix);
    ranked.into_iter().map(|(prefix, _, target)| AddressPlan { prefix, target }).collect()
}

/// Problems for each kernel map that was sized for less than what the network needs.
pub(crate) fn overflows(config: &Config, addresses: &[AddressPlan]) -> Vec<Problem> {
    let hosts = addresses.iter().filter(|address| address.prefix.is_host()).count();
    let limits = &config.limits;
    [
        ("circuits", config.network.circuits.len(), limits.circuits),
        ("hosts", hosts, limits.hosts),
        ("prefixes", addresses.len() - hosts, limits.prefixes),
    ]
    .into_iter()
    .filter(|(_, needs, most)| *needs > *most as usize)
    .map(|(key, needs, most)| Problem::MapTooSmall { key, needs, most })
    .collect()
}
