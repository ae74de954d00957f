//! Programs loaded with tables as a provider's box has them.

use std::net::{Ipv4Addr, Ipv6Addr};

use abi::Mode;
use anyhow::{Context, Result, anyhow};
use config::{Config, Source, Sources};
use kernel::datapath::{Hook, Loaded, MapSizes, Options};
use kernel::tables::{AddressTarget, CircuitPlace, Tables};
use units::{CircuitSlot, CpuId, IfIndex, IpPrefix, PerDirection, QueueId, TcHandle};

use super::packet::Kind;
use super::scenario::Scenario;

/// VLAN ids on a stick.
pub(super) const INTERNET_VLAN: u16 = 100;
pub(super) const CUSTOMERS_VLAN: u16 = 200;

/// The first address of the circuits, one each, and of hosts without one.
pub(super) const FIRST_SHAPED4: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
pub(super) const FIRST_SHAPED6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(super) const FIRST_UNKNOWN4: Ipv4Addr = Ipv4Addr::new(16, 0, 0, 1);
/// The other end of the first flow.
pub(super) const SERVER4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
pub(super) const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb9, 0, 0, 0, 0, 0, 1);

/// Where customers are.
const RANGES: [&str; 3] = ["100.64.0.0/10", "16.0.0.0/4", "2001:db8::/32"];
/// Circuits that have a block of eight addresses besides.
const BLOCKS: u32 = 1_000;
const FIRST_BLOCK: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 0);

/// Flows that are remembered.
pub(super) const FLOWS: u32 = 131_072;

/// CPUs that circuits are spread over.
const CPUS: u16 = 2;
/// Packets of a test run come in and go out by the loopback interface.
const HERE: IfIndex = IfIndex::new(1);
/// An interface that no such packet uses.
const ELSEWHERE: IfIndex = IfIndex::new(0xffff);

/// How much the maps hold when the configuration says nothing.
pub(super) fn default_sizes() -> Result<MapSizes> {
    let sources = Sources {
        settings: Source::new("tidegate.toml", config::sample()),
        network: Source::new("network.json", "{}"),
        devices: Source::new("ShapedDevices.csv", "Circuit ID\n"),
    };
    let loaded = Config::from_sources(&sources).map_err(|problems| anyhow!("{problems}"))?;
    let limits = loaded.config.limits;
    Ok(MapSizes {
        circuits: limits.circuits,
        hosts: limits.hosts,
        prefixes: limits.prefixes,
        unknown_hosts: limits.unknown_hosts,
        flows: FLOWS,
    })
}

/// Between two NICs that no test run uses.
pub(super) fn bridge(sizes: MapSizes) -> Options {
    Options {
        mode: Mode::Bridge,
        internet: ELSEWHERE,
        customers: ELSEWHERE,
        vlans: None,
        tcx: true,
        cpus: (0..CPUS).map(CpuId::new).collect(),
        sizes,
    }
}

/// Where a scenario's packets come in and go out.
pub(super) fn options(scenario: &Scenario) -> Result<Options> {
    let mut sizes = default_sizes()?;
    sizes.circuits = sizes.circuits.max(scenario.circuits);
    sizes.hosts = sizes.hosts.max(scenario.circuits);
    let mut options = bridge(sizes);
    match (scenario.kind, scenario.hook) {
        (Kind::Tcp4BothWays, _) => {
            (options.mode, options.vlans) = (Mode::Stick, Some((INTERNET_VLAN, CUSTOMERS_VLAN)));
            (options.internet, options.customers) = (HERE, HERE);
        }
        // downloads come in from the Internet and go out to the customers
        (_, Hook::Xdp) => options.internet = HERE,
        (_, Hook::Tc) => options.customers = HERE,
    }
    Ok(options)
}

/// Programs whose tables hold so many circuits, each with an address of the kind of the packets.
pub(super) fn load(options: Options, circuits: u32, kind: Kind) -> Result<Loaded> {
    let mut loaded = Loaded::new(options)?;
    let mut tables = loaded.take_tables().context("the tables were taken before")?;
    let slots = || (0..circuits).map(CircuitSlot::new);
    let rows: Vec<_> = slots().map(|slot| (slot, Some(place(slot)))).collect();
    tables.set_circuits(&rows)?;
    let ranges = RANGES.iter().map(|range| Ok((range.parse()?, Some(AddressTarget::Customers))));
    let hosts = slots().map(|slot| Ok((host(slot, kind), Some(AddressTarget::Circuit(slot)))));
    let blocks = slots()
        .take(BLOCKS as usize)
        .map(|slot| Ok((block(slot)?, Some(AddressTarget::Circuit(slot)))));
    let addresses: Vec<_> = ranges.chain(hosts).chain(blocks).collect::<Result<_>>()?;
    tables.set_addresses(&addresses)?;
    Ok(loaded)
}

fn host(slot: CircuitSlot, kind: Kind) -> IpPrefix {
    IpPrefix::host(match kind {
        Kind::Tcp6 => Ipv6Addr::from_bits(FIRST_SHAPED6.to_bits() + u128::from(slot.get())).into(),
        _ => Ipv4Addr::from_bits(FIRST_SHAPED4.to_bits() + slot.get()).into(),
    })
}

fn block(slot: CircuitSlot) -> Result<IpPrefix> {
    Ok(IpPrefix::new(Ipv4Addr::from_bits(FIRST_BLOCK.to_bits() + 8 * slot.get()).into(), 29)?)
}

fn place(slot: CircuitSlot) -> CircuitPlace {
    let cpu = (slot.get() % u32::from(CPUS)) as u16;
    let class = |queue: u16| TcHandle::new(queue + 1, 0x10 + (slot.get() / 2 % 0xff00) as u16);
    CircuitPlace {
        class: PerDirection::both(class(cpu)),
        queue: PerDirection::both(QueueId::new(cpu)),
        cpu: CpuId::new(cpu),
    }
}
