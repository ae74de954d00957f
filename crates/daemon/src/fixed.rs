//! What follows from the configuration once, when the programs are loaded, and what of it may not change.

use config::{Config, Mode};
use kernel::datapath::{MapSizes, Options, Side};
use plan::Facts;

/// The NICs and where they are.
pub fn sides(config: &Config) -> Vec<(String, Side)> {
    let interfaces = &config.interfaces;
    if let Mode::Stick { .. } = interfaces.mode {
        return vec![(interfaces.internet.clone(), Side::Both)];
    }
    vec![
        (interfaces.customers.clone(), Side::Customers),
        (interfaces.internet.clone(), Side::Internet),
    ]
}

/// How the programs are loaded.
pub fn options(config: &Config, facts: &Facts) -> Options {
    let (mode, vlans) = match config.interfaces.mode {
        Mode::Bridge => (abi::Mode::Bridge, None),
        Mode::XdpBridge => (abi::Mode::XdpBridge, None),
        Mode::Observe => (abi::Mode::Observe, None),
        Mode::Stick { internet_vlan, customers_vlan } => {
            (abi::Mode::Stick, Some((internet_vlan, customers_vlan)))
        }
    };
    let limits = &config.limits;
    Options {
        mode,
        internet: facts.internet.ifindex,
        customers: facts.customers.ifindex,
        vlans,
        tcx: true,
        cpus: facts.cpus.clone(),
        sizes: MapSizes {
            circuits: limits.circuits,
            hosts: limits.hosts,
            prefixes: limits.prefixes,
            unknown_hosts: limits.unknown_hosts,
            flows: limits.flows,
        },
    }
}

/// What of the machine is not what the programs were loaded for.
pub fn moved(old: &Facts, new: &Facts) -> Vec<&'static str> {
    let ifindexes = |facts: &Facts| (facts.customers.ifindex, facts.internet.ifindex);
    [
        ("the network interfaces' indexes", ifindexes(old) != ifindexes(new)),
        ("the CPUs", old.cpus != new.cpus),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// Settings that differ and that only a new daemon can use.
pub fn fixed_changes(old: &Config, new: &Config) -> Vec<&'static str> {
    let Config {
        interfaces,
        files,
        queues: _,
        ranges: _,
        flows: _,
        capture: _,
        bus,
        limits,
        log,
        network: _,
    } = new;
    [
        ("[interfaces]", old.interfaces != *interfaces),
        ("[files] pins", old.files.pins != files.pins),
        ("[bus]", old.bus != *bus),
        ("[limits]", old.limits != *limits),
        ("[log]", old.log != *log),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
