//! A box on a stick that carries packets of our own, for tests and measurements.

use std::net::IpAddr;

use units::{CircuitSlot, CpuId, IfIndex, IpPrefix};

use super::flow_table::FlowTable;
use super::{DatapathError, Loaded, MapSizes, MapTables, Options, Readers, Trial};
use crate::tables::{AddressTarget, Tables};

/// The loopback device: packets of trial runs seem to come in by it.
const NIC: IfIndex = IfIndex::new(1);

/// The programs on a stick, so that one loaded object sees both directions of a flow.
#[derive(Debug)]
pub struct TrialBox {
    loaded: Loaded,
    flows: FlowTable,
    /// What the programs tell.
    pub readers: Readers,
    // Keeps the tables' memory.
    _tables: MapTables,
}

impl TrialBox {
    /// VLAN ids of the Internet's and the customers' side.
    pub const VLANS: (u16, u16) = (100, 200);

    /// Loads the programs with room for so many flows; each of the customers has a circuit, in
    /// their order.
    ///
    /// # Errors
    /// When the programs cannot be loaded or their tables not be filled.
    pub fn new(customers: &[IpAddr], flows: u32) -> Result<Self, DatapathError> {
        let circuits = customers.len() as u32;
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Stick,
            internet: NIC,
            customers: NIC,
            vlans: Some(Self::VLANS),
            tcx: true,
            cpus: vec![CpuId::new(0)],
            sizes: MapSizes { circuits, hosts: circuits, prefixes: 1, unknown_hosts: 1, flows },
        })?;
        let mut tables = loaded.take_tables().ok_or(DatapathError::Missing("tables"))?;
        let readers = loaded.take_readers().ok_or(DatapathError::Missing("readers"))?;
        let circuits =
            (0..circuits).map(|slot| Some(AddressTarget::Circuit(CircuitSlot::new(slot))));
        let rows: Vec<_> =
            customers.iter().map(|address| IpPrefix::host(*address)).zip(circuits).collect();
        tables.set_addresses(&rows).map_err(DatapathError::Fill)?;
        let flows = FlowTable::new(&loaded.object, loaded.flow_shape)?;
        Ok(Self { loaded, flows, readers, _tables: tables })
    }

    /// Lets a frame pass, which carries the tag of the side that it comes from.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn pass(&mut self, frame: &[u8]) -> Result<(), DatapathError> {
        self.loaded.xdp_ingress(frame).map(drop)
    }

    /// What the programs remember of a flow.
    pub fn history(&self, key: &abi::FlowKey) -> Option<abi::FlowHistory> {
        self.flows.find(key).map(|(_, row)| self.flows.history(row))
    }
}

/// The key of a flow.
pub fn flow_key(protocol: u8, customer: (IpAddr, u16), internet: (IpAddr, u16)) -> abi::FlowKey {
    abi::FlowKey {
        customer: customer.0.into(),
        internet: internet.0.into(),
        customer_port: customer.1.to_be(),
        internet_port: internet.1.to_be(),
        protocol,
        padding: [0; 3],
    }
}
