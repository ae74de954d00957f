//! Threads of the daemon that hang: traffic and the others do not feel it, and the status tells.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{StatusView, ThreadState};
use testkit::{Daemon, Forwarding, Hang, wait_until};
use units::Direction;

use crate::lifecycle::traces;
use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

/// Those that measure.
const MEASURING: [&str; 4] = ["tick", "flows", "qdiscs", "retransmits"];
/// A heartbeat is late after five seconds.
const LATE_MAX: Duration = Duration::from_secs(20);

fn provider() -> Provider {
    Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))])
}

fn hang(stage: &Stage, thread: &str) -> Result<Hang> {
    Hang::of(stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?, thread)
}

/// Names of the threads in this state.
fn threads(status: &StatusView, state: ThreadState) -> Vec<&str> {
    let threads = status.threads.iter().filter(|thread| thread.state == state);
    threads.map(|thread| thread.name.as_str()).collect()
}

/// The watchdog is whoever looks at the status; what hangs is not started again, as it has not ended.
#[test]
fn measuring_threads_that_hang_are_told_and_nothing_else_suffers() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let hung = MEASURING.map(|thread| hang(&stage, thread));
    let hung: Vec<_> = hung.into_iter().collect::<Result<_>>()?;
    let status = wait_until("late heartbeats", LATE_MAX, || {
        let status = stage.client()?.status()?;
        Ok((threads(&status, ThreadState::Stale).len() >= MEASURING.len()).then_some(status))
    })?;
    let mut late = threads(&status, ThreadState::Stale);
    late.sort_by_key(|name| MEASURING.iter().position(|thread| thread == name));
    ensure!(late == MEASURING, "{:?}", status.threads);
    ensure_near("hanging", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    fs::write(&devices, fs::read_to_string(&devices)?.replace(",5,5,", ",20,5,"))?;
    let reloaded = stage.client()?.reload(false, LATE_MAX)?;
    ensure!(reloaded.generation == 2, "{reloaded:?}");
    ensure_near("reloaded", stage.goodput(customer, Direction::Download, 3)?, 20.0, 0.05)?;
    drop(hung);
    let later = wait_until("heartbeats", LATE_MAX, || {
        let status = stage.client()?.status()?;
        let goes_on = status.tick > 0 && threads(&status, ThreadState::Stale).is_empty();
        Ok(goes_on.then_some(status))
    })?;
    ensure!(later.threads.iter().all(|thread| thread.restarts == 0), "{:?}", later.threads);
    stage.stop()
}

#[test]
fn a_thread_that_hangs_does_not_keep_the_daemon_from_its_end() -> Result<()> {
    let mut stage = Stage::dark(&provider(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let _hung = hang(&stage, "flows")?;
    let log = stage.daemon.as_ref().context("no daemon runs")?.log_path().to_owned();
    stage.stop()?;
    let log = fs::read_to_string(log)?;
    let told = log.lines().any(|line| line.contains("left behind") && line.contains("flows"));
    ensure!(told, "it is not told:\n{log}");
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}
