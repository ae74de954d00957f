//! Changing the files under a running daemon.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{ClientError, ErrorCode};
use rustix::process::Signal;
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const RELOAD_MAX: Duration = Duration::from_secs(20);

#[test]
fn a_new_rate_counts_and_a_bad_file_changes_nothing() -> Result<()> {
    let mut stage =
        Stage::new(&Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))]))?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    let faster = text.replace(",5,5,", ",20,5,");
    ensure!(faster != text, "the fixture has changed:\n{text}");

    fs::write(&devices, &faster)?;
    let reloaded = stage.client()?.reload(RELOAD_MAX)?;
    ensure!(reloaded.generation == 2, "{reloaded:?}");
    ensure_near("after the reload", stage.goodput(customer, Direction::Download, 3)?, 20.0, 0.05)?;

    fs::write(&devices, faster.replace("100.64.1.1", "100.64.1.1/24"))?;
    let refused = stage.client()?.reload(RELOAD_MAX);
    let Err(ClientError::Refused(refusal)) = refused else {
        anyhow::bail!("a wrong address is taken: {refused:?}");
    };
    ensure!(refusal.code == ErrorCode::Invalid, "{refusal:?}");
    ensure!(refusal.text.contains("ShapedDevices.csv:2"), "{refusal:?}");
    let status = stage.client()?.status()?;
    ensure!(status.config.generation == 2 && status.config.problem.is_some(), "{status:?}");
    ensure_near("still", stage.goodput(customer, Direction::Download, 3)?, 20.0, 0.05)?;

    fs::write(&devices, &text)?;
    let daemon = stage.daemon.as_mut().context("no daemon runs")?;
    daemon.signal(Signal::HUP)?;
    testkit::wait_until("the reload by SIGHUP", RELOAD_MAX, || {
        let config = stage.client()?.status()?.config;
        Ok((config.generation == 3 && config.problem.is_none()).then_some(()))
    })?;
    ensure_near("as before", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)
}
