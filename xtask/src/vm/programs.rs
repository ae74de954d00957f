//! What runs inside, optimised: emulation is slow enough.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{dist, step};

/// Tests of the package `kernel` that say something of the kernel that they run on.
const TESTS: [&str; 5] = ["packets", "attaching", "flows", "queue_statistics", "traffic_control"];

/// What fits on the kernel's command line, which has 2,048 bytes, beside its own arguments.
const COMMAND_MAX: usize = 1_800;

/// The programs that the machine starts.
pub(super) struct Programs {
    /// The scenarios; the daemon is beside it.
    scenarios: PathBuf,
    /// The kernel crate's tests.
    tests: Vec<PathBuf>,
    /// The package, and one that it is upgraded to.
    packages: [PathBuf; 2],
}

/// What cargo says of something that it built.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

impl Programs {
    /// Builds them.
    pub(super) fn build() -> Result<Self> {
        let arguments = ["build", "--quiet", "--release", "--locked"];
        step::run(step::cargo().args(arguments).args([
            "--package",
            "daemon",
            "--package",
            "vmlab",
        ]))?;
        let scenarios = std::path::absolute(step::target().join("release/tidegate-vmlab"))?;
        Ok(Self { scenarios, tests: build_tests()?, packages: dist::packages()? })
    }

    /// The command that runs the scenarios of these names, or all.
    pub(super) fn command(&self, scenarios: &[String]) -> Result<String> {
        let mut words = vec![word(&self.scenarios)?];
        for tests in &self.tests {
            words.extend(["--tests", word(tests)?]);
        }
        for package in &self.packages {
            words.extend(["--package", word(package)?]);
        }
        words.extend(scenarios.iter().map(String::as_str));
        let command = words.join(" ");
        ensure!(command.len() <= COMMAND_MAX, "too long for the kernel's command line: {command}");
        Ok(command)
    }
}

/// Builds the tests and tells where they are.
fn build_tests() -> Result<Vec<PathBuf>> {
    let mut cargo = step::cargo();
    cargo.args(["test", "--quiet", "--release", "--locked", "--no-run", "--package", "kernel"]);
    cargo.args(TESTS.iter().flat_map(|name| ["--test", name]));
    let output = cargo.args(["--message-format", "json"]).stderr(Stdio::inherit()).output();
    let output = output.context("could not start cargo")?;
    ensure!(output.status.success(), "the tests of the package `kernel` do not build");
    let text = String::from_utf8_lossy(&output.stdout);
    let built = text.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    let programs: Vec<_> = built.filter_map(|built| built.executable).collect();
    ensure!(programs.len() == TESTS.len(), "cargo does not say where all tests are: {programs:?}");
    Ok(programs)
}

/// A path as a word on the kernel's command line, which knows no spaces in words.
fn word(path: &Path) -> Result<&str> {
    let text = path.to_str().context("a path is not UTF-8")?;
    ensure!(
        !text.contains([' ', '"', '\'', '\\']),
        "{text} has a space or a quotation mark in it, which the VM lab cannot pass on; build elsewhere"
    );
    Ok(text)
}
