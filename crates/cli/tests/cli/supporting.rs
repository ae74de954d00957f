//! What is gathered for whoever helps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use bus::{Reply, View};

use crate::stand_in::StandIn;
use crate::views::{HOSTILE, answer};
use crate::{code, json, stderr, stdout};

const CONFIG: [&str; 2] = ["--config", "config/example/tidegate.toml"];

fn bundle(daemon: &StandIn, path: &Path, more: &[&str]) -> std::process::Output {
    let output = ["--output", path.to_str().unwrap()];
    daemon.run(&[&["support-bundle"], &CONFIG[..], &output[..], more].concat())
}

/// The parts' names, and all their text.
fn unpacked(path: &Path) -> (Vec<String>, String) {
    let tar = |what: &str| {
        let output = Command::new("tar").arg(what).arg(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    (tar("-tzf").lines().map(str::to_owned).collect(), tar("-xOzf"))
}

#[test]
fn subscribers_are_left_out_unless_they_are_asked_for() {
    let daemon = StandIn::new(|request| {
        let mut replies = answer(request);
        if let Some(Reply::View(View::Status(status))) = replies.first_mut() {
            status.config.problem = Some("circuit of 2 Mill Lane has 100.64.1.10 twice".into());
            status.warnings = vec!["the same of 2 Mill Lane".into()];
        }
        replies
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("support.tar.gz");
    let output = bundle(&daemon, &path, &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = json(&output);
    let (parts, text) = unpacked(&path);
    assert_eq!(told["parts"].as_array().unwrap().len(), parts.len());
    for part in ["doctor.json", "tidegate.toml", "status.json", "tree.json", "events.json"] {
        assert!(parts.contains(&format!("tidegate-support/{part}")), "{part} of {parts:?}");
    }
    assert!(text.contains("\"daemon_version\""));
    for of_subscribers in ["Mill Lane", "100.64.1.10"] {
        assert!(!text.contains(of_subscribers), "{of_subscribers}");
    }
    let asked = format!("{:?}", daemon.asked());
    for of_subscribers in ["Circuits", "Configuration", "Kernel", "Capture"] {
        assert!(!asked.contains(of_subscribers), "{asked}");
    }
    assert!(text.matches("(left out: --subscribers has it)").count() >= 3, "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let again = bundle(&daemon, &path, &[]);
    assert_ne!(code(&again), 0, "a file that is there is left alone");
    assert!(stderr(&again).contains("support.tar.gz"), "{}", stderr(&again));

    let path = folder.path().join("whole.tar.gz");
    assert_eq!(code(&bundle(&daemon, &path, &["--subscribers"])), 0);
    let (parts, text) = unpacked(&path);
    assert!(parts.contains(&"tidegate-support/circuits.json".to_owned()), "{parts:?}");
    assert!(text.contains("Mill Lane"));
}

#[test]
fn without_a_daemon_the_rest_is_gathered_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("support.tar.gz");
    let socket = folder.path().join("bus.sock").display().to_string();
    let output = ["--output", path.to_str().unwrap(), "--socket", &socket];
    let output = crate::run(&[&["support-bundle"], &CONFIG[..], &output[..]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("left out: what the daemon shows"), "{}", stdout(&output));
    assert!(!stdout(&output).contains(HOSTILE));
    assert!(unpacked(&path).0.contains(&"tidegate-support/proc-cpuinfo".to_owned()));
}
