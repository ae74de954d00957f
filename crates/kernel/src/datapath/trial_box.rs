//! A box on a stick that carries packets of our own, for tests and measurements.

use std::net::{IpAddr, Ipv6Addr};

use bytemuck::Pod;
use libbpf_rs::{MapCore, MapFlags, MapHandle, RingBufferBuilder};
use units::{CircuitSlot, CpuId, IfIndex, IpPrefix};

use super::load::{access, map_handle};
use super::{Counters, DatapathError, Loaded, MapSizes, MapTables, Options, Trial};
use crate::tables::{AddressTarget, Tables};

/// The loopback device: packets of trial runs seem to come in by it.
const NIC: IfIndex = IfIndex::new(1);

/// The programs on a stick, so that one loaded object sees both directions of a flow.
#[derive(Debug)]
pub struct TrialBox {
    loaded: Loaded,
    counters: Counters,
    flows: MapHandle,
    quality: MapHandle,
    retransmits: MapHandle,
    // Keeps the tables' memory.
    _tables: MapTables,
}

impl TrialBox {
    /// VLAN ids of the Internet's and the customers' side.
    pub const VLANS: (u16, u16) = (100, 200);

    /// Loads the programs; each of the customers has a circuit, in their order.
    ///
    /// # Errors
    /// When the programs cannot be loaded or their tables not be filled.
    pub fn new(customers: &[IpAddr]) -> Result<Self, DatapathError> {
        let circuits = customers.len() as u32;
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Stick,
            internet: NIC,
            customers: NIC,
            vlans: Some(Self::VLANS),
            tcx: true,
            cpus: vec![CpuId::new(0)],
            sizes: MapSizes { circuits, hosts: circuits, prefixes: 1, unknown_hosts: 1 },
        })?;
        let missing = DatapathError::Missing("tables");
        let (Some(mut tables), Some(counters)) = (loaded.take_tables(), loaded.take_counters())
        else {
            return Err(missing);
        };
        let rows: Vec<_> = (0..circuits)
            .zip(customers)
            .map(|(slot, address)| {
                let target = AddressTarget::Circuit(CircuitSlot::new(slot));
                (IpPrefix::from(*address), target)
            })
            .collect();
        tables.set_addresses(&rows).map_err(DatapathError::Fill)?;
        Ok(Self {
            flows: map_handle(&loaded.object, "tg_flows")?,
            quality: map_handle(&loaded.object, "tg_quality")?,
            retransmits: map_handle(&loaded.object, "tg_retransmits")?,
            loaded,
            counters,
            _tables: tables,
        })
    }

    /// Lets a frame pass, which carries the tag of the side that it comes from.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn pass(&mut self, frame: &[u8]) -> Result<(), DatapathError> {
        self.loaded.xdp_ingress(frame).map(drop)
    }

    /// What the box has counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The entry of a flow.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn flow(&self, key: &abi::FlowKey) -> Result<Option<abi::Flow>, DatapathError> {
        read(&self.flows, "tg_flows", bytemuck::bytes_of(key))
    }

    /// How well a circuit is doing; nothing beyond the table.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn quality(&self, slot: CircuitSlot) -> Result<Option<abi::Quality>, DatapathError> {
        read(&self.quality, "tg_quality", &slot.get().to_ne_bytes())
    }

    /// Takes the retransmissions out of their ring.
    ///
    /// # Errors
    /// When the ring cannot be read.
    pub fn take_retransmits(&mut self) -> Result<Vec<abi::Retransmit>, DatapathError> {
        let failed = |source| access("read", "tg_retransmits", source);
        let mut taken = Vec::new();
        let mut builder = RingBufferBuilder::new();
        builder
            .add(&self.retransmits, |bytes| {
                taken.extend(bytemuck::try_pod_read_unaligned::<abi::Retransmit>(bytes));
                0
            })
            .map_err(failed)?;
        let ring = builder.build().map_err(failed)?;
        ring.consume().map_err(failed)?;
        drop(ring);
        Ok(taken)
    }
}

/// The key of a flow's entry.
pub fn flow_key(protocol: u8, customer: (IpAddr, u16), internet: (IpAddr, u16)) -> abi::FlowKey {
    abi::FlowKey {
        customer: address(customer.0),
        internet: address(internet.0),
        customer_port: customer.1.to_be(),
        internet_port: internet.1.to_be(),
        protocol,
        padding: [0; 3],
    }
}

fn address(address: IpAddr) -> abi::Address {
    let mapped: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    abi::Address { bytes: mapped.octets() }
}

fn read<T: Pod>(
    map: &MapHandle,
    name: &'static str,
    key: &[u8],
) -> Result<Option<T>, DatapathError> {
    let value =
        map.lookup(key, MapFlags::ANY).map_err(|source| access("read", name, source))?;
    Ok(value.and_then(|bytes| bytemuck::try_pod_read_unaligned(&bytes).ok()))
}
