//! Measurements: the pure ones here, those that need the kernel in the package `bench`.

mod figure;
mod pure;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step;
use figure::Figure;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One benchmark; all of them without it.
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
    // The benchmarks run in the workspace's folder; the path is meant from here.
    let json = arguments.json.as_ref().map(std::path::absolute).transpose()?;
    let name = arguments.name.as_deref();
    if cfg!(debug_assertions) {
        let mut cargo = step::cargo();
        cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]).args(name);
        if let Some(json) = &json {
            cargo.arg("--json").arg(json);
        }
        return step::run(&mut cargo);
    }
    let mut figures = Vec::new();
    let is_wanted = |pure: &str| name.is_none_or(|name| name == pure);
    let pure: Vec<_> = pure::ALL.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    if !pure.is_empty() {
        println!("{}", figure::heading()?);
    }
    for (name, measure) in &pure {
        let measured = measure().with_context(|| format!("benchmark {name}"))?;
        print!("{}", figure::table(&measured));
        figures.extend(measured);
    }
    if name.is_none() || pure.is_empty() {
        figures.extend(in_kernel(name, json.as_deref())?);
    }
    if let Some(json) = json {
        let text = serde_json::to_string_pretty(&figures).context("could not write JSON")?;
        fs::write(&json, text + "\n")
            .with_context(|| format!("could not write {}", json.display()))?;
    }
    Ok(())
}

/// Has the other package measure, which prints its own tables.
fn in_kernel(name: Option<&str>, json: Option<&Path>) -> Result<Vec<Figure>> {
    let mut cargo = step::cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "bench", "--"]).args(name);
    let Some(json) = json else {
        step::run(&mut cargo)?;
        return Ok(Vec::new());
    };
    step::run(cargo.arg("--json").arg(json))?;
    let text =
        fs::read_to_string(json).with_context(|| format!("could not read {}", json.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has no figures", json.display()))
}
