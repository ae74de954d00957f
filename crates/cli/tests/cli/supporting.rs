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

    let path = folder.path().join("whole.tar.gz");
    assert_eq!(code(&bundle(&daemon, &path, &["--subscribers"])), 0);
    let (parts, text) = unpacked(&path);
    assert!(parts.contains(&"tidegate-support/circuits.json".to_owned()), "{parts:?}");
    assert!(text.contains("Mill Lane"));
}

#[test]
fn a_file_that_cannot_be_written_is_named_with_a_way_out() {
    let daemon = StandIn::new(answer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("support.tar.gz");
    fs::write(&path, "precious").unwrap();
    let refused = bundle(&daemon, &path, &[]);
    let told = format!("error: {} exists; --force replaces it\n", path.display());
    assert_eq!((code(&refused), stderr(&refused)), (1, &*told));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let replaced = bundle(&daemon, &path, &["--force"]);
    assert_eq!(code(&replaced), 0, "{}", stderr(&replaced));
    assert!(unpacked(&path).0.contains(&"tidegate-support/doctor.json".to_owned()));

    let in_none = bundle(&daemon, &folder.path().join("absent/support.tar.gz"), &[]);
    assert_eq!(code(&in_none), 6);
    let told = stderr(&in_none);
    assert!(told.contains("absent/support.tar.gz: No such file"), "{told}");
    assert!(told.contains("make it, or name a file in another"), "{told}");
    let is_one = bundle(&daemon, folder.path(), &["--force"]);
    assert_eq!(code(&is_one), 1);
    assert!(stderr(&is_one).contains("is a folder; name a file in it"), "{}", stderr(&is_one));
    // root may write everywhere but here
    let denied = bundle(&daemon, Path::new("/proc/support.tar.gz"), &["--force"]);
    assert_ne!(code(&denied), 0);
    assert!(stderr(&denied).contains("/proc/support.tar.gz"), "{}", stderr(&denied));
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
