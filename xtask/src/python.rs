//! The Python package: built as a wheel, and put into an environment of its own with all that its tests
//! need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::packages::{PYTHON_NEEDS, program};
use crate::{setup, step};

/// What names the environment's interpreter to tests.
const PYTHON: &str = "TIDEGATE_PYTHON";

/// Builds the package and runs its tests.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only build the wheel, as released, and say where it is.
    #[arg(long)]
    wheel: bool,
}

/// Builds, and runs the tests against a daemon in a lab.
///
/// # Errors
/// When something cannot be fetched or built, or a test fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.wheel {
        let wheels = folder().join("release");
        prepare_environment()?;
        return build(&wheels, "release").map(|wheel| eprintln!("{}", wheel.display()));
    }
    let python = prepare()?;
    let tests = "package(python) | (package(daemon) & test(python::))";
    step::run(step::cargo().args(["build", "--package", "daemon", "--bins", "--locked"]))?;
    step::run(
        step::cargo()
            .args(["nextest", "run", "--locked", "-p", "python", "-p", "daemon", "-E", tests])
            .env(PYTHON, python),
    )
}

/// Makes the environment with the package in it, and has the tests use it that `command` runs.
///
/// # Errors
/// When something cannot be fetched or built.
pub(crate) fn provide(command: &mut Command) -> Result<&mut Command> {
    Ok(command.env(PYTHON, prepare()?))
}

fn folder() -> PathBuf {
    step::target().join("python")
}

fn package() -> PathBuf {
    step::root().join("crates/python")
}

fn in_environment(name: &str) -> PathBuf {
    folder().join("venv/bin").join(name)
}

/// The interpreter of an environment that has the package as it is now.
fn prepare() -> Result<PathBuf> {
    prepare_environment()?;
    let wheel = build(&folder().join("wheels"), "dev")?;
    let offline = ["install", "--quiet", "--force-reinstall", "--no-deps", "--no-index"];
    step::run(Command::new(in_environment("pip")).args(offline).arg(wheel))?;
    Ok(in_environment("python"))
}

/// Makes the environment anew when what it is to have is no longer what it was made for.
fn prepare_environment() -> Result<()> {
    setup::install(&PYTHON_NEEDS)?;
    let wanted = fs::read_to_string(package().join("requirements-dev.txt"))
        .context("could not read requirements-dev.txt")?;
    let made_for = folder().join("venv/made-for");
    if fs::read_to_string(&made_for).ok().as_ref() == Some(&wanted) {
        return Ok(());
    }
    let python = program("python3").context("python3 is missing")?;
    let environment = folder().join("venv");
    step::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
    let patience = ["--timeout", "30", "--retries", "2"];
    let options = ["install", "--quiet", "--disable-pip-version-check"];
    step::run(
        Command::new(in_environment("pip"))
            .args(options)
            .args(patience)
            .arg("-r")
            .arg(package().join("requirements-dev.txt")),
    )
    .context(
        "pip could not fetch what the Python package is tested with; it needs the package index, \
         or a mirror that pip is told of (PIP_INDEX_URL)",
    )?;
    fs::write(&made_for, wanted).context("could not note what the environment has")
}

/// Builds the only wheel in `wheels`.
fn build(wheels: &Path, profile: &str) -> Result<PathBuf> {
    if wheels.exists() {
        fs::remove_dir_all(wheels).context("could not remove old wheels")?;
    }
    let options = ["build", "--locked", "--quiet", "--profile", profile, "--out"];
    let mut maturin = Command::new(in_environment("maturin"));
    step::run(maturin.args(options).arg(wheels).current_dir(package()))?;
    let mut made = fs::read_dir(wheels).context("could not look for the wheel")?;
    Ok(made
        .next()
        .context("maturin made no wheel")?
        .context("could not look for the wheel")?
        .path())
}
