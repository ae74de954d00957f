//! The measuring street: samples in, snapshots out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use collect::{classes, clock, counters};
use kernel::datapath::Counters;
use kernel::netlink::NetlinkError;
use kernel::tc::{Controller, Failed};
use plan::{AddressPlan, Plan, Target};
use state::{Engine, MapFill, Sample, UnknownHost};
use supervisor::{Backoff, Context, Policy, SpawnError, Supervisor, with_causes};
use tracing::warn;
use units::IfIndex;

use crate::shared::{Current, Shared};

/// How often samples are taken.
const TICK: Duration = Duration::from_secs(1);

/// A thread that shows no sign of life for this long is late.
const HEARTBEAT_MAX: Duration = Duration::from_secs(5);

/// An unknown host that was silent for this long is forgotten.
const UNKNOWN_IDLE_NS: u64 = 3_600_000_000_000;

/// Why the thread that reads the classes gave up.
#[derive(Debug, thiserror::Error)]
enum QdiscsError {
    #[error("could not open netlink")]
    Open(#[from] NetlinkError),
    #[error(transparent)]
    Dump(#[from] Failed),
}

/// Starts the measuring threads: `qdiscs` and `tick`.
///
/// # Errors
/// When the kernel gives no thread.
pub fn start(
    supervisor: &mut Supervisor,
    shared: &Arc<Shared>,
    engine: Engine,
    counters: Counters,
) -> Result<(), SpawnError> {
    let nics: Vec<_> = shared.attachments.iter().map(|attachment| attachment.ifindex).collect();
    let shared_with_qdiscs = Arc::clone(shared);
    supervisor.spawn(
        "qdiscs",
        Policy::Restart(Backoff::default()),
        HEARTBEAT_MAX,
        move |context| read_classes(context, &shared_with_qdiscs, &nics),
    )?;
    let mut tick = Tick { shared: Arc::clone(shared), engine, counters, generation: 0 };
    supervisor.spawn("tick", Policy::Essential, HEARTBEAT_MAX, move |context| tick.run(context))
}

fn read_classes(context: &Context, shared: &Shared, nics: &[IfIndex]) -> Result<(), QdiscsError> {
    let mut controller = Controller::open()?;
    loop {
        if !shared.current.load().layout.queues.is_empty() {
            let sample = classes::read(&mut controller, nics)?;
            shared.classes.store(Some(Arc::new(sample)));
        }
        if context.sleep(TICK) {
            return Ok(());
        }
    }
}

/// Gathers a sample a second and publishes what follows from it.
struct Tick {
    shared: Arc<Shared>,
    engine: Engine,
    counters: Counters,
    generation: u64,
}

impl Tick {
    fn run(&mut self, context: &Context) -> Result<(), Infallible> {
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
        let mut sample = counters::read(&self.counters, slots.unwrap_or(0));
        match counters::read_unknown(&self.counters) {
            Ok(unknown) => self.keep(unknown, &mut sample, &current),
            Err(error) => warn!(error = with_causes(&error), "could not read the unknown hosts"),
        }
        sample.classes = self.shared.classes.load_full();
        self.engine.update(&current.layout, sample);
        self.shared.ticks.send_modify(|tick| *tick += 1);
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
