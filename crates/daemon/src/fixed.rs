//! What follows from the configuration once, when the programs are loaded, and what of it may not change.

use config::{Bus, Config, Files, Interfaces, Mode};
use kernel::datapath::{MapSizes, Options, Side};
use plan::Facts;

use crate::error::ShaperError;

/// The NICs and where they are.
pub fn sides(interfaces: &Interfaces) -> Vec<(String, Side)> {
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
///
/// # Errors
/// What only a new daemon can use, if there is something.
pub fn refuse_moved(old: &Facts, new: &Facts) -> Result<(), ShaperError> {
    let ifindexes = |facts: &Facts| (facts.customers.ifindex, facts.internet.ifindex);
    let differ = differing([
        ("the network interfaces' indexes", ifindexes(old) != ifindexes(new)),
        ("the CPUs", old.cpus != new.cpus),
    ]);
    if differ.is_empty() { Ok(()) } else { Err(ShaperError::Handover(differ)) }
}

/// Settings that this daemon cannot change.
///
/// # Errors
/// Those that differ, if there are some.
pub fn refuse_fixed(old: &Config, new: &Config) -> Result<(), ShaperError> {
    let Config {
        interfaces,
        files,
        queues: _,
        ranges: _,
        flows: _,
        capture: _,
        bus,
        metrics,
        limits,
        log,
        network: _,
    } = new;
    refuse_unreachable(old, (Some(interfaces), files, bus))?;
    let differ = differing([
        ("[bus]", old.bus != *bus),
        ("[metrics]", old.metrics != *metrics),
        ("[limits]", old.limits != *limits),
        ("[log]", old.log != *log),
    ]);
    if differ.is_empty() { Ok(()) } else { Err(ShaperError::Handover(differ)) }
}

/// Settings by which a daemon finds what the one before has left, and restores it: none can take over with others.
///
/// # Errors
/// Those that differ, if there are some.
pub fn refuse_unreachable(
    old: &Config,
    (interfaces, files, bus): (Option<&Interfaces>, &Files, &Bus),
) -> Result<(), ShaperError> {
    let differ = differing([
        ("[interfaces]", interfaces.is_some_and(|new| *new != old.interfaces)),
        ("[files] pins", old.files.pins != files.pins),
        ("[bus] socket", old.bus.socket != bus.socket),
    ]);
    if differ.is_empty() { Ok(()) } else { Err(ShaperError::Stop(differ)) }
}

fn differing<const N: usize>(settings: [(&'static str, bool); N]) -> Vec<&'static str> {
    settings.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}
