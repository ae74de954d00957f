//! Putting programs and classes in place, and taking them out.

use apply::{ApplyError, apply, point, teardown};
use kernel::LinuxKernel;
use kernel::datapath::{Attached, DatapathError, MapTables};
use plan::Plan;
use supervisor::with_causes;
use tracing::{info, warn};
use units::{Direction, PerDirection, QueueId};

use crate::error::ShaperError;

/// Puts all up where nothing is: classes first, so that packets have them when programs name them.
pub fn begin(
    mut kernel: LinuxKernel<MapTables>,
    (previous, plan): (Option<&Plan>, &Plan),
    attach: impl FnOnce() -> Result<Attached, DatapathError>,
) -> Result<(LinuxKernel<MapTables>, Attached), ShaperError> {
    put_up(&mut kernel, previous, plan)?;
    kernel.tables.control().set_queues(unclaimed_queues(plan));
    match attach() {
        Ok(attached) => Ok((kernel, attached)),
        Err(error) => {
            take_down(&mut kernel, plan);
            Err(error.into())
        }
    }
}

/// Puts our programs in the places of those that run, and then changes what the plan changes.
pub fn succeed(
    mut kernel: LinuxKernel<MapTables>,
    (previous, plan): (Option<&Plan>, &Plan),
    has_tables: bool,
    attach: impl FnOnce() -> Result<Attached, DatapathError>,
) -> Result<(LinuxKernel<MapTables>, Attached), ShaperError> {
    // tables that were taken over may be ahead of the plan that was kept
    if let Some(previous) = previous.filter(|_| !has_tables) {
        point(&mut kernel, previous)?;
    }
    kernel.tables.control().set_queues(unclaimed_queues(plan));
    let attached = attach()?;
    match put_up(&mut kernel, previous, plan) {
        Ok(()) => Ok((kernel, attached)),
        Err(error) => {
            attached.leave();
            Err(error.into())
        }
    }
}

fn put_up(
    kernel: &mut LinuxKernel<MapTables>,
    previous: Option<&Plan>,
    plan: &Plan,
) -> Result<(), ApplyError> {
    let report = apply(kernel, previous, plan)?;
    info!(operations = report.operations, circuits = report.circuits, "classes are in place");
    Ok(())
}

/// Takes the classes out, as far as that goes. What does not is logged.
pub fn take_down(kernel: &mut LinuxKernel<MapTables>, plan: &Plan) {
    if let Err(error) = teardown(kernel, plan) {
        warn!(error = with_causes(&error), "could not take everything down");
    }
}

/// The queues over which each direction's unclaimed packets are spread: those of the plan.
pub fn unclaimed_queues(plan: &Plan) -> PerDirection<(QueueId, u16)> {
    PerDirection::from_fn(|direction: Direction| {
        let queues = plan.nics.iter().flat_map(|nic| &nic.queues);
        let mut ids: Vec<_> =
            queues.filter(|queue| queue.direction == direction).map(|queue| queue.queue).collect();
        ids.sort();
        (ids.first().copied().unwrap_or_default(), ids.len() as u16)
    })
}
