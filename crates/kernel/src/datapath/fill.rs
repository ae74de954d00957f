//! Writing what the programs otherwise write: a busy box's maps, for measuring how they are read.

use units::{CircuitSlot, CpuId};

use super::clock::Clock;
use super::flow_table::FlowTable;
use super::load::mapped;
use super::mapped::Mapped;
use super::traffic::Traffic;
use super::{DatapathError, Loaded};

/// Writes into the maps of programs that are loaded, but not attached.
#[derive(Debug)]
pub struct Filler {
    flows: FlowTable,
    traffic: Traffic,
    quality: Mapped<abi::Quality>,
    clock: Clock,
}

impl Loaded {
    /// A writer into the maps.
    ///
    /// # Errors
    /// When the kernel does not let them be opened.
    pub fn filler(&self) -> Result<Filler, DatapathError> {
        let circuits = self.options.sizes.circuits.max(1) as usize;
        let cpus = libbpf_rs::num_possible_cpus().map_err(DatapathError::Load)?;
        Ok(Filler {
            flows: FlowTable::new(&self.object, self.flow_shape)?,
            traffic: Traffic::new(&self.object, &self.options.sizes, cpus)?,
            quality: mapped(&self.object, "tg_quality", circuits)?,
            clock: Clock::new(&self.object)?,
        })
    }
}

impl Filler {
    /// What the programs would date a packet by now.
    ///
    /// # Errors
    /// When their clock cannot be read.
    pub fn jiffies(&self) -> Result<u64, DatapathError> {
        self.clock.now().map(|now| now.jiffies())
    }

    /// Writes a flow; false when there is no place for it.
    pub fn flow(&self, key: &abi::FlowKey, flow: abi::Flow, history: &abi::FlowHistory) -> bool {
        self.flows.write(key, flow, history)
    }

    /// Writes a circuit's traffic on one CPU.
    ///
    /// # Panics
    /// When the maps have no such row.
    pub fn traffic(&self, cpu: CpuId, slot: CircuitSlot, counts: &[abi::Count; 8]) {
        self.traffic.write(cpu, slot, counts);
    }

    /// Writes what is known of a circuit's connections.
    ///
    /// # Panics
    /// Likewise.
    pub fn quality(&self, slot: CircuitSlot, quality: &abi::Quality) {
        self.quality.write(slot.index(), quality);
    }
}
