//! Who may depend on whom, and what every package says of itself.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Finding;
use super::files::Tree;
use crate::step;

/// Each package, and which of ours it may use: the tiers, from the lowest up.
const ALLOWED: [(&str, &[&str]); 22] = [
    ("units", &[]),
    ("abi", &[]),
    ("tidegate-ebpf", &[]),
    ("supervisor", &[]),
    ("config", &["units"]),
    ("origin", &[]),
    ("state", &["units"]),
    ("bus", &["units"]),
    ("plan", &["config", "units"]),
    ("machine", &["units"]),
    ("kernel", &["abi", "units", "tidegate-ebpf"]),
    ("collect", &["abi", "kernel", "state", "supervisor", "units"]),
    ("apply", &["plan", "kernel", "units"]),
    ("metrics", &["bus", "units"]),
    ("tui", &["bus", "units"]),
    ("testkit", &["units"]),
    (
        "daemon",
        &[
            "units",
            "abi",
            "supervisor",
            "config",
            "origin",
            "state",
            "bus",
            "plan",
            "machine",
            "kernel",
            "collect",
            "apply",
            "metrics",
        ],
    ),
    ("cli", &["bus", "config", "machine", "origin", "plan", "tui", "units"]),
    ("python", &["bus", "config", "units"]),
    ("vmlab", &["bus", "kernel", "testkit", "units"]),
    ("xtask", &["bus", "config", "origin", "plan", "testkit", "tui", "units"]),
    (
        "bench",
        &[
            "units",
            "abi",
            "supervisor",
            "config",
            "origin",
            "state",
            "bus",
            "plan",
            "machine",
            "kernel",
            "collect",
            "apply",
            "testkit",
            "tui",
        ],
    ),
];

/// Tests may use these besides, to see traffic and NICs, or to make a program of another layout.
const FOR_TESTS: [&str; 3] = ["machine", "testkit", "tidegate-ebpf"];
/// Libraries that only one package may name, and why.
const ONLY: [(&[&str], &[&str], &str); 3] = [
    (
        &["libbpf-rs", "aya", "netlink-packet-core", "rtnetlink"],
        &["kernel", "tidegate-ebpf"],
        "only kernel talks to the kernel",
    ),
    (
        &["netlink-bindings", "netlink-socket2"],
        &["machine"],
        "machine asks for links and offloads, as programs without libbpf must; kernel has netlink of its own, \
         for many classes at once",
    ),
    (&["bincode"], &["bus"], "only the codec of bus knows how messages are encoded"),
];

/// Names that say nothing.
const VAGUE: [&str; 5] = ["common", "utils", "util", "helpers", "misc"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    description: Option<String>,
    license: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Asks cargo for the packages and checks them.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let output = step::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("could not start cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo's metadata cannot be read")?;
    for package in &mut metadata.packages {
        let path = Path::new(&package.manifest_path);
        package.manifest_path =
            path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    }
    Ok(metadata.packages.iter().flat_map(check_package).collect())
}

fn check_package(package: &Package) -> Vec<Finding> {
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let error = |what: String| Finding::error(&package.manifest_path, 1, what);
    let mut findings = Vec::new();
    if package.description.is_none() || package.license.is_none() {
        findings.push(error("a package says what it is and under which licence".into()));
    }
    let Some(&may_use) = allowed.get(package.name.as_str()) else {
        findings.push(error(format!("{} has no place among the tiers", package.name)));
        return findings;
    };
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev") && FOR_TESTS.contains(&name);
        if dependency.path.is_some() && !may_use.contains(&name) && !in_tests {
            findings.push(error(format!("{} may not use {name}", package.name)));
        }
        for (libraries, users, why) in ONLY {
            if libraries.contains(&name) && !users.contains(&package.name.as_str()) {
                findings.push(error(format!("{} may not use {name}: {why}", package.name)));
            }
        }
    }
    findings
}

/// What shows in the files' names.
pub(super) fn check_files(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    if tree.get("Cargo.lock").is_none() {
        findings.push(Finding::error("Cargo.lock", 1, "the lock file belongs in the repository"));
    }
    for file in &tree.files {
        let vague = |part: &str| VAGUE.contains(&part.split('.').next().unwrap_or_default());
        if let Some(part) = file.path.split('/').find(|part| vague(part)) {
            findings.push(Finding::error(&file.path, 1, format!("`{part}` says nothing")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::files::File;
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Package {
        Package {
            name: name.into(),
            manifest_path: "Cargo.toml".into(),
            description: Some("x".into()),
            license: Some("MIT".into()),
            dependencies: dependencies
                .iter()
                .map(|(name, kind, ours)| Dependency {
                    name: (*name).into(),
                    kind: kind.map(Into::into),
                    path: ours.then(String::new),
                })
                .collect(),
        }
    }

    #[test]
    fn tiers_go_one_way() {
        assert!(check_package(&package("plan", &[("config", None, true)])).is_empty());
        assert!(check_package(&package("plan", &[("testkit", Some("dev"), true)])).is_empty());
        assert_eq!(check_package(&package("plan", &[("testkit", None, true)])).len(), 1);
        assert_eq!(check_package(&package("units", &[("config", None, true)])).len(), 1);
        assert_eq!(check_package(&package("elsewhere", &[])).len(), 1);
    }

    #[test]
    fn some_libraries_have_one_user() {
        assert_eq!(check_package(&package("cli", &[("aya", None, false)])).len(), 1);
        assert!(check_package(&package("kernel", &[("aya", None, false)])).is_empty());
        assert_eq!(check_package(&package("state", &[("bincode", Some("dev"), false)])).len(), 1);
    }

    #[test]
    fn vague_names_are_found() {
        let file = |path: &str| File { path: path.into(), text: String::new() };
        let tree = Tree { files: vec![file("Cargo.lock"), file("crates/a/src/utils.rs")] };
        assert_eq!(check_files(&tree).len(), 1);
        assert_eq!(check_files(&Tree { files: vec![file("crates/misc/x.rs")] }).len(), 2);
    }
}
