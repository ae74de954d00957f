//! `tidegate handover`: has the daemon make way for another build of itself.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bus::{Client, inert};
use serde::Serialize;

use crate::failure::Failure;
use crate::figures::count;
use crate::output::Output;
use crate::reading::connect;

/// How long the program that takes over may take to check the configuration.
const CHECKED: Duration = Duration::from_secs(60);
/// How long it may take until it answers.
const ANSWERED: Duration = Duration::from_secs(60);
/// How long one attempt to reach it may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Who answers afterwards.
#[derive(Debug, Serialize)]
struct TakenOver {
    daemon_version: String,
    took_ms: u64,
}

/// Asks for it, and waits for who takes over.
pub(super) fn run(socket: &Path, output: Output) -> Result<(), Failure> {
    let began = Instant::now();
    let mut client = connect(socket)?;
    client.handover(CHECKED)?;
    let left = Instant::now();
    let version = loop {
        match successor(socket, left) {
            Some(version) => break version,
            None if left.elapsed() < ANSWERED => thread::sleep(PAUSE),
            // whoever answers now, or why nobody does
            None => break connect(socket)?.status()?.daemon_version,
        }
    };
    let taken_over =
        TakenOver { daemon_version: version, took_ms: began.elapsed().as_millis() as u64 };
    output.show(&taken_over, |taken_over, _| {
        format!(
            "tidegated {} has taken over, after {} ms\n",
            inert(&taken_over.daemon_version),
            count(taken_over.took_ms)
        )
    })
}

/// The version of a daemon that began after the other had left.
fn successor(socket: &Path, left: Instant) -> Option<String> {
    let mut client = Client::connect(socket, ATTEMPT).ok()?;
    let status = client.status().ok()?;
    (u128::from(status.uptime_ms) <= left.elapsed().as_millis()).then_some(status.daemon_version)
}
