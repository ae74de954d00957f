//! `tidegate handover`: has the daemon make way for another build of itself.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bus::{Client, inert};
use schemars::JsonSchema;
use serde::Serialize;

use super::reload::RELOAD;
use crate::failure::Failure;
use crate::figures::count;
use crate::output::Output;
use crate::reading::connect;

/// How long it may take until it answers.
const ANSWERED: Duration = Duration::from_secs(60);
/// How long a supervisor may take to start it again where it ended.
const RESTARTED: Duration = Duration::from_secs(15);
/// How long one attempt to reach it may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Who answers afterwards.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Handover")]
pub(crate) struct TakenOver {
    daemon_version: String,
    took_ms: u64,
}

/// Asks for it, and waits for who takes over.
pub(super) fn run(socket: &Path, output: Output) -> Result<(), Failure> {
    let began = Instant::now();
    let mut client = connect(socket)?;
    // one in another PID namespace cannot be watched
    let process = Some(client.status()?.process).filter(|process| !has_ended(*process));
    client.handover(RELOAD)?;
    let daemon_version = wait_for(socket, process)?;
    let taken_over = TakenOver { daemon_version, took_ms: began.elapsed().as_millis() as u64 };
    output.show(&taken_over, |taken_over, _| {
        format!(
            "tidegated {} has taken over, after {} ms\n",
            inert(&taken_over.daemon_version),
            count(taken_over.took_ms)
        )
    })
}

/// Waits for the version of who takes over in the old one's process. Where that ends, a supervisor may
/// start another one.
fn wait_for(socket: &Path, process: Option<u32>) -> Result<String, Failure> {
    let left = Instant::now();
    let mut ended = None;
    loop {
        if let Some(version) = successor(socket, left) {
            return Ok(version);
        }
        if ended.is_none() && process.is_some_and(has_ended) {
            ended = Some(Instant::now());
        }
        let deadline = ended.map_or(left + ANSWERED, |ended| ended + RESTARTED);
        if Instant::now() >= deadline {
            return Err(Failure::NotTakenOver { ended: ended.is_some() });
        }
        thread::sleep(PAUSE);
    }
}

/// Whether there is no such process any more, or only what its parent has not looked at (proc(5)).
fn has_ended(process: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    let after_name = stat.rfind(')').map_or("", |end| &stat[end..]);
    matches!(after_name.split_whitespace().nth(1), Some("Z" | "X"))
}

/// The version of a daemon that began after the other had left.
fn successor(socket: &Path, left: Instant) -> Option<String> {
    let mut client = Client::connect(socket, ATTEMPT).ok()?;
    let status = client.status().ok()?;
    (u128::from(status.uptime_ms) <= left.elapsed().as_millis()).then_some(status.daemon_version)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() {
        assert!(!has_ended(id()));
        let mut child = Command::new("/bin/true").spawn().unwrap();
        let process = child.id();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !has_ended(process) && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        assert!(has_ended(process));
        child.wait().unwrap();
        assert!(has_ended(process));
    }
}
