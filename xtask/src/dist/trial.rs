//! The package in a system of its own: it comes, is upgraded, and goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use testkit::Output;

use super::root::Root;
use crate::step;

const SETTINGS: &str = "/etc/tidegate/tidegate.toml";
/// Where the unit is enabled.
const ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/tidegated.service";
/// Where the unit that tunes would be enabled, which is the operator's to do.
const TUNES: &str = "/etc/systemd/system/multi-user.target.wants/tidegate-tune.service";
/// A line that the operator adds to the settings.
const EDIT: &str = "# our box in the north\n";
/// What may be different in a system that a package has come to and gone from: the books that dpkg, apt
/// and systemd keep, and the groups.
const BOOKS: [&str; 8] = [
    "/var/lib/dpkg/",
    "/var/lib/apt/",
    "/var/cache/",
    "/var/log/apt/",
    "/var/log/dpkg.log",
    "/etc/group",
    "/etc/gshadow",
    "/run/systemd/",
];

/// Tries it; as root.
pub(super) fn run(package: &Path, next: &Path) -> Result<()> {
    let root = Root::new(&step::target().join("dist"))?;
    eprintln!("--- the package comes, is upgraded, and goes");
    for (name, package) in [("now.deb", package), ("next.deb", next)] {
        fs::copy(package, root.path(&format!("/srv/{name}")))
            .with_context(|| format!("could not copy {}", package.display()))?;
    }
    let before = files(&root)?;
    comes(&root)?;
    let edited = fs::read_to_string(root.path(SETTINGS))? + EDIT;
    fs::write(root.path(SETTINGS), &edited)?;
    let devices = root.path("/etc/tidegate/ShapedDevices.csv");
    fs::copy(step::root().join("config/example/ShapedDevices.csv"), &devices)?;
    let version = version(&root)?;
    let upgraded = root.run(&["dpkg", "--install", "/srv/next.deb"])?;
    ensure!(self::version(&root)? != version, "it was not upgraded");
    ensure!(!upgraded.stdout.contains("not started"), "it speaks of a start: {upgraded}");
    ensure!(fs::read_to_string(root.path(SETTINGS))? == edited, "the operator's edit is lost");
    goes(&root, &edited)?;
    let after = files(&root)?;
    let added: Vec<_> = after.difference(&before).collect();
    ensure!(added.is_empty(), "the purged package has left {added:?}");
    let lost: Vec<_> = before.difference(&after).collect();
    ensure!(lost.is_empty(), "the purged package has taken {lost:?} along");
    Ok(())
}

/// A first installation, with what it depends on.
fn comes(root: &Root) -> Result<()> {
    let words = ["apt-get", "install", "--yes", "--no-install-recommends", "/srv/now.deb"];
    let installed = root.run(&words)?;
    ensure!(installed.stdout.contains("enabled, but not started"), "{installed}");
    let said = |output: &Output| format!("{}{}", output.stdout, output.stderr);
    let version = root.run(&["tidegated", "--version"])?;
    ensure!(version.stdout.starts_with("tidegated "), "{version}");
    // what a package of settings for NICs that are not there must not do
    let check = root.try_run(&["tidegate", "check"])?;
    ensure!(said(&check).contains("network.json"), "{check}");
    for file in [
        ENABLED,
        SETTINGS,
        "/etc/logrotate.d/tidegate",
        "/usr/share/bash-completion/completions/tidegate",
        "/usr/share/doc/tidegate/copyright",
        "/usr/share/man/man1/tidegate-status.1.gz",
        "/usr/share/man/man8/tidegated.8.gz",
        "/var/log/tidegate",
    ] {
        ensure!(fs::symlink_metadata(root.path(file)).is_ok(), "{file} is missing: {installed}");
    }
    ensure!(fs::symlink_metadata(root.path(TUNES)).is_err(), "the machine would be tuned unasked");
    let groups = fs::read_to_string(root.path("/etc/group"))?;
    for group in ["tidegate", "tidegate-admin"] {
        let begins = format!("{group}:");
        ensure!(groups.lines().any(|line| line.starts_with(&begins)), "no group {group}");
    }
    let unit = "/usr/lib/systemd/system/tidegated.service";
    let tune = "/usr/lib/systemd/system/tidegate-tune.service";
    let verified = root.run(&["systemd-analyze", "verify", "--man=no", unit, tune])?;
    ensure!(said(&verified).is_empty(), "{verified}");
    // the unit holds the sample for what nobody has configured yet, and nothing else
    let text = fs::read_to_string(root.path(unit))?;
    let condition = text.lines().find_map(|line| line.strip_prefix("ExecCondition=/bin/sh -c "));
    let condition = condition.context("the unit has no condition")?.trim_matches('\'');
    let holds = || Ok::<_, anyhow::Error>(root.try_run(&["sh", "-c", condition])?.status.success());
    ensure!(!holds()?, "the sample would be started");
    let settings = fs::read_to_string(root.path(SETTINGS))?;
    fs::write(root.path(SETTINGS), settings.clone() + EDIT)?;
    ensure!(holds()?, "edited settings would not be started");
    fs::write(root.path(SETTINGS), settings)?;
    Ok(())
}

/// It is removed, which leaves what the operator wrote, and then purged.
fn goes(root: &Root, settings: &str) -> Result<()> {
    // not while somebody's daemon runs: it holds the lock
    let folder = root.path("/run/tidegate");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("tidegated.kept"), "")?;
    let held = ["flock", "/run/tidegate/tidegated.lock", "dpkg", "--remove", "tidegate"];
    let refused = root.try_run(&held)?;
    ensure!(refused.stderr.contains("that systemd did not start"), "{refused}");
    ensure!(root.path("/usr/bin/tidegated").exists(), "removed under a daemon: {refused}");
    fs::remove_dir_all(folder)?;
    root.run(&["dpkg", "--remove", "tidegate"])?;
    ensure!(!root.path("/usr/bin/tidegated").exists(), "the program is still there");
    ensure!(fs::read_to_string(root.path(SETTINGS))? == settings, "the settings are gone");
    ensure!(root.path("/etc/tidegate/ShapedDevices.csv").exists(), "the circuits are gone");
    // who comes back is told how to start, as whoever comes for the first time
    let again = root.run(&["dpkg", "--install", "/srv/next.deb"])?;
    ensure!(again.stdout.contains("enabled, but not started"), "{again}");
    ensure!(fs::symlink_metadata(root.path(ENABLED)).is_ok(), "not enabled: {again}");
    root.run(&["dpkg", "--purge", "tidegate"])?;
    // what came with it
    root.run(&["apt-get", "autoremove", "--yes", "--purge"])?;
    Ok(())
}

fn version(root: &Root) -> Result<String> {
    let asked = root.run(&["dpkg-query", "--show", "--showformat=${Version}", "tidegate"])?;
    Ok(asked.stdout)
}

/// All files in the system but those of [`BOOKS`].
fn files(root: &Root) -> Result<BTreeSet<String>> {
    let found = root.run(&["find", "/", "-xdev"])?.stdout;
    let is_book = |path: &&str| BOOKS.iter().any(|book| path.starts_with(book));
    Ok(found.lines().filter(|path| !is_book(path)).map(str::to_owned).collect())
}
