//! The kernel as one object.

use units::{CircuitSlot, IfIndex, IpPrefix, TcHandle};

use crate::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};
use crate::tc::{ClassState, Controller, Failed, QdiscState, Request, TrafficControl};

/// All of the kernel that a plan is carried into.
pub trait Kernel: TrafficControl + Tables {}

impl<K: TrafficControl + Tables> Kernel for K {}

/// The running kernel: traffic control by netlink, with the tables of the loaded programs.
#[derive(Debug)]
pub struct LinuxKernel<T> {
    /// Traffic control.
    pub controller: Controller,
    /// The tables.
    pub tables: T,
}

impl<T> TrafficControl for LinuxKernel<T> {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        self.controller.tc(nic, batch)
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        self.controller.qdiscs(nics)
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        self.controller.classes(nic)
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        self.controller.class(nic, handle)
    }
}

impl<T: Tables> Tables for LinuxKernel<T> {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.tables.set_circuits(rows)
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.tables.set_addresses(rows)
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        self.tables.circuits()
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        self.tables.addresses()
    }
}
