//! Installs what is missing: Debian packages, and programs that cargo builds.

use std::process::Command;

use anyhow::{Result, bail};

use crate::packages::{DIST_NEEDS, NEEDS, Need, PYTHON_NEEDS, VM_NEEDS, program};
use crate::step;

/// A program that cargo builds.
struct Built {
    name: &'static str,
    /// One that builds with the pinned compiler.
    version: &'static str,
    purpose: &'static str,
}

const NEXTEST: Built =
    Built { name: "cargo-nextest", version: "0.9.143", purpose: "runs the tests" };
const CARGO_DEB: Built =
    Built { name: "cargo-deb", version: "3.8.0", purpose: "makes the Debian package" };

/// Installs what is missing and says so.
///
/// # Errors
/// When something is missing and cannot be installed here.
pub(crate) fn run() -> Result<()> {
    install(&NEEDS)?;
    build(&NEXTEST)
}

/// Everything for all verbs.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_for_all() -> Result<()> {
    run_for_vm()?;
    run_for_dist()
}

/// As [`run`], with what making and trying the package needs.
///
/// # Errors
/// Likewise.
pub(crate) fn run_for_dist() -> Result<()> {
    run()?;
    install(&DIST_NEEDS)?;
    build(&CARGO_DEB)
}

fn build(built: &Built) -> Result<()> {
    let Built { name, version, purpose } = built;
    if program(name).is_none() {
        eprintln!("{name} is missing: it {purpose}. Building it takes a few minutes.");
        let version = format!("{name}@{version}");
        step::run(step::cargo().args(["install", "--locked", &version]))?;
    }
    Ok(())
}

/// As [`run`], with what the Python package and the VM lab need.
///
/// # Errors
/// Likewise.
pub(crate) fn run_for_vm() -> Result<()> {
    run()?;
    install(&PYTHON_NEEDS)?;
    install(&VM_NEEDS)
}

/// Installs what of this is missing.
///
/// # Errors
/// When it cannot be installed here.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() { Ok(()) } else { install_packages(&missing) }
}

fn install_packages(missing: &[&Need]) -> Result<()> {
    for need in missing {
        eprintln!("{} is missing: it {}.", need.package, need.purpose);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if program("apt-get").is_none() {
        bail!(
            "only Debian's packages can be installed from here; by hand, install what Debian calls {}",
            packages.join(", ")
        );
    }
    step::run(apt_get().arg("update"))?;
    let options = ["install", "--yes", "--no-install-recommends"];
    step::run(apt_get().args(options).args(&packages))?;
    if let Some(need) = missing.iter().find(|need| !need.is_met()) {
        bail!("{} was installed, but what it should bring is still not found", need.package);
    }
    Ok(())
}

/// apt-get that asks nothing, through sudo when not root.
pub(crate) fn apt_get() -> Command {
    let environment = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"];
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("env");
        command.args(environment);
        command
    } else {
        let mut command = Command::new("sudo");
        command.arg("env").args(environment);
        command
    }
}
