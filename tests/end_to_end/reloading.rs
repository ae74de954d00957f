//! Changing the files under a running daemon.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, ClientError, ErrorCode};
use rustix::process::Signal;
use testkit::Forwarding;
use units::Direction;

use crate::doctoring::tidegate;
use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const RELOAD_MAX: Duration = Duration::from_secs(20);

#[test]
fn fault_05_a_new_rate_counts_and_a_bad_file_changes_nothing() -> Result<()> {
    let mut stage =
        Stage::new(&Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))]))?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    let faster = text.replace(",5,5,", ",20,5,");
    ensure!(faster != text, "the fixture has changed:\n{text}");

    fs::write(&devices, &faster)?;
    let preview = stage.client()?.preview(None, RELOAD_MAX)?;
    let told = "circuit one: limited to 21 Mbps instead of 5.25 Mbps down";
    ensure!(preview.changes.iter().any(|change| change == told), "{preview:#?}");
    ensure!((preview.generation, preview.circuits, preview.addresses) == (1, 0, 0));
    // without the daemon, whose plan is another one
    let named = ["plan", "--config", &stage.config.display().to_string()];
    for (arguments, rate) in [(&named as &[&str], "21 Mbps"), (&named[..1], "5.25 Mbps")] {
        let planned = tidegate(&stage, arguments)?;
        ensure!(planned.status.success() && planned.stdout.contains(rate), "{rate}: {planned}");
    }
    let reloaded = stage.client()?.reload(false, RELOAD_MAX)?;
    let after = stage.client()?.preview(None, RELOAD_MAX)?;
    ensure!((preview.requests, after.requests) == (2, 0), "{preview:#?}, then {after:#?}");
    ensure!(after.changes.is_empty(), "{after:#?}");
    ensure!(reloaded.generation == 2, "{reloaded:?}");
    ensure_near("after the reload", stage.goodput(customer, Direction::Download, 3)?, 20.0, 0.05)?;

    fs::write(&devices, faster.replace("100.64.1.1", "100.64.1.1/24"))?;
    let refused = stage.client()?.reload(false, RELOAD_MAX);
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

/// Waits until this generation of the configuration is in force, or another has failed.
fn wait_for(stage: &Stage, generation: u64, has_problem: bool) -> Result<String> {
    testkit::wait_until("the configuration", RELOAD_MAX, || {
        let config = stage.client()?.status()?.config;
        let is_there = config.generation == generation && config.problem.is_some() == has_problem;
        Ok(is_there.then(|| config.problem.unwrap_or_default()))
    })
}

#[test]
fn a_file_behind_a_link_is_followed() -> Result<()> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let mut stage = Stage::dark(&Provider::flat(vec![circuit]), Forwarding::Bridge, 1500)?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let elsewhere = stage.lab.folder().join("from-the-crm.csv");
    fs::rename(&devices, &elsewhere)?;
    symlink(&elsewhere, &devices)?;
    stage.start()?;
    // nobody wanted the files watched until now
    let settings = fs::read_to_string(&stage.config)?;
    fs::write(&stage.config, settings.replace("watch = false", "watch = true"))?;
    stage.client()?.reload(false, RELOAD_MAX)?;
    let new = elsewhere.with_extension("new");
    fs::write(&new, fs::read_to_string(&elsewhere)?.replace(",5,5,", ",20,5,"))?;
    fs::rename(&new, &elsewhere)?;
    wait_for(&stage, 3, false)?;
    let sources = stage.client()?.sources()?;
    ensure!(sources.circuits.contains(",20,5,"), "{sources:?}");
    stage.stop()
}

#[test]
fn what_only_another_daemon_can_use_is_told() -> Result<()> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let mut stage = Stage::new(&Provider::flat(vec![circuit]))?;
    let settings = fs::read_to_string(&stage.config)?;
    let refused = |outcome: Result<(), ClientError>| match outcome {
        Err(ClientError::Refused(refusal)) => Ok((refusal.code, refusal.text)),
        other => anyhow::bail!("it was not refused: {other:?}"),
    };
    fs::write(&stage.config, settings.clone() + "\n[limits]\ncircuits = 77\n")?;
    let (code, told) = refused(stage.client()?.reload(false, RELOAD_MAX).map(drop))?;
    ensure!(code == ErrorCode::Invalid && told.contains("`tidegate handover`"), "{code} {told}");
    stage.client()?.handover(RELOAD_MAX)?;
    testkit::wait_until("the new setting", RELOAD_MAX, || {
        let Ok(mut client) = stage.client() else { return Ok(None) };
        let Ok(status) = client.status() else { return Ok(None) };
        let circuits = status.maps.iter().find(|map| map.name == "circuits");
        Ok(circuits.filter(|map| map.capacity == 77).map(drop))
    })?;
    // nobody would find what this daemon leaves, or restore it
    let others = [("bus.sock", "other.sock"), ("mode = \"bridge\"", "mode = \"xdp-bridge\"")];
    for (ours, other) in others {
        ensure!(settings.contains(ours), "the fixture has changed:\n{settings}");
        fs::write(&stage.config, settings.replace(ours, other))?;
        let reloaded = stage.client()?.reload(false, RELOAD_MAX).map(drop);
        for outcome in [reloaded, stage.client()?.handover(RELOAD_MAX)] {
            let (code, told) = refused(outcome)?;
            ensure!(
                code == ErrorCode::Invalid && told.contains("restart tidegated"),
                "{code} {told}"
            );
        }
    }
    stage.stop()
}

/// The plan's download rate of the only circuit.
fn plan_mbps(stage: &Stage) -> Result<u64> {
    let rows = stage.client()?.circuits(CircuitsQuery::default())?.rows;
    Ok(rows.first().context("no circuit")?.plan_bps.down / 1_000_000)
}

#[test]
fn files_that_change_are_put_in_force() -> Result<()> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let provider = Provider { watch: true, ..Provider::flat(vec![circuit]) };
    let stage = Stage::new(&provider)?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let new = devices.with_extension("new");
    let text = fs::read_to_string(&devices)?;
    let with = |mbps: u32| text.replace(",5,5,", &format!(",{mbps},5,"));

    // in place
    fs::write(&devices, with(10))?;
    wait_for(&stage, 2, false)?;
    // by a rename, as editors and scripts do
    fs::write(&new, with(20))?;
    fs::rename(&new, &devices)?;
    wait_for(&stage, 3, false)?;
    // half of it, while whoever writes it goes on
    let whole = with(30);
    let (begin, end) = whole.split_at(whole.len() - 20);
    let mut file = fs::File::create(&devices)?;
    file.write_all(begin.as_bytes())?;
    std::thread::sleep(Duration::from_millis(500));
    let config = stage.client()?.status()?.config;
    ensure!(config.generation == 3 && config.problem.is_none(), "half a file was read: {config:?}");
    file.write_all(end.as_bytes())?;
    drop(file);
    wait_for(&stage, 4, false)?;
    // removed, and back
    fs::remove_file(&devices)?;
    let problem = wait_for(&stage, 4, true)?;
    ensure!(problem.contains("ShapedDevices.csv"), "{problem}");
    fs::write(&devices, with(30))?;
    wait_for(&stage, 5, false)?;
    // wrong, and mended
    fs::write(&devices, whole.replace("100.64.1.1", "100.64.1.1.1"))?;
    let problem = wait_for(&stage, 5, true)?;
    ensure!(problem.contains("ShapedDevices.csv:2"), "{problem}");
    testkit::wait_until("the last good one", RELOAD_MAX, || {
        Ok((plan_mbps(&stage)? == 30).then_some(()))
    })?;
    fs::write(&devices, with(40))?;
    wait_for(&stage, 6, false)?;
    testkit::wait_until("the new rate", RELOAD_MAX, || {
        Ok((plan_mbps(&stage)? == 40).then_some(()))
    })?;
    // nothing but what was asked for came of all that
    std::thread::sleep(Duration::from_millis(500));
    ensure!(stage.client()?.status()?.config.generation == 6, "it reloads by itself");
    Ok(())
}
