//! The whole kernel in memory.

use std::collections::BTreeMap;
use std::io;

use rustix::io::Errno;
use units::{CircuitSlot, IfIndex, IpPrefix, TcHandle};

use super::device::Device;
use super::tables::FakeTables;
use crate::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};
use crate::tc::{ClassState, Failed, QdiscState, Request, TrafficControl};

/// One thing that was asked of the kernel and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A request for a NIC.
    Tc(IfIndex, Request),
    /// That many rows of the circuits' table.
    SetCircuits(usize),
    /// The address tables, to hold that many blocks.
    SetAddresses(usize),
}

/// A kernel that remembers what it was asked and can be told to fail.
#[derive(Clone, Debug, Default)]
pub struct FakeKernel {
    devices: BTreeMap<IfIndex, Device>,
    /// Its tables.
    pub tables: FakeTables,
    /// All that was done, in order.
    pub log: Vec<Operation>,
    failing: Option<(usize, usize)>,
}

impl FakeKernel {
    /// A kernel with these NICs, each with so many transmit queues.
    pub fn new(nics: impl IntoIterator<Item = (IfIndex, u16)>) -> Self {
        let devices = nics.into_iter().map(|(nic, queues)| (nic, Device::new(queues))).collect();
        Self { devices, ..Self::default() }
    }

    /// Lets `after` operations pass and refuses the `times` that follow.
    pub fn fail(&mut self, after: usize, times: usize) {
        self.failing = Some((after, times));
    }

    /// Has so many packets wait in a class. Each look at the class alone lets one go.
    pub fn queue(&mut self, nic: IfIndex, class: TcHandle, packets: u32) {
        if let Some(device) = self.devices.get_mut(&nic) {
            device.queue(class, packets);
        }
    }

    /// Packets that waited in classes or leaves when those went.
    pub fn lost(&self) -> u32 {
        self.devices.values().map(Device::lost).sum()
    }

    /// Whether a queue of any NIC loses all its packets.
    pub fn has_dead_queue(&self) -> bool {
        self.devices.values().any(Device::has_dead_queue)
    }

    /// Whether the operation now asked for is to fail.
    fn fails_now(&mut self) -> bool {
        match &mut self.failing {
            Some((0, 0)) | None => false,
            Some((0, times)) => {
                *times -= 1;
                true
            }
            Some((after, _)) => {
                *after -= 1;
                false
            }
        }
    }

    fn carry_out(
        &mut self,
        nic: IfIndex,
        request: &Request,
    ) -> Result<(), (Errno, Option<String>)> {
        if self.fails_now() {
            return Err((Errno::NOMEM, None));
        }
        let device = self.devices.get_mut(&nic).ok_or((Errno::NODEV, None))?;
        device.carry_out(request).map_err(|(errno, why)| (errno, Some(why.to_owned())))?;
        self.log.push(Operation::Tc(nic, request.clone()));
        Ok(())
    }

    fn check_table(&mut self, operation: &str) -> Result<(), TablesFailed> {
        if self.fails_now() {
            let source = io::Error::from(Errno::NOMEM).into();
            return Err(TablesFailed { operation: operation.to_owned(), source });
        }
        Ok(())
    }
}

impl TrafficControl for FakeKernel {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        let mut first = None;
        // The kernel, too, goes on after a failure with what came in the same send.
        for (index, request) in batch.iter().enumerate() {
            if let Err((errno, message)) = self.carry_out(nic, request) {
                let request = Box::new(request.clone());
                first.get_or_insert(Failed::Refused { nic, index, request, message, errno });
            }
        }
        first.map_or(Ok(()), Err)
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        let wanted = self.devices.iter().filter(|(nic, _)| nics.contains(nic));
        Ok(wanted.flat_map(|(nic, device)| device.qdiscs(*nic)).collect())
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        Ok(self.devices.get(&nic).map(Device::classes).unwrap_or_default())
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        Ok(self.devices.get_mut(&nic).and_then(|device| device.look_at(handle)))
    }
}

impl Tables for FakeKernel {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.check_table("write the circuits")?;
        self.log.push(Operation::SetCircuits(rows.len()));
        self.tables.set_circuits(rows)
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.check_table("write the addresses")?;
        self.log.push(Operation::SetAddresses(rows.len()));
        self.tables.set_addresses(rows)
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        self.tables.circuits()
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        self.tables.addresses()
    }
}
