//! The tables that tell the programs where a circuit's packets go.

use std::error::Error;

use units::{CircuitSlot, CpuId, IpPrefix, PerDirection, QueueId, TcHandle};

/// The table half of the kernel. Programs see each row change at once, whole.
pub trait Tables {
    /// Gives each circuit its place, or none. Rows that are not named keep theirs.
    ///
    /// # Errors
    /// The first row that could not be written; rows before it are.
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed>;

    /// Has each block lead somewhere, or removes it: first inserts and overwrites, then removes, then
    /// advances the mapping epoch, so that established flows look again. Blocks that are not named keep
    /// what they lead to.
    ///
    /// # Errors
    /// The first block that could not be written or removed; blocks before it are.
    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed>;

    /// The circuits that have a place, ascending by slot. One without class, queue and CPU has none.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed>;

    /// What each address block leads to, ascending by prefix.
    ///
    /// # Errors
    /// When a table cannot be read.
    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed>;
}

/// Where a circuit's packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitPlace {
    /// HTB class, each on its direction's NIC.
    pub class: PerDirection<TcHandle>,
    /// Transmit queue, each on its direction's NIC.
    pub queue: PerDirection<QueueId>,
    /// The CPU that forwards them.
    pub cpu: CpuId,
}

/// What an address block leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressTarget {
    /// The circuit in this row.
    Circuit(CircuitSlot),
    /// Left alone.
    Ignored,
    /// A customers' range: hosts with no circuit are listed as unknown.
    Customers,
}

/// A table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub struct TablesFailed {
    /// What was tried, with its operands.
    pub operation: String,
    /// Why it failed.
    pub source: Box<dyn Error + Send + Sync>,
}
