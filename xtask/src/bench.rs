//! Measurements: the pure ones here, those that need the kernel in the `bench` package.

use std::path::PathBuf;

use anyhow::Result;

use crate::step;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One benchmark; all without it.
    name: Option<String>,
    /// Also write the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs the benchmarks, always optimised.
///
/// # Errors
/// When one of them fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut cargo = step::cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "bench", "--"]);
    cargo.args(&arguments.name);
    if let Some(json) = &arguments.json {
        // The benchmarks run in the workspace's folder; the path is meant from here.
        cargo.arg("--json").arg(std::path::absolute(json)?);
    }
    step::run(&mut cargo)
}
