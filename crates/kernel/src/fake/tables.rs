//! The tables in memory.

use std::collections::BTreeMap;

use units::{CircuitSlot, IpPrefix};

use crate::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};

/// Tables that no program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeTables {
    circuits: BTreeMap<CircuitSlot, CircuitPlace>,
    addresses: BTreeMap<IpPrefix, AddressTarget>,
    /// How often the mapping changed.
    pub epoch: u64,
}

impl FakeTables {
    /// Whether they hold nothing.
    pub fn is_empty(&self) -> bool {
        self.circuits.is_empty() && self.addresses.is_empty()
    }
}

impl Tables for FakeTables {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        for (slot, place) in rows {
            match place {
                Some(place) => self.circuits.insert(*slot, *place),
                None => self.circuits.remove(slot),
            };
        }
        Ok(())
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        for (prefix, target) in rows {
            match target {
                Some(target) => self.addresses.insert(*prefix, *target),
                None => self.addresses.remove(prefix),
            };
        }
        self.epoch += 1;
        Ok(())
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        Ok(self.circuits.iter().map(|(slot, place)| (*slot, *place)).collect())
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        Ok(self.addresses.iter().map(|(prefix, target)| (*prefix, *target)).collect())
    }
}
