//! Runs scenarios on the kernel that it finds itself on, and tells on standard output what came of each.
//!
//! Meant for a machine of its own, which `cargo xtask vm` boots: there the kernel has what the machine
//! outside may lack (CAKE, netem), and lacks what newer ones have (TCX). It runs outside as well, as
//! root. `tidegated` lies beside this program.

#![forbid(unsafe_code)]

mod attach;
mod change;
mod fairness;
mod findings;
mod kernel_tests;
mod latency;
mod round_trips;
mod scenario;
mod service;
mod shaping;
mod stage;
mod system;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;
use testkit::verdict::Line;

use crate::scenario::Scenario;
use crate::stage::Programs;

/// Runs scenarios on this kernel. As root.
#[derive(Debug, Parser)]
#[command(name = "tidegate-vmlab")]
struct Arguments {
    /// A program with tests of the package `kernel`; several may be given.
    #[arg(long)]
    tests: Vec<PathBuf>,
    /// A package of Tidegate's to install, and a second one to upgrade to.
    #[arg(long = "package")]
    packages: Vec<PathBuf>,
    /// Only these scenarios.
    scenarios: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let scenarios = wanted(&arguments.scenarios)?;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")
        .context("could not read the kernel's release")?;
    tell(&Line::Up {
        kernel: release.trim().to_owned(),
        scenarios: scenarios.iter().map(|scenario| scenario.name.to_owned()).collect(),
    });
    let programs = Programs::gather(&arguments.tests, &arguments.packages)?;
    for scenario in scenarios {
        let seconds_max = scenario.deadline.as_secs();
        tell(&Line::Begin { scenario: scenario.name.to_owned(), seconds_max });
        tell(&Line::End(scenario.run(&programs)));
    }
    tell(&Line::Over);
    Ok(())
}

/// The scenarios of these names; all of them without any.
fn wanted(names: &[String]) -> Result<Vec<&'static Scenario>> {
    let is_known = |name: &&String| scenario::ALL.iter().any(|scenario| scenario.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = scenario::ALL.iter().map(|scenario| scenario.name).collect();
        bail!("there is no scenario {unknown}; there are {}", known.join(", "));
    }
    let is_wanted =
        |scenario: &&Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(scenario::ALL.iter().filter(is_wanted).collect())
}

fn tell(line: &Line) {
    println!("{}", line.to_console());
}
