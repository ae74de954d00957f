//! The commands about the machine, where no NIC of the configuration is there.

use std::fs;

use crate::stand_in::StandIn;
use crate::views::answer;
use crate::{code, json, run, stderr, stdout};

const EXAMPLE: &str = "config/example/tidegate.toml";

fn doctor(arguments: &[&str]) -> (i32, serde_json::Value) {
    let output = run(&[&["doctor", "--json"], arguments].concat());
    (code(&output), serde_json::from_str(stdout(&output)).unwrap())
}

fn checks(report: &serde_json::Value, state: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of_state = findings.filter(|finding| finding["state"] == state);
    of_state.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn doctor_does_without_nics_daemon_and_valid_files() {
    let (exit, report) = doctor(&["--config", EXAMPLE, "--socket", "/nonexistent.sock"]);
    assert_eq!(exit, 10);
    let errors = checks(&report, "error");
    assert_eq!(errors.iter().filter(|check| *check == "nic").count(), 2, "{report:#}");
    assert!(checks(&report, "warning").contains(&"daemon".to_owned()), "{report:#}");
    assert!(checks(&report, "ok").contains(&"configuration".to_owned()), "{report:#}");
    assert_eq!(report["errors"], errors.len());
    assert_eq!(report["seen"]["nics"].as_array().unwrap().len(), 2);

    let wrong = "tests/config_invalid/unknown_parent/tidegate.toml";
    let (exit, report) = doctor(&["--config", wrong]);
    assert_eq!(exit, 10);
    assert!(checks(&report, "error").contains(&"configuration".to_owned()), "{report:#}");
    let (exit, report) = doctor(&["--config", "/nonexistent/tidegate.toml"]);
    assert_eq!(exit, 10);
    assert!(checks(&report, "error").contains(&"configuration".to_owned()), "{report:#}");
}

#[test]
fn doctor_tells_errors_first_and_the_count_last_and_nothing_acts_on_the_screen() {
    let output = StandIn::new(answer).run(&["doctor", "--config", EXAMPLE]);
    assert_eq!((code(&output), stderr(&output)), (10, ""));
    let text = stdout(&output);
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.lines().last().unwrap().contains(" errors, "), "{text}");
    assert!(text.contains("the map "), "the stand-in's map is nearly full: {text}");
    let acts = |c: char| c != '\n' && bus::inert(&c.to_string()) != c.to_string();
    assert!(!text.contains(acts), "{text:?}");
}

/// A driver that refuses something does not make the unit fail.
#[test]
fn the_unit_that_tunes_knows_the_code_of_what_is_done_in_part() {
    let unit = include_str!("../../../../config/systemd/tidegate-tune.service");
    let code = unit.lines().find_map(|line| line.strip_prefix("SuccessExitStatus=")).unwrap();
    let help = run(&["--help"]);
    assert!(stdout(&help).contains(&format!("\n  {code}  done in part")), "{code}");
}

#[test]
fn tune_leaves_out_nics_that_are_not_there_and_puts_back_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("tuned.json").display().to_string();
    let report = json(&run(&["tune", "--config", EXAMPLE, "--state", &state, "--json"]));
    let notes = report["notes"].as_array().unwrap();
    let left_out = notes.iter().filter(|note| note.as_str().unwrap().contains("is left out"));
    assert_eq!(left_out.count(), 2, "{report:#}");
    let output = run(&["tune", "--revert", "--state", &state]);
    assert_eq!((code(&output), stdout(&output)), (0, "nothing to put back\n"));
    fs::write(&state, "{").unwrap();
    let output = run(&["tune", "--revert", "--state", &state]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("could not understand"), "{}", stderr(&output));
    assert_eq!(code(&run(&["tune", "--apply", "--revert"])), 2);
}
