//! The daemon as a service: what its manager is told, its watchdog, and a stop that leaves all at work.

use std::fs;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::Exit;
use rustix::process::Signal;
use testkit::{
    BOX_CUSTOMERS, Daemon, DaemonSpec, Forwarding, Hang, Place, ServiceManager, run, wait_until,
};
use units::Direction;

use crate::changing::{RELOAD_MAX, places, two_sites, under_traffic};
use crate::lifecycle::traces;
use crate::stage::{Stage, ensure_near};

/// What the unit's `KillSignal=` is.
const STOP: Signal = Signal::USR1;
/// The watchdog's patience: it is fed each second.
const PATIENCE: Duration = Duration::from_secs(2);
/// Several times that, in which nothing may be heard.
const SILENCE: Duration = Duration::from_secs(5);
/// Until something is said; a heartbeat is late after ten seconds at most.
const SAID_MAX: Duration = Duration::from_secs(40);

/// A bridge with the daemon at work, and who it is told to report to.
fn managed() -> Result<(Stage, ServiceManager, u32)> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let manager = ServiceManager::listen(&stage.lab.folder().join("notify"))?;
    let program = stage.lab.folder().join("tidegated");
    fs::copy(stage.daemon_spec().binary, &program)?;
    let environment = manager.environment(PATIENCE);
    let spec = DaemonSpec { binary: program, environment, ..stage.daemon_spec() };
    stage.daemon = Some(Daemon::start(&stage.lab, spec)?);
    let process = stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
    Ok((stage, manager, process))
}

/// Runs the daemon's program to its end.
pub(crate) fn tidegated(stage: &Stage, argument: &str) -> Result<testkit::Output> {
    let mut command = stage.lab.namespace(Place::Box).command(stage.daemon_spec().binary);
    run(command.args([argument, "--config"]).arg(&stage.config), RELOAD_MAX)
}

#[test]
fn its_manager_hears_of_its_start_its_reloads_its_handovers_and_its_end() -> Result<()> {
    let (mut stage, manager, process) = managed()?;
    let (ready, _) = manager.wait_for(0, "READY=1", SAID_MAX)?;
    let begun = manager.said()[..ready].to_vec();
    ensure!(begun.iter().any(|(_, said)| said.starts_with("EXTEND_TIMEOUT_USEC=")), "{begun:?}");
    let (status, (_, text)) = manager.wait_for(ready, "STATUS=", SAID_MAX)?;
    ensure!(text == "STATUS=configuration 1 is in force: 4 circuits, 2 nodes", "{text}");
    // who is ready is in force: a client that connects now is answered by what is shaped
    ensure!(stage.client()?.status()?.circuits == 4);

    let daemon = stage.daemon.as_mut().context("no daemon runs")?;
    daemon.signal(Signal::HUP)?;
    let (reloading, _) = manager.wait_for(status, "RELOADING=1", SAID_MAX)?;
    let (since, _) = manager.wait_for(reloading, "MONOTONIC_USEC=", SAID_MAX)?;
    let (reloaded, _) = manager.wait_for(since, "READY=1", SAID_MAX)?;
    let (_, (_, text)) = manager.wait_for(reloaded, "STATUS=", SAID_MAX)?;
    ensure!(text.contains("configuration 2 is in force"), "{text}");

    // one that fails is over as well, and says so, but not why to everybody on the machine
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let good = fs::read_to_string(&devices)?;
    fs::write(&devices, good.replace("100.64.1.3,", "100.64.1.300,"))?;
    ensure!(stage.client()?.reload(false, RELOAD_MAX).is_err(), "a broken file was taken");
    let (reloading, _) = manager.wait_for(reloaded, "RELOADING=1", SAID_MAX)?;
    let (failed, _) = manager.wait_for(reloading, "READY=1", SAID_MAX)?;
    let (_, (_, text)) = manager.wait_for(failed, "STATUS=", SAID_MAX)?;
    ensure!(text.ends_with("; the last reload failed: `tidegate status` says why"), "{text}");
    fs::write(&devices, good)?;

    stage.client()?.handover(RELOAD_MAX)?;
    let (handing, _) = manager.wait_for(failed, "STATUS=handing over", SAID_MAX)?;
    let (taken, _) = manager.wait_for(handing, "READY=1", SAID_MAX)?;
    ensure!(manager.count("STOPPING=1") == 0, "{:?}", manager.said());
    let fed = manager.wait_for(taken, "WATCHDOG=1", SAID_MAX)?;
    manager.wait_for(fed.0, "WATCHDOG=1", SAID_MAX)?;

    stage.stop()?;
    manager.wait_for(fed.0, "STOPPING=1", SAID_MAX)?;
    let said = manager.said();
    ensure!(said.iter().all(|(sender, _)| *sender == process), "not {process} alone: {said:?}");
    Ok(())
}

#[test]
fn its_watchdog_is_fed_unless_something_essential_hangs() -> Result<()> {
    let (mut stage, manager, process) = managed()?;
    let fed = |after| manager.wait_for(after, "WATCHDOG=1", SAID_MAX);
    let (first, _) = fed(0)?;
    // what measures may hang
    let optional = [Hang::of(process, "flows")?, Hang::of(process, "qdiscs")?];
    wait_until("late heartbeats", SAID_MAX, || {
        let threads = stage.client()?.status()?.threads;
        let late = threads.iter().filter(|thread| thread.state == bus::ThreadState::Stale);
        Ok((late.count() >= optional.len()).then_some(()))
    })?;
    let mut after = manager.said().len().max(first);
    for _ in 0..3 {
        (after, _) = fed(after)?;
    }
    drop(optional);
    // the thread that publishes, and the one on which the runtime's main task runs
    for (thread, heart) in [("tick", "tick"), ("tidegated", "bus")] {
        let hung = Hang::of(process, thread)?;
        let log = stage.daemon.as_ref().map(|daemon| daemon.log_path().to_owned());
        let log = log.context("no daemon runs")?;
        let told = format!("thread=\"{heart}\"");
        wait_until("the watchdog to be told", SAID_MAX, || {
            let text = fs::read_to_string(&log)?;
            let late = text.lines().filter(|line| line.contains("its heartbeat is late"));
            Ok(late.into_iter().any(|line| line.contains(&told)).then_some(()))
        })?;
        let before = manager.count("WATCHDOG=1");
        thread::sleep(SILENCE);
        ensure!(manager.count("WATCHDOG=1") == before, "{thread} hangs and it is fed");
        let after = manager.said().len();
        drop(hung);
        fed(after)?;
    }
    stage.stop()
}

#[test]
fn a_stop_and_a_start_by_the_units_commands_lose_no_packet() -> Result<()> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let at_work = places(&stage.socket)?;
    let spec = stage.daemon_spec();
    let mut daemon = stage.daemon.take();
    let (lab, socket) = (&stage.lab, &stage.socket);
    under_traffic(lab, || {
        for _ in 0..2 {
            let ended = daemon.take().context("no daemon runs")?.stop_by(STOP)?;
            ensure!(ended.success(), "it ended with {ended}");
            ensure!(!socket.exists(), "the socket is still there");
            daemon = Some(Daemon::start(lab, spec.clone())?);
            ensure!(places(socket)? == at_work, "somebody has another place");
        }
        Ok(())
    })?;
    stage.daemon = daemon;
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

#[test]
fn what_a_stop_leaves_is_taken_down_when_asked() -> Result<()> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let refused = tidegated(&stage, "--take-down")?;
    ensure!(refused.status.code() == Some(Exit::OtherDaemon as i32), "{refused}");
    ensure!(stage.client()?.status()?.circuits == 4, "it was taken down under a daemon");
    let ended = stage.daemon.take().context("no daemon runs")?.stop_by(STOP)?;
    ensure!(ended.success(), "it ended with {ended}");
    ensure!(traces(&stage)? != before, "nothing was left");
    let customer: IpAddr = "100.64.1.1".parse()?;
    let goodput = stage.goodput(customer, Direction::Download, 3)?;
    ensure_near("without a daemon", goodput, 20.0, 0.05)?;
    // a network that no daemon would start with keeps nothing from going
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let good = fs::read_to_string(&devices)?;
    fs::write(&devices, "nonsense")?;
    tidegated(&stage, "--take-down")?.checked()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    ensure!(!stage.socket.with_file_name("tidegated.kept").exists(), "its last words are left");
    let again = tidegated(&stage, "--take-down")?.checked()?;
    ensure!(again.stdout.contains("nothing was left"), "{again}");
    // and one that was killed
    fs::write(&devices, good)?;
    stage.start()?;
    stage.daemon.take().context("no daemon runs")?.kill();
    tidegated(&stage, "--take-down")?.checked()?;
    ensure!(!stage.socket.exists(), "the socket is still there");
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

/// Where sysfs does not show the NICs, steering cannot be restored, but all else is.
#[test]
fn a_setting_that_cannot_be_restored_keeps_no_other() -> Result<()> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let stripping = |stage: &Stage| -> Result<bool> {
        let shown = stage.lab.run(Place::Box, &["ethtool", "-k", BOX_CUSTOMERS])?.stdout;
        Ok(shown.contains("rx-vlan-offload: on"))
    };
    stage.lab.run(Place::Box, &["ethtool", "-K", BOX_CUSTOMERS, "rxvlan", "on"])?;
    ensure!(stripping(&stage)?, "there is nothing to restore");
    stage.start()?;
    ensure!(!stripping(&stage)?, "tags are stripped under the daemon");
    stage.daemon.take().context("no daemon runs")?.kill();
    let script = "mount -t tmpfs tmpfs /sys/class/net && exec \"$1\" --take-down --config \"$2\"";
    let mut command = stage.lab.command(Place::Box, &["unshare", "--mount", "sh", "-ec", script]);
    command.arg("sh").arg(stage.daemon_spec().binary).arg(&stage.config);
    let ended = run(&mut command, RELOAD_MAX)?.checked()?;
    ensure!(ended.stderr.contains("XPS"), "steering could be restored: {ended}");
    ensure!(stripping(&stage)?, "tags are still left in: {ended}");
    Ok(())
}

/// Other NICs, or others ways to use them, are nothing that a daemon could take over: what was left goes, whether
/// it was told before the stop or after it.
#[test]
fn other_interfaces_begin_from_nothing() -> Result<()> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    let text = fs::read_to_string(&stage.config)?;
    let observing = text.replace("mode = \"bridge\"", "mode = \"observe\"");
    ensure!(observing != text, "the fixture has changed:\n{text}");
    let stop = |stage: &mut Stage| -> Result<()> {
        let ended = stage.daemon.take().context("no daemon runs")?.stop_by(STOP)?;
        ensure!(ended.success(), "it ended with {ended}");
        Ok(())
    };
    stage.start()?;
    fs::write(&stage.config, &observing)?;
    stop(&mut stage)?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");

    fs::write(&stage.config, &text)?;
    stage.start()?;
    stop(&mut stage)?;
    ensure!(traces(&stage)?.contains("class htb"), "nothing was left");
    fs::write(&stage.config, &observing)?;
    stage.start()?;
    ensure!(!traces(&stage)?.contains("class htb"), "it shapes and should observe");
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}
