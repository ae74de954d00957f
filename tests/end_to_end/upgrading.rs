//! Another build in the place of the one that runs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::{
    CircuitsQuery, Client, ClientError, Edit, Edits, ErrorCode, EventKind, EventsQuery, HEADER_LEN,
    Request, VersionRange,
};
use rustix::process::Signal;
use testkit::{Daemon, DaemonSpec, Forwarding, wait_until};
use units::BitsPerSec;

use crate::changing::{
    RELOAD_MAX, UNCLAIMED_MAX, places, two_sites, unclaimed_bytes, under_traffic,
};
use crate::clients::{frame, hello};
use crate::stage::Stage;

/// A bridge with the daemon at work, and the copy of its program that runs.
fn installed() -> Result<(Stage, PathBuf)> {
    let mut stage = Stage::dark(&two_sites(), Forwarding::Bridge, 1500)?;
    let program = stage.lab.folder().join("tidegated");
    fs::copy(stage.daemon_spec().binary, &program)?;
    let spec = DaemonSpec { binary: program.clone(), ..stage.daemon_spec() };
    stage.daemon = Some(Daemon::start(&stage.lab, spec)?);
    Ok((stage, program))
}

/// A program that differs from the daemon's in what it says of how its maps are laid out.
fn other_layout(program: &Path) -> Result<PathBuf> {
    let (ours, other) =
        (tidegate_ebpf::LAYOUT.to_le_bytes(), (!tidegate_ebpf::LAYOUT).to_le_bytes());
    let mut bytes = fs::read(program)?;
    let places: Vec<_> =
        bytes.windows(8).enumerate().filter(|(_, it)| *it == ours).map(|(at, _)| at).collect();
    ensure!(!places.is_empty(), "the program does not say how its maps are laid out");
    for at in places {
        bytes[at..at + 8].copy_from_slice(&other);
    }
    let path = program.with_extension("other");
    fs::copy(program, &path)?;
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Puts a program where the daemon's was started from, as an upgrade does.
fn upgrade(program: &Path, by: &Path) -> Result<()> {
    let new = program.with_extension("new");
    fs::copy(by, &new)?;
    Ok(fs::rename(new, program)?)
}

/// The file that a process runs.
fn program_of(process: u32) -> Result<u64> {
    Ok(fs::metadata(format!("/proc/{process}/exe"))?.ino())
}

/// Waits for a daemon that began later than `left`.
fn wait_for_successor(socket: &Path, left: Instant) -> Result<()> {
    wait_until("the successor", RELOAD_MAX, || {
        let Ok(mut client) = Client::connect(socket, Duration::from_secs(2)) else {
            return Ok(None);
        };
        let uptime_ms = client.status().ok().map(|status| u128::from(status.uptime_ms));
        Ok(uptime_ms.filter(|uptime_ms| *uptime_ms <= left.elapsed().as_millis()).map(drop))
    })
}

#[test]
fn who_goes_before_the_answer_has_made_nobody_make_way() -> Result<()> {
    let (mut stage, _) = installed()?;
    let mut observer = stage.client()?;
    let mut stream = UnixStream::connect(&stage.socket)?;
    stream.write_all(&hello(VersionRange::SUPPORTED)?)?;
    // the welcome: what is not read would break the connection
    stream.read_exact(&mut [0; HEADER_LEN])?;
    let _ = stream.read(&mut [0; 64])?;
    stream.write_all(&frame(&Request::Handover)?)?;
    drop(stream);
    wait_until("the end of it", RELOAD_MAX, || {
        let query = EventsQuery { kinds: vec![EventKind::Daemon], ..EventsQuery::default() };
        let rows = observer.events(query)?.rows;
        Ok(rows.iter().any(|event| event.text.starts_with("not making way")).then_some(()))
    })?;
    observer.status()?;
    stage.stop()
}

#[test]
fn no_change_begins_once_another_program_was_let_in() -> Result<()> {
    let (mut stage, program) = installed()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let before = (fs::read(&devices)?, places(&stage.socket)?);
    let id = stage.client()?.circuits(CircuitsQuery::default())?.rows[0].id.clone();
    // one that takes its time to look at the files
    let real = program.with_extension("real");
    fs::copy(&program, &real)?;
    let slow = program.with_extension("slow");
    let script = format!("#!/bin/sh\nsleep 2\nexec {} \"$@\"\n", real.display());
    fs::write(&slow, script)?;
    fs::set_permissions(&slow, fs::metadata(&real)?.permissions())?;
    upgrade(&program, &slow)?;
    let left = Instant::now();
    let (mut asking, mut changing) = (stage.client()?, stage.client()?);
    thread::scope(|scope| {
        let handover = scope.spawn(move || asking.handover(RELOAD_MAX));
        thread::sleep(Duration::from_millis(500));
        let edits = vec![Edit::RemoveCircuit(id.to_string())];
        let outcome = changing.edit(Edits { base: None, shrink: false, edits }, RELOAD_MAX);
        ensure!(outcome.is_err(), "it was made: {outcome:?}");
        handover.join().expect("no panic").context("the handover")
    })?;
    wait_for_successor(&stage.socket, left)?;
    ensure!(fs::read(&devices)? == before.0, "the file is another one");
    ensure!(places(&stage.socket)? == before.1, "somebody has another place");
    stage.stop()
}

#[test]
fn whoever_asks_for_the_end_while_it_makes_way_gets_it() -> Result<()> {
    let (mut stage, _) = installed()?;
    stage.client()?.handover(RELOAD_MAX)?;
    // at once: what follows takes longer than a signal
    let mut daemon = stage.daemon.take().context("no daemon runs")?;
    daemon.signal(Signal::TERM)?;
    wait_until("its end", RELOAD_MAX, || daemon.ended())?;
    ensure!(!daemon.log().contains("not making way") || !stage.socket.exists(), "the socket stays");
    Ok(())
}

#[test]
fn fault_03_no_handover_loses_a_packet() -> Result<()> {
    let (mut stage, program) = installed()?;
    let process = stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let before = places(&stage.socket)?;
    under_traffic(&stage.lab, || {
        for _ in 0..2 {
            let old = program_of(process)?;
            upgrade(&program, &program)?;
            stage.client()?.handover(RELOAD_MAX)?;
            wait_for_successor(&stage.socket, Instant::now())?;
            ensure!(program_of(process)? != old, "it is the same program, in the same process");
            ensure!(places(&stage.socket)? == before, "somebody has another place");
        }
        // who could not take over is not let
        let text = fs::read_to_string(&devices)?;
        fs::write(&devices, text.replace("100.64.1.3,", "100.64.1.300,"))?;
        let running = program_of(process)?;
        upgrade(&program, &program)?;
        let refused = stage.client()?.handover(RELOAD_MAX);
        let Err(ClientError::Refused(refusal)) = refused else {
            anyhow::bail!("it was let: {refused:?}");
        };
        ensure!(refusal.code == ErrorCode::Invalid, "{refusal:?}");
        ensure!(refusal.text.contains("ShapedDevices.csv:4"), "{refusal:?}");
        ensure!(program_of(process)? == running, "it has gone");
        // bundles for whoever helps have events of the daemon, but not those that may name a subscriber
        let query = EventsQuery { kinds: EventKind::ALL.to_vec(), ..EventsQuery::default() };
        let events = stage.client()?.events(query)?.rows;
        let told = events.iter().find(|event| event.text.contains("ShapedDevices.csv:4"));
        let kind = told.map(|event| event.kind);
        ensure!(kind == Some(EventKind::Configuration), "{events:?}");
        stage.client()?.status()?;
        Ok(fs::write(&devices, text)?)
    })?;
    stage.stop()
}

/// Its maps cannot be taken over: they are filled before its programs are put in place, and what is counted
/// in them begins anew, without a rate that never was.
#[test]
fn a_build_with_other_maps_loses_no_packet() -> Result<()> {
    let (mut stage, program) = installed()?;
    let ours = stage.daemon_spec().binary;
    let other = other_layout(&program)?;
    let before = places(&stage.socket)?;
    let mut fastest = 0;
    under_traffic(&stage.lab, || {
        for build in [&other, &ours] {
            upgrade(&program, build)?;
            stage.client()?.handover(RELOAD_MAX)?;
            wait_for_successor(&stage.socket, Instant::now())?;
            ensure!(places(&stage.socket)? == before, "somebody has another place");
            let mut client = stage.client()?;
            wait_until("the first rates", RELOAD_MAX, || {
                let rows = client.circuits(CircuitsQuery::default())?.rows;
                let now = rows.iter().map(|row| row.offered_bps.down).max().unwrap_or(0);
                fastest = now.max(fastest);
                Ok((now > 3_000_000).then_some(()))
            })?;
        }
        Ok(())
    })?;
    let log = stage.daemon.as_ref().map(Daemon::log).unwrap_or_default();
    ensure!(log.matches("are of another build").count() == 2, "{log}");
    let fastest = BitsPerSec::new(fastest).mbps();
    ensure!(fastest < 6.0, "the rate jumped: {fastest} Mbps");
    let unclaimed = unclaimed_bytes(&stage.lab)?;
    ensure!(unclaimed < UNCLAIMED_MAX, "{unclaimed} bytes passed as nobody's");
    stage.stop()
}
