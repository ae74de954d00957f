//! The measuring street: samples in, snapshots out. One file a thread.
//!
//! What a thread reads from lives as long as the daemon: a thread that is started again goes on with
//! the same reader and the same state.

mod flows;
mod origins;
mod qdiscs;
mod retransmits;
mod tick;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use kernel::datapath::{Counters, Flows, Quality, Ring};
use state::{Engine, FlowEngine};
use supervisor::{Backoff, Policy, SpawnError, Supervisor};

use crate::audit::AuditLog;
use crate::captures;
use crate::service;
use crate::shared::Shared;

/// How often samples are taken.
const TICK: Duration = Duration::from_secs(1);

/// A thread that shows no sign of life for this long is late.
const HEARTBEAT_MAX: Duration = Duration::from_secs(5);

/// Reading a table of the Internet's addresses may take some seconds.
const ORIGINS_HEARTBEAT_MAX: Duration = Duration::from_secs(60);

/// Retransmissions that may wait to be collated: some four seconds of one in a hundred packets of
/// 10 Gbit/s. What comes beyond is counted, and missing from the lists of single events alone.
const RETRANSMITS_WAITING_MAX: usize = 32_768;

/// What the threads read from and write to.
#[derive(Debug)]
pub struct Sources {
    /// Derives snapshots of circuits, nodes and the box.
    pub engine: Engine,
    /// Derives snapshots of flows.
    pub flow_engine: FlowEngine,
    /// What the programs count.
    pub counters: Counters,
    /// The flows that they remember.
    pub flows: Flows,
    /// What they know of circuits' connections.
    pub quality: Quality,
    /// TCP segments that were sent again.
    pub retransmits: Ring<abi::Retransmit>,
}

/// Starts the thread that writes changes down, where that is wanted. What ends last can still be written.
///
/// # Errors
/// When the kernel gives no thread.
pub fn audit(
    supervisor: &mut Supervisor,
    wanted: Option<&Arc<AuditLog>>,
) -> Result<(), SpawnError> {
    let Some(audit) = wanted.cloned() else { return Ok(()) };
    let restart = Policy::Restart(Backoff::default());
    supervisor.spawn("audit", restart, HEARTBEAT_MAX, move |context| audit.run(context))
}

/// Starts the measuring threads.
///
/// # Errors
/// When the kernel gives no thread.
pub fn start(
    supervisor: &mut Supervisor,
    shared: &Arc<Shared>,
    sources: Sources,
) -> Result<(), SpawnError> {
    let Sources { engine, flow_engine, counters, flows, quality, retransmits } = sources;
    let restart = Policy::Restart(Backoff::default());
    let nics: Vec<_> = shared.attachments.iter().map(|attachment| attachment.ifindex).collect();
    let of_qdiscs = Arc::clone(shared);
    supervisor.spawn("qdiscs", restart, HEARTBEAT_MAX, move |context| {
        qdiscs::run(context, &of_qdiscs, &nics)
    })?;
    let mut origins = origins::Watch::new(Arc::clone(shared));
    let table = origins.table();
    supervisor
        .spawn("origins", restart, ORIGINS_HEARTBEAT_MAX, move |context| origins.run(context))?;
    let (sender, receiver) = bounded(RETRANSMITS_WAITING_MAX);
    let of_retransmits = Arc::clone(shared);
    supervisor.spawn("retransmits", restart, HEARTBEAT_MAX, move |context| {
        retransmits::run(context, &of_retransmits, &retransmits, &sender)
    })?;
    let mut watch = flows::Watch::new(Arc::clone(shared), flow_engine, flows, receiver, table);
    supervisor.spawn("flows", restart, HEARTBEAT_MAX, move |context| watch.run(context))?;
    let of_capture = Arc::clone(shared);
    supervisor.spawn("capture", restart, HEARTBEAT_MAX, move |context| {
        captures::deliver(context, &of_capture.captures, &of_capture.attachments)
    })?;
    let mut tick = tick::Tick::new(Arc::clone(shared), engine, counters, quality);
    supervisor.spawn("tick", Policy::Essential, HEARTBEAT_MAX, move |context| tick.run(context))?;
    if service::is_there() {
        let of_service = Arc::clone(shared);
        supervisor.spawn("service", restart, HEARTBEAT_MAX, move |context| {
            service::run(context, &of_service);
            Ok::<(), Infallible>(())
        })?;
    }
    Ok(())
}
