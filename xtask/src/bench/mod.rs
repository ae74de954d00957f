//! Measurements: the pure ones here, those that need the kernel in the package `bench`.

mod figure;
mod origins;
mod pure;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step;
use figure::Figure;

/// Benchmarks of the package `bench`.
const IN_KERNEL: [&str; 8] = ["apply", "bus", "datapath", "live", "poll", "reload", "rtt", "top"];
/// Those that run a program itself, and its package.
const WITH_PROGRAM: [(&str, &str); 3] = [("bus", "daemon"), ("reload", "daemon"), ("top", "cli")];

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One benchmark; all of them without it.
    name: Option<String>,
    /// Also write the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What the one benchmark itself takes, after `--`.
    #[arg(last = true, requires = "name")]
    own: Vec<String>,
}

/// Runs the benchmarks, always optimised.
///
/// # Errors
/// When one of them fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // The benchmarks run in the workspace's folder; the path is meant from here.
    let json = arguments.json.as_ref().map(std::path::absolute).transpose()?;
    let name = arguments.name.as_deref();
    if cfg!(debug_assertions) {
        let mut cargo = step::cargo();
        cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]).args(name);
        if let Some(json) = &json {
            cargo.arg("--json").arg(json);
        }
        if !arguments.own.is_empty() {
            cargo.arg("--").args(&arguments.own);
        }
        return step::run(&mut cargo);
    }
    let is_wanted = |bench: &str| name.is_none_or(|name| name == bench);
    let pure: Vec<_> = pure::ALL.into_iter().filter(|(bench, _)| is_wanted(bench)).collect();
    if !pure.is_empty() {
        println!("{}", figure::heading()?);
    }
    let mut figures = Vec::new();
    for (bench, measure) in &pure {
        let measured = measure().with_context(|| format!("benchmark {bench}"))?;
        print!("{}", figure::table(&measured));
        figures.extend(measured);
    }
    if let Some(json) = &json {
        write_json(json, &figures)?;
    }
    match name {
        Some(name) if pure.is_empty() => in_kernel(name, json.as_deref(), &arguments.own),
        Some(_) => Ok(()),
        None => IN_KERNEL.iter().try_for_each(|bench| in_kernel(bench, json.as_deref(), &[])),
    }
}

fn write_json(path: &Path, figures: &[Figure]) -> Result<()> {
    let text = serde_json::to_string_pretty(figures).context("could not write JSON")?;
    fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
}

/// Has the other package measure. It prints its own table and adds its figures to the file.
fn in_kernel(name: &str, json: Option<&Path>, own: &[String]) -> Result<()> {
    for (_, package) in WITH_PROGRAM.iter().filter(|(bench, _)| *bench == name) {
        step::run(step::cargo().args(["build", "--quiet", "--release", "--package", package]))?;
    }
    let mut cargo = step::cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "bench", "--", name]).args(own);
    if let Some(json) = json {
        cargo.arg("--json").arg(json);
    }
    step::run(&mut cargo)
}
