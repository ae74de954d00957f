//! Whole configurations, one folder each: what is said about them is in `expected.txt`.
//!
//! `UPDATE_EXPECTED=1` writes the texts anew; read the difference as an operator would.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Capture, Config, Flows, Loaded, Problems};

/// The folders of one kind, in order.
fn folders(kind: &str) -> Vec<PathBuf> {
    let parent = Path::new("../../tests").join(kind);
    let mut folders: Vec<PathBuf> = fs::read_dir(&parent)
        .unwrap_or_else(|error| panic!("{}: {error}", parent.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Problems with paths relative to their folder.
fn relative(problems: &Problems, folder: &Path) -> String {
    problems.to_string().replace(&format!("{}/", folder.display()), "")
}

/// Compares with `expected.txt`, and says how they differ.
fn compare(folder: &Path, actual: &str) -> Result<(), String> {
    let file = folder.join("expected.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, actual).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    Err(format!("{}:\n--- expected\n{expected}--- actual\n{actual}", folder.display()))
}

/// What an operator would check in a configuration, in a few lines.
fn digest(loaded: &Loaded, folder: &Path) -> String {
    let mut text = relative(&loaded.warnings, folder);
    let network = &loaded.config.network;
    let name = |node: Option<usize>| node.map_or("-", |node| &network.nodes[node].name);
    for node in &network.nodes {
        let rate = |rate: Option<units::BitsPerSec>| {
            rate.map_or("parent's".to_owned(), |rate| rate.to_string())
        };
        text.push_str(&format!(
            "node {} ({}) under {}: {} / {}{}\n",
            node.name,
            node.id,
            name(node.parent),
            rate(node.rate.down),
            rate(node.rate.up),
            if node.is_virtual { ", virtual" } else { "" }
        ));
    }
    for circuit in &network.circuits {
        text.push_str(&format!(
            "circuit {} {:?} under {}: {} to {} / {} to {}",
            circuit.id,
            circuit.name,
            name(circuit.parent),
            circuit.min.down,
            circuit.max.down,
            circuit.min.up,
            circuit.max.up
        ));
        if circuit.leaf != units::PerDirection::default() {
            text.push_str(&format!(", leaf {:?} / {:?}", circuit.leaf.down, circuit.leaf.up));
        }
        text.push('\n');
        for device in &circuit.devices {
            let prefixes: Vec<String> = device.prefixes.iter().map(ToString::to_string).collect();
            text.push_str(&format!(
                "  device {} {:?} {}: {}\n",
                device.id,
                device.name,
                device.mac,
                prefixes.join(", ")
            ));
        }
    }
    text
}

#[test]
fn a_missing_settings_file_is_a_problem_with_its_path() {
    let problems = Config::load(Path::new("no/such/tidegate.toml")).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "no/such/tidegate.toml: error: cannot be read: No such file or directory (os error 2)\n"
    );
}

#[test]
fn valid_configurations_load() {
    let mut wrong = Vec::new();
    let folders = folders("config_valid");
    assert!(folders.len() >= 12, "{}", folders.len());
    for folder in folders {
        let text = match Config::load(&folder.join("tidegate.toml")) {
            Ok(loaded) => digest(&loaded, &folder),
            Err(problems) => panic!("{}:\n{problems}", folder.display()),
        };
        wrong.extend(compare(&folder, &text).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn measuring_is_set_as_written() {
    let folder = Path::new("../../tests/config_valid/every_key");
    let config = Config::load(&folder.join("tidegate.toml")).unwrap().config;
    let seconds = Duration::from_secs;
    let flows = Flows {
        tcp_idle: seconds(3_600),
        udp_idle: seconds(90),
        icmp_idle: seconds(5),
        unanswered_idle: seconds(2),
        recent: Duration::ZERO,
        recent_flows: 1,
    };
    let capture = Capture {
        at_once: 8,
        packets_max: 50_000,
        seconds_max: seconds(86_400),
        snap_length_max: 64,
    };
    assert_eq!((config.flows, config.capture, config.limits.flows), (flows, capture, 1_024));
    let origins = [folder.join("asn.tsv.gz"), PathBuf::from("/var/lib/tidegate/city.mmdb")];
    assert_eq!(config.files.origins, origins);
}

#[test]
fn invalid_configurations_are_refused_with_every_reason() {
    let mut wrong = Vec::new();
    let folders = folders("config_invalid");
    assert!(folders.len() >= 45, "{}", folders.len());
    for folder in folders {
        let text = match Config::load(&folder.join("tidegate.toml")) {
            Ok(loaded) => panic!("{} loads:\n{}", folder.display(), digest(&loaded, &folder)),
            Err(problems) => relative(&problems, &folder),
        };
        wrong.extend(compare(&folder, &text).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
