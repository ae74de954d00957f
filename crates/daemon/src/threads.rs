//! The measuring street: samples in, snapshots out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use collect::{classes, clock, counters};
use kernel::datapath::{Counters, DatapathError};
use kernel::netlink::NetlinkError;
use kernel::tc::{Controller, Failed};
use state::{Engine, Sample};
use supervisor::{Backoff, Context, Policy, SpawnError, Supervisor};
use tracing::warn;
use units::IfIndex;

use crate::shared::Shared;

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
    fn run(&mut self, context: &Context) -> Result<(), DatapathError> {
        loop {
            self.publish()?;
            if context.sleep(TICK) {
                return Ok(());
            }
        }
    }

    fn publish(&mut self) -> Result<(), DatapathError> {
        let current = self.shared.current.load_full();
        let slots = current.plan.circuits.iter().map(|circuit| circuit.slot.get() + 1).max();
        let mut sample = counters::read(&self.counters, slots.unwrap_or(0))?;
        self.forget(&mut sample, current.generation);
        sample.classes = self.shared.classes.load_full();
        self.engine.update(&current.layout, sample);
        self.shared.ticks.send_modify(|tick| *tick += 1);
        Ok(())
    }

    /// Makes room for other unknown hosts: the silent ones go, and all of them when a new
    /// configuration may have made them known.
    fn forget(&mut self, sample: &mut Sample, generation: u64) {
        let now = clock::monotonic_ns();
        let all = self.generation != generation;
        self.generation = generation;
        let goes = |last_seen_ns: u64| all || now.saturating_sub(last_seen_ns) > UNKNOWN_IDLE_NS;
        let gone: Vec<IpAddr> = sample
            .unknown
            .iter()
            .filter(|host| goes(host.last_seen_ns))
            .map(|host| host.addr)
            .collect();
        sample.unknown.retain(|host| !goes(host.last_seen_ns));
        if let Err(error) = self.counters.forget_unknown(&gone) {
            warn!(error = crate::exit::chain(&error), "could not forget unknown hosts");
        }
    }
}
