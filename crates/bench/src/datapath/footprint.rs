//! What loading costs: the verifier's work, time, memory.

use std::time::Instant;

use anyhow::Result;
use kernel::datapath::{Loaded, ProgramEffort};

use super::provider::{bridge, default_sizes};
use crate::record::median;

/// For how many CPUs the memory is told, beside what each further one takes.
const CPUS: u32 = 2;

/// What loading costs.
#[derive(Clone, Debug)]
pub(super) struct Footprint {
    /// Of each program.
    pub(super) efforts: Vec<ProgramEffort>,
    /// Milliseconds to load all programs and maps at their default sizes; one load serves both NICs.
    pub(super) load_ms: f64,
    /// Mebibytes of all maps at their default sizes, for two CPUs.
    pub(super) memory_mib: f64,
    /// Likewise for each further CPU.
    pub(super) memory_per_cpu_mib: f64,
}

/// What the verifier does for each program.
pub(super) fn efforts() -> Result<Vec<ProgramEffort>> {
    Ok(Loaded::new(bridge(default_sizes()?))?.verifier_effort()?)
}

/// Loads the programs often enough.
pub(super) fn measure(rounds: usize) -> Result<Footprint> {
    let mut milliseconds = Vec::new();
    for _ in 0..rounds {
        let options = bridge(default_sizes()?);
        let start = Instant::now();
        let loaded = Loaded::new(options)?;
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        drop(loaded);
    }
    let memory_mib = mebibytes(CPUS)?;
    Ok(Footprint {
        efforts: efforts()?,
        load_ms: median(milliseconds),
        memory_mib,
        memory_per_cpu_mib: mebibytes(CPUS + 1)? - memory_mib,
    })
}

fn mebibytes(cpus: u32) -> Result<f64> {
    let loaded = Loaded::for_cpus(bridge(default_sizes()?), cpus)?;
    let bytes: u64 = loaded.map_memory()?.iter().map(|map| map.bytes).sum();
    Ok(bytes as f64 / f64::from(1 << 20))
}
