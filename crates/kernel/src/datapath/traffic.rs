//! What the programs count of each circuit: `count_circuit` in `ebpf/count.bpf.h`, seen from userspace.

use libbpf_rs::Object;
use units::{CircuitSlot, CpuId};

use super::load::mapped;
use super::mapped::Mapped;
use super::{DatapathError, MapSizes};

/// Counters of a circuit on a CPU: one for each direction and protocol.
const COUNTERS: usize = abi::Direction::COUNT * abi::Protocol::COUNT;

/// What circuits send and receive, by CPU.
#[derive(Debug)]
pub(super) struct Traffic {
    counts: Mapped<abi::Count>,
    circuits: usize,
    cpus: usize,
}

/// Tells whether circuits have traffic, without stopping it.
#[derive(Debug)]
pub struct Activity(Traffic);

impl Activity {
    pub(super) fn new(
        object: &Object,
        sizes: &MapSizes,
        cpus: usize,
    ) -> Result<Self, DatapathError> {
        Traffic::new(object, sizes, cpus).map(Self)
    }

    /// How many packets of a circuit have come since the programs were loaded, both ways, all CPUs added.
    pub fn packets(&self, slot: CircuitSlot) -> u64 {
        self.0.packets(slot)
    }
}

impl Traffic {
    /// How many rows the map has.
    pub(super) const fn rows(circuits: u32, cpus: u32) -> u32 {
        circuits.saturating_mul(COUNTERS as u32).saturating_mul(cpus)
    }

    pub(super) fn new(
        object: &Object,
        sizes: &MapSizes,
        cpus: usize,
    ) -> Result<Self, DatapathError> {
        let circuits = sizes.circuits.max(1) as usize;
        Ok(Self {
            counts: mapped(object, "tg_traffic", cpus * COUNTERS * circuits)?,
            circuits,
            cpus,
        })
    }

    /// A circuit's traffic since the programs were loaded, all CPUs added; at
    /// `direction * Protocol::COUNT + protocol`. Zero beyond the table.
    pub(super) fn sum(&self, slot: CircuitSlot) -> [abi::Count; COUNTERS] {
        let mut sum = [abi::Count::default(); COUNTERS];
        if slot.index() < self.circuits {
            for cpu in 0..self.cpus {
                for (counter, sum) in sum.iter_mut().enumerate() {
                    let count = self.counts.read(self.row(cpu, counter, slot));
                    sum.bytes = sum.bytes.wrapping_add(count.bytes);
                    sum.packets = sum.packets.wrapping_add(count.packets);
                }
            }
        }
        sum
    }

    /// How many packets a circuit had, both ways.
    fn packets(&self, slot: CircuitSlot) -> u64 {
        self.sum(slot).iter().fold(0, |sum, count| sum.wrapping_add(count.packets))
    }

    /// Writes what one CPU would have counted.
    ///
    /// # Panics
    /// When there is no such CPU or slot.
    pub(super) fn write(&self, cpu: CpuId, slot: CircuitSlot, counts: &[abi::Count; COUNTERS]) {
        for (counter, count) in counts.iter().enumerate() {
            self.counts.write(self.row(cpu.get().into(), counter, slot), count);
        }
    }

    fn row(&self, cpu: usize, counter: usize, slot: CircuitSlot) -> usize {
        (cpu * COUNTERS + counter) * self.circuits + slot.index()
    }
}
