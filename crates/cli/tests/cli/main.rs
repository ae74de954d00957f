//! The program as its users run it: against a daemon that says what the test wants, and offline.

mod asking;
mod capturing;
mod changing;
mod documents;
mod manual;
mod offline;
mod reading;
mod schema;
mod stand_in;
mod supporting;
mod terminal;
mod top;
mod tuning;
mod views;

use std::process::{Command, Output};

/// The program, with nothing of this machine's environment that changes how it looks.
fn tidegate() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tidegate"));
    command.env_remove("NO_COLOR").env("TERM", "xterm").env("TZ", "UTC");
    command
}

/// Runs it in the repository's root with these arguments.
fn run(arguments: &[&str]) -> Output {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    tidegate().current_dir(root).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The standard output of a run that succeeds, as JSON.
fn json(output: &Output) -> serde_json::Value {
    assert_eq!(code(output), 0, "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}
