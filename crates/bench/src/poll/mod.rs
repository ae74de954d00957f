//! What a tick costs: reading what the kernel has, deriving what follows and publishing it.
//!
//! Times are of the processor that the measuring thread had, so what else runs on the machine weighs
//! little. The reference is what the kernel alone takes to hand the same over.

mod circuits;
mod leaves;
mod memory;
mod reader;

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

use crate::record::Record;

/// Measures and tells.
pub(crate) fn run() -> Result<Vec<Record>> {
    let mut records = circuits::measure()?;
    records.extend(leaves::measure()?);
    Ok(records)
}

/// Milliseconds of processor time that `work` takes, and what it gives.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let before = processor_ms();
    let product = work()?;
    Ok((processor_ms() - before, product))
}

fn processor_ms() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

fn record(scenario: &str, metric: &str, unit: &str, value: f64, reference: Option<f64>) -> Record {
    Record {
        bench: "poll".to_owned(),
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference,
    }
}
