//! Changes that nobody feels.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::{CircuitEdit, CircuitsQuery, Client, Edit, Edits};
use kernel::tc::{Controller, TrafficControl};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Daemon, Lab, Place, UdpReport, UdpStream, wait_until};
use units::{BitsPerSec, Direction, IfIndex};

use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

pub(crate) const RELOAD_MAX: Duration = Duration::from_secs(20);
const STREAMS: Duration = Duration::from_secs(8);
const BEGUN: Duration = Duration::from_millis(500);
const BETWEEN: Duration = Duration::from_millis(400);
/// What neighbours say to each other, which no circuit claims.
pub(crate) const UNCLAIMED_MAX: u64 = 20_000;

/// Two sites, which are on a queue each.
pub(crate) fn two_sites() -> Provider {
    Provider {
        network: r#"{"A": {"downloadBandwidthMbps": 400, "uploadBandwidthMbps": 400},
                     "B": {"downloadBandwidthMbps": 400, "uploadBandwidthMbps": 400}}"#,
        ..Provider::flat(vec![
            Circuit::new("stays", "100.64.1.1", "", (20.0, 20.0)).under("A", (1.0, 1.0)),
            Circuit::new("moves", "100.64.1.2", "", (20.0, 20.0)).under("A", (1.0, 1.0)),
            Circuit::new("rated", "100.64.1.3", "", (20.0, 20.0)).under("B", (1.0, 1.0)),
            Circuit::new("goes", "100.64.1.4", "", (20.0, 20.0)).under("B", (1.0, 1.0)),
        ])
    }
}

/// Replaces text of a file and has the daemon read it.
fn change(stage: &Stage, devices: &Path, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(devices)?;
    let changed = text.replace(from, to);
    ensure!(from == to || changed != text, "the fixture has changed:\n{text}");
    fs::write(devices, changed)?;
    stage.client()?.reload(false, RELOAD_MAX)?;
    thread::sleep(BETWEEN);
    Ok(())
}

/// A circuit's download queue, once a snapshot has it.
fn queue_of(stage: &Stage, id: &str) -> Result<u16> {
    wait_until("the circuit", RELOAD_MAX, || {
        let page = stage.client()?.circuits(CircuitsQuery::default())?;
        Ok(page.rows.iter().find(|row| &*row.id == id).map(|row| row.queue.down))
    })
}

/// Has traffic of several circuits cross the box while something is done to it, and looks whether all of it
/// arrived, once.
pub(crate) fn under_traffic(lab: &Lab, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let stream = |address: &str, direction, port| -> Result<UdpStream> {
        let customer: IpAddr = address.parse()?;
        let mut stream = UdpStream::new(customer, direction, port, BitsPerSec::from_mbps(4));
        stream.duration = STREAMS;
        Ok(stream)
    };
    let streams = [
        ("stays, down", stream("100.64.1.1", Direction::Download, 7_001)?),
        ("moves, down", stream("100.64.1.2", Direction::Download, 7_002)?),
        ("moves, up", stream("100.64.1.2", Direction::Upload, 7_003)?),
        ("rated, down", stream("100.64.1.3", Direction::Download, 7_004)?),
    ];
    let reports = thread::scope(|scope| -> Result<Vec<(&str, UdpReport)>> {
        let runs: Vec<_> = streams
            .iter()
            .map(|(name, stream)| (*name, scope.spawn(move || stream.run(lab))))
            .collect();
        thread::sleep(BEGUN);
        work()?;
        runs.into_iter()
            .map(|(name, run)| Ok((name, run.join().ok().context("a stream panicked")??)))
            .collect()
    })?;
    for (name, report) in &reports {
        let UdpReport { sent, duplicated, reordered, longest_gap, .. } = report;
        let lost = report.lost();
        println!("{name}: {sent} sent, {lost} lost, {reordered} reordered, gap {longest_gap:?}");
        ensure!(*sent > 1_000 && lost == 0 && *duplicated == 0, "{name}: {report:?}");
    }
    Ok(())
}

/// Each circuit's class, queue and CPU, once a snapshot has them.
pub(crate) fn places(socket: &Path) -> Result<String> {
    wait_until("all circuits", RELOAD_MAX, || {
        let mut client = Client::connect(socket, Duration::from_secs(5))?;
        let rows = client.circuits(CircuitsQuery::default())?.rows;
        let places: Vec<_> =
            rows.iter().map(|row| (row.id.clone(), row.class, row.queue, row.cpu)).collect();
        Ok((places.len() == 4).then(|| format!("{places:?}")))
    })
}

#[test]
fn no_change_loses_a_packet() -> Result<()> {
    let stage = Stage::new(&two_sites())?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let before = queue_of(&stage, "moves")?;
    ensure!(before != queue_of(&stage, "rated")?, "both sites are on one queue");
    under_traffic(&stage.lab, || {
        // a rate; a circuit that goes and comes back; one that moves to another queue and back;
        // nothing at all
        let moved = "moves,Circuit moves,Dmoves,Router moves,";
        for (from, to) in [
            ("100.64.1.3,,1,1,20,20", "100.64.1.3,,1,1,35,15"),
            ("100.64.1.4,,1,1,20,20", "100.64.1.5,,1,1,20,20"),
            ("goes,Circuit goes,Dgoes", "new,Circuit new,Dnew"),
            (&*format!("{moved}A"), &*format!("{moved}B")),
            ("", ""),
            (&*format!("{moved}B"), &*format!("{moved}A")),
            ("new,Circuit new,Dnew", "goes,Circuit goes,Dgoes"),
        ] {
            change(&stage, &devices, from, to)?;
            if to.ends_with('B') {
                ensure!(queue_of(&stage, "moves")? != before, "it did not move");
            }
        }
        Ok(())
    })?;
    ensure!(queue_of(&stage, "moves")? == before, "it did not come back");
    Ok(())
}

/// What waits in the queue of a circuit that moves goes out before that is removed.
#[test]
fn what_waits_while_its_circuit_moves_arrives() -> Result<()> {
    let mut provider = two_sites();
    // its queue holds sixteen frames, which take some 0.4 s
    provider.circuits[1].max = (0.5, 0.5);
    provider.circuits[1].min = (0.1, 0.1);
    let stage = Stage::new(&provider)?;
    let mut burst = UdpStream::new(
        "100.64.1.2".parse()?,
        Direction::Download,
        7_005,
        BitsPerSec::from_mbps(50),
    );
    (burst.payload, burst.duration) = (1_372, Duration::from_millis(3));
    for parent in ["B", "A"] {
        let before = queue_of(&stage, "moves")?;
        let edit = CircuitEdit {
            id: "moves".into(),
            parent: Some(parent.into()),
            ..CircuitEdit::default()
        };
        let edits = Edits { edits: vec![Edit::Circuit(Box::new(edit))], ..Edits::default() };
        let lab = &stage.lab;
        let mut client = stage.client()?;
        let (report, took) = thread::scope(|scope| -> Result<(UdpReport, Duration)> {
            let arrivals = scope.spawn(|| burst.run(lab));
            thread::sleep(Duration::from_millis(20));
            let begun = Instant::now();
            client.edit(edits, RELOAD_MAX)?;
            let took = begun.elapsed();
            Ok((arrivals.join().ok().context("the burst panicked")??, took))
        })?;
        let last = report.delays.last().copied().unwrap_or_default();
        println!("{} sent, {} lost, {last:?} late; moved in {took:?}", report.sent, report.lost());
        ensure!(report.sent >= 8 && report.lost() == 0, "{report:?}");
        // the change ends when the old queue is empty
        ensure!(last > Duration::from_millis(150) && took > Duration::from_millis(100));
        wait_until("the other queue", RELOAD_MAX, || {
            Ok((queue_of(&stage, "moves")? != before).then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn no_death_loses_a_packet() -> Result<()> {
    let mut stage = Stage::new(&two_sites())?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let spec = stage.daemon_spec();
    let Stage { daemon, lab, socket, .. } = &mut stage;
    let (lab, socket) = (&*lab, &*socket);
    let before = places(socket)?;
    under_traffic(lab, || {
        let mut succeed = |pause: Duration| -> Result<()> {
            daemon.take().context("no daemon runs")?.kill();
            thread::sleep(pause);
            *daemon = Some(Daemon::start(lab, spec.clone())?);
            ensure!(places(socket)? == before, "somebody has another place");
            Ok(())
        };
        succeed(BETWEEN)?;
        succeed(Duration::ZERO)?;
        // and one that finds other files than its predecessor
        let text = fs::read_to_string(&devices)?;
        let changed = text.replace("100.64.1.3,,1,1,20,20", "100.64.1.3,,1,1,35,15");
        ensure!(changed != text, "the fixture has changed:\n{text}");
        fs::write(&devices, changed)?;
        succeed(Duration::ZERO)
    })?;
    stage.stop()
}

/// What is in maps of another size, or layout, cannot be taken over: the new ones are filled with it
/// before the programs are exchanged.
#[test]
fn other_sizes_of_tables_lose_no_packet() -> Result<()> {
    let sections = "[limits]\ncircuits = 64\nhosts = 64\nflows = 2048";
    let mut stage = Stage::new(&Provider { sections, ..two_sites() })?;
    let spec = stage.daemon_spec();
    let Stage { daemon, lab, socket, config, .. } = &mut stage;
    let (lab, socket) = (&*lab, &*socket);
    let before = places(socket)?;
    let text = fs::read_to_string(&*config)?;
    let larger = text.replace(sections, "[limits]\ncircuits = 128\nhosts = 256\nflows = 4096");
    ensure!(larger != text, "the fixture has changed:\n{text}");
    under_traffic(lab, || {
        for text in [&larger, &text] {
            fs::write(&*config, text)?;
            daemon.take().context("no daemon runs")?.kill();
            *daemon = Some(Daemon::start(lab, spec.clone())?);
            let status = Client::connect(socket, Duration::from_secs(5))?.status()?;
            let flows = if *text == larger { 4096 } else { 2048 };
            ensure!(status.flows.capacity == flows, "{status:?}");
            ensure!(places(socket)? == before, "somebody has another place");
        }
        Ok(())
    })?;
    let unclaimed = unclaimed_bytes(lab)?;
    ensure!(unclaimed < UNCLAIMED_MAX, "{unclaimed} bytes passed as nobody's");
    stage.stop()
}

/// What passed in the classes for what no circuit claims.
pub(crate) fn unclaimed_bytes(lab: &Lab) -> Result<u64> {
    lab.namespace(Place::Box).inside(|| {
        let mut controller = Controller::open()?;
        let mut bytes = 0;
        for name in [BOX_CUSTOMERS, BOX_INTERNET] {
            let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
            let classes = controller.classes(IfIndex::new(name_to_index(&socket, name)?))?;
            let unclaimed = classes.iter().filter(|class| class.handle.minor() == 2);
            bytes += unclaimed.map(|class| class.stats.bytes.get()).sum::<u64>();
        }
        Ok(bytes)
    })
}
