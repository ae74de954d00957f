//! `tick`: gathers a sample a second and publishes the snapshot that follows from it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use collect::{clock, counters, cpus, quality};
use kernel::datapath::{Counters, Quality};
use plan::{AddressPlan, Plan, Target};
use state::{Engine, MapFill, Sample, UnknownHost};
use supervisor::{Context, with_causes};
use tracing::warn;

use super::TICK;
use crate::shared::{Current, Shared};

/// An unknown host that was silent for this long is forgotten.
const UNKNOWN_IDLE_NS: u64 = 3_600_000_000_000;

/// Gathers a sample a second and publishes what follows from it.
pub(super) struct Tick {
    shared: Arc<Shared>,
    engine: Engine,
    counters: Counters,
    quality: Quality,
    generation: u64,
    /// Whether it could be read last how busy the CPUs are.
    has_cpus: bool,
}

impl Tick {
    pub(super) const fn new(
        shared: Arc<Shared>,
        engine: Engine,
        counters: Counters,
        quality: Quality,
    ) -> Self {
        Self { shared, engine, counters, quality, generation: 0, has_cpus: true }
    }

    pub(super) fn run(&mut self, context: &Context) -> Result<(), Infallible> {
        loop {
            self.publish();
            if context.sleep(TICK) {
                return Ok(());
            }
        }
    }

    fn publish(&mut self) {
        let current = self.shared.current.load_full();
        let slots = current.plan.circuits.iter().map(|circuit| circuit.slot.get() + 1).max();
        let slots = slots.unwrap_or(0);
        let mut sample = counters::read(&self.counters, slots);
        sample.bypass = self.shared.control.bypass();
        sample.quality = quality::read(&mut self.quality, slots);
        sample.maps = self.fills(&current);
        match counters::read_unknown(&self.counters) {
            Ok(unknown) => self.keep(unknown, &mut sample, &current),
            Err(error) => warn!(error = with_causes(&error), "could not read the unknown hosts"),
        }
        match cpus::read() {
            Ok(cpus) => (sample.cpus, self.has_cpus) = (cpus, true),
            Err(error) if self.has_cpus => {
                // once: it will not be otherwise the next second
                warn!(%error, "could not read how busy the CPUs are");
                self.has_cpus = false;
            }
            Err(_) => {}
        }
        sample.classes = self.shared.classes.load_full();
        self.engine.update(&current.layout, sample);
        self.shared.ticks.send_modify(|tick| *tick += 1);
    }

    /// How full the maps are that are not read for it.
    fn fills(&self, current: &Current) -> Vec<MapFill> {
        let flows = self.shared.flows.latest();
        let mut fills = vec![MapFill {
            name: "flows",
            used: flows.flows.len() as u64,
            capacity: flows.flows_capacity as u64,
        }];
        fills.extend(current.maps.iter().cloned());
        fills
    }

    /// Puts the unknown hosts into the sample and makes room for others: the silent ones go, and
    /// under a new configuration those that it has made known.
    fn keep(&mut self, hosts: Vec<UnknownHost>, sample: &mut Sample, current: &Current) {
        let now = clock::monotonic_ns();
        let look = self.generation != current.generation;
        self.generation = current.generation;
        let (gone, kept): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|host| {
            let silent = now.saturating_sub(host.last_seen_ns) > UNKNOWN_IDLE_NS;
            silent || look && is_known(&current.plan, host.addr)
        });
        sample.maps.push(MapFill {
            name: "unknown_hosts",
            used: kept.len() as u64,
            capacity: self.counters.unknown_capacity().into(),
        });
        sample.unknown = kept;
        let gone: Vec<IpAddr> = gone.into_iter().map(|host| host.addr).collect();
        if let Err(error) = self.counters.forget_unknown(&gone) {
            warn!(error = with_causes(&error), "could not forget unknown hosts");
        }
    }
}

/// Whether a circuit has the address. A block that holds it begins at or before it, and what begins
/// between the two is of the same circuit, as those of different circuits do not overlap.
fn is_known(plan: &Plan, address: IpAddr) -> bool {
    let after = plan.addresses.partition_point(|entry| entry.prefix.addr() <= address);
    let is_circuits = |entry: &&AddressPlan| matches!(entry.target, Target::Circuit(_));
    let mut before = plan.addresses[..after].iter().rev().filter(is_circuits).peekable();
    let Some(nearest) = before.peek().map(|entry| entry.target) else { return false };
    before.take_while(|entry| entry.target == nearest).any(|entry| entry.prefix.contains(address))
}

#[cfg(test)]
mod tests {
    use config::Mode;
    use units::CircuitSlot;

    use super::*;

    #[test]
    fn known_is_what_a_circuit_has() {
        let circuit = |slot| Target::Circuit(CircuitSlot::new(slot));
        let addresses = [
            ("100.64.0.0/10", Target::Customers),
            ("100.64.1.0/24", circuit(1)),
            ("100.64.1.5", circuit(1)),
            ("100.64.2.0/24", Target::Ignored),
            ("2001:db8::/32", circuit(2)),
        ];
        let addresses = addresses
            .map(|(prefix, target)| AddressPlan { prefix: prefix.parse().unwrap(), target });
        let plan = Plan {
            mode: Mode::Observe,
            nics: Vec::new(),
            circuits: Vec::new(),
            addresses: addresses.into(),
        };
        let known = |address: &str| is_known(&plan, address.parse().unwrap());
        for address in ["100.64.1.4", "100.64.1.5", "100.64.1.200", "2001:db8::1"] {
            assert!(known(address), "{address}");
        }
        for address in ["100.64.0.1", "100.64.2.1", "100.64.3.1", "10.0.0.1", "2001:db9::1"] {
            assert!(!known(address), "{address}");
        }
    }
}
