//! The VM lab: scenarios on Debian's stock kernel, which has what a development machine's kernel may
//! lack (CAKE, netem) and lacks what newer ones have (TCX), in an emulated machine.
//!
//! The machine's root is this one's, read only, below a layer in its memory. What runs inside is
//! the package `vmlab`.

mod boot;
mod debian;
mod image;
mod programs;
mod report;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::{setup, step};
use boot::Machine;
use debian::Kernel;
use image::Image;
use programs::Programs;
use report::Report;

/// What to run.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Scenarios by name; all of them without any.
    scenarios: Vec<String>,
    /// Also write the results as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Boots the machine, runs the scenarios in it, and shows what came of each.
///
/// # Errors
/// When something cannot be had, built or booted, hangs, or when a scenario fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    setup::run_for_vm()?;
    let programs = Programs::build()?;
    let folder = step::target().join("vm");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let kernel = Kernel::fetch(&folder)?;
    let image = Image::make(&folder, &kernel)?;
    let console = folder.join("console.log");
    eprintln!("--- Linux {} in QEMU, console in {}", kernel.version, console.display());
    let machine = Machine { kernel: &kernel.vmlinuz, image: &image.path, console: &console };
    let course = machine.run(&programs.command(&arguments.scenarios)?)?;
    let report = Report::new(course, begun.elapsed());
    print!("{report}");
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if !report.passed {
        eprintln!("{}", boot::tail(&console));
    }
    ensure!(
        report.passed,
        "the VM lab found something; all of its console is in {}",
        console.display()
    );
    Ok(())
}
