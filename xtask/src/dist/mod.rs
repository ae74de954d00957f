//! The Debian package: made by cargo-deb, tried in a system of its own.
//!
//! - here: the programs, what they say of themselves (manual, completions), the package;
//! - `root`: the least of Debian, in a folder;
//! - `trial`: what becomes of that when the package comes, is upgraded, and goes.

mod root;
mod trial;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{setup, step};

/// What to do.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Also install, upgrade, remove and purge the package in a system of its own. As root.
    #[arg(long = "try")]
    pub(crate) is_tried: bool,
}

/// The version that is upgraded to when the package is tried: later than any other.
const NEXT: &str = "9999.0.0-1";

/// Makes the package and says where it is.
///
/// # Errors
/// When something cannot be had or built, or what the package does is not as it should be.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run_for_dist()?;
    let package = if arguments.is_tried {
        let [package, next] = packages()?;
        trial::run(&package, &next)?;
        package
    } else {
        build()?;
        package(&step::target().join("debian"), None)?
    };
    println!("{}", package.display());
    Ok(())
}

/// The package, and one of a later version that has the same in it.
///
/// # Errors
/// When they cannot be made.
pub(crate) fn packages() -> Result<[PathBuf; 2]> {
    setup::run_for_dist()?;
    build()?;
    // first, as cargo-deb removes packages of other versions
    let next = package(&step::target().join("dist/next"), Some(NEXT))?;
    Ok([package(&step::target().join("debian"), None)?, next])
}

/// Builds the programs, and has them say what else belongs to the package.
fn build() -> Result<()> {
    let arguments = ["build", "--quiet", "--release", "--locked"];
    step::run(step::cargo().args(arguments).args(["--package", "daemon", "--package", "cli"]))?;
    let release = std::path::absolute(step::target())?.join("release");
    let folder = release.join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let tidegate = release.join("tidegate");
    step::run(Command::new(&tidegate).arg("man").arg(&folder))?;
    for shell in ["bash", "zsh", "fish"] {
        let path = folder.join(format!("tidegate.{shell}"));
        let script =
            File::create(&path).with_context(|| format!("could not create {}", path.display()))?;
        step::run(Command::new(&tidegate).args(["completions", shell]).stdout(script))?;
    }
    let pages = fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
    let pages: Vec<_> = pages.filter(|path| is_page(path)).collect();
    step::run(Command::new("gzip").args(["--best", "--no-name"]).args(&pages))
}

/// Whether a file is a page of the manual: its ending is the section.
fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "1" || ending == "8")
}

/// Makes the package of this version in a folder that is made anew.
fn package(folder: &Path, version: Option<&str>) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    let mut cargo = step::cargo();
    cargo.args(["deb", "--quiet", "--package", "daemon", "--no-build", "--strip", "--locked"]);
    cargo.args(version.iter().flat_map(|version| ["--deb-version", version]));
    step::run(cargo.arg("--output").arg(folder.join("")))?;
    let made = fs::read_dir(&folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"));
    made.with_context(|| format!("cargo-deb made no package in {}", folder.display()))
}
