//! Starting, stopping, dying.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::Exit;
use rustix::process::Signal;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, ChildGuard, Daemon, Forwarding, Place, run};
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

fn one_circuit() -> Provider {
    Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))])
}

/// Everything that a daemon could leave on the box, as text: queues, classes, filters, programs,
/// transmit settings, pins.
pub(crate) fn traces(stage: &Stage) -> Result<String> {
    traces_of(stage, &[BOX_CUSTOMERS, BOX_INTERNET])
}

/// Likewise on these NICs.
pub(crate) fn traces_of(stage: &Stage, nics: &[&str]) -> Result<String> {
    let mut text = String::new();
    for nic in nics {
        for words in [
            &["tc", "qdisc", "show", "dev", nic][..],
            &["tc", "class", "show", "dev", nic],
            &["ip", "-details", "link", "show", "dev", nic],
            &["ethtool", "-k", nic],
            &["sh", "-c", &format!("head -v /sys/class/net/{nic}/queues/*/[xr]ps_cpus")],
        ] {
            text += &stage.lab.run(Place::Box, words)?.stdout;
        }
    }
    for entry in fs::read_dir(stage.lab.bpffs()).context("no BPF filesystem")? {
        text += &format!("pin {}\n", entry?.path().display());
    }
    Ok(text)
}

#[test]
fn a_graceful_stop_restores_everything() -> Result<()> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    ensure!(traces(&stage)? != before, "the daemon has left no trace at work");
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    ensure!(!stage.socket.exists(), "the socket is still there");
    stage.start().context("the second start")?;
    stage.stop()
}

#[test]
fn fault_01_a_killed_daemon_leaves_traffic_shaped_and_is_succeeded() -> Result<()> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    stage.daemon.take().context("no daemon runs")?.kill();
    ensure_near("without a daemon", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)?;
    stage.start().context("the successor")?;
    ensure_near("with the successor", stage.goodput(customer, Direction::Upload, 3)?, 5.0, 0.05)?;
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    ensure!(!stage.socket.with_file_name("tidegated.kept").exists(), "its last words are left");
    Ok(())
}

#[test]
fn a_successor_that_cannot_go_on_leaves_all_at_work() -> Result<()> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    stage.daemon.take().context("no daemon runs")?.kill();
    let at_work = traces(&stage)?;
    // its socket cannot be made, which it finds out when all else is done
    let text = fs::read_to_string(&stage.config)?;
    let occupied = stage.socket.with_file_name("occupied");
    fs::create_dir_all(occupied.join("inside"))?;
    let socket = stage.socket.display().to_string();
    fs::write(&stage.config, text.replace(&socket, &occupied.display().to_string()))?;
    let mut command = stage.lab.namespace(Place::Box).command(&stage.daemon_spec().binary);
    let failed = run(command.arg("--config").arg(&stage.config), Duration::from_secs(20))?;
    ensure!(failed.status.code() == Some(Exit::Failed as i32), "{failed}");
    ensure!(failed.stderr.contains("occupied"), "{failed}");
    let now = traces(&stage)?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    ensure_near("without a daemon", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)?;
    // programs have other ids and tags than before
    let classes = |traces: &str| traces.lines().filter(|line| line.starts_with("class")).count();
    ensure!(classes(&now) == classes(&at_work), "before:\n{at_work}\nafter:\n{now}");
    fs::write(&stage.config, text)?;
    stage.start().context("the next one")?;
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

/// Puts the daemon's own files on a small disk.
fn on_a_disk(stage: &mut Stage) -> Result<PathBuf> {
    let disk = stage.lab.disk(64 * 1024)?;
    let text = fs::read_to_string(&stage.config)?;
    let (old, new) = (stage.socket.display().to_string(), disk.join("bus.sock"));
    fs::write(&stage.config, text.replace(&old, &new.display().to_string()))?;
    stage.socket = new;
    Ok(disk)
}

#[test]
fn a_full_disk_beside_the_socket_keeps_nothing_from_being_shaped() -> Result<()> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    let disk = on_a_disk(&mut stage)?;
    stage.start()?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 128 * 1024]).expect_err("the disk is not full");
    let kept = fs::read(disk.join("tidegated.kept"))?;
    // what the next daemon needs cannot be written, and is not broken either
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?.replace(",5,5,", ",20,20,");
    let two = text.lines().last().context("no row")?.replace("one", "two");
    fs::write(&devices, text + &two.replace("100.64.1.1", "100.64.1.2") + "\n")?;
    let reloaded = stage.client()?.reload(false, Duration::from_secs(20))?;
    ensure!((reloaded.generation, reloaded.circuits) == (2, 2), "{reloaded:?}");
    ensure!(fs::read(disk.join("tidegated.kept"))? == kept, "half of it is new");
    let log = stage.daemon.as_ref().context("no daemon runs")?.log();
    ensure!(log.contains("could not write what the next daemon needs"), "it is not told:\n{log}");
    ensure_near("reloaded", stage.goodput(customer, Direction::Download, 3)?, 20.0, 0.05)?;
    stage.daemon.take().context("no daemon runs")?.kill();
    stage.start().context("the successor")?;
    ensure!(stage.client()?.status()?.circuits == 2);
    ensure_near("succeeded", stage.goodput(customer, Direction::Upload, 3)?, 20.0, 0.05)?;
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    let mut left: Vec<_> =
        fs::read_dir(&disk)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    left.sort();
    ensure!(left == ["filler", "tidegated.events", "tidegated.lock"], "{left:?}");
    Ok(())
}

#[test]
fn fault_19_a_second_daemon_is_refused() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let spec = stage.daemon_spec();
    let mut command = stage.lab.namespace(Place::Box).command(&spec.binary);
    command.arg("--config").arg(&spec.config);
    let second = run(&mut command, Duration::from_secs(20))?;
    ensure!(!second.status.success(), "{second}");
    let first = stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
    ensure!(second.stderr.contains(&first.to_string()), "who holds the lock is not said: {second}");
    stage.client()?.status()?;
    Ok(())
}

#[test]
fn a_second_daemon_with_another_socket_leaves_the_first_alone() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let at_work = traces(&stage)?;
    let text = fs::read_to_string(&stage.config)?;
    let folder = stage.lab.folder().join("second");
    fs::create_dir(&folder)?;
    for file in ["network.json", "ShapedDevices.csv"] {
        fs::copy(stage.config.with_file_name(file), folder.join(file))?;
    }
    let config = folder.join("tidegate.toml");
    let (first, own) = (stage.socket.display().to_string(), folder.join("bus.sock"));
    fs::write(&config, text.replace(&first, &own.display().to_string()))?;
    let mut command = stage.lab.namespace(Place::Box).command(&stage.daemon_spec().binary);
    let second = run(command.arg("--config").arg(&config), Duration::from_secs(20))?;
    ensure!(second.status.code() == Some(Exit::OtherDaemon as i32), "{second}");
    ensure!(second.stderr.contains("another tidegated"), "{second}");
    ensure!(traces(&stage)? == at_work, "the second daemon has touched the first one's NICs");
    Ok(())
}

#[test]
fn a_stop_during_the_start_leaves_nothing() -> Result<()> {
    let stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    for pause_ms in [20, 40, 60, 80, 100, 150] {
        let mut command = stage.lab.namespace(Place::Box).command(&stage.daemon_spec().binary);
        command.arg("--config").arg(&stage.config);
        let log = fs::File::create(stage.lab.folder().join("stopped.log"))?;
        let mut child = ChildGuard::spawn_with(&mut command, log.try_clone()?.into(), log.into())?;
        // not synchronisation: the moment is what is tried
        std::thread::sleep(Duration::from_millis(pause_ms));
        child.signal(Signal::TERM)?;
        child.wait(Duration::from_secs(20))?;
        ensure!(traces(&stage)? == before, "something is left when stopped after {pause_ms} ms");
    }
    Ok(())
}
