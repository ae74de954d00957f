//! Captures: for whom, how many, and whether other programs can read them.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bus::{CaptureEnd, CaptureRequest, CaptureTarget, Client, ClientError, ErrorCode};
use kernel::peer::group_id;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use testkit::{Ping, Place};

use crate::provider::{Circuit, Provider, READ_GROUP};
use crate::stage::Stage;

const DEADLINE: Duration = Duration::from_secs(5);
pub(crate) const NOBODY: u32 = 65_534;
const PINGS: u32 = 30;

fn two_circuits() -> Provider {
    Provider {
        sections: "[capture]\nat_once = 2\npackets_max = 1000\nseconds_max = \"20 s\"",
        ..Provider::flat(vec![
            Circuit::new("one", "100.64.1.1", "2001:db8:1::1", (50.0, 50.0)),
            Circuit::new("two", "100.64.1.2", "", (50.0, 50.0)),
        ])
    }
}

fn ping(stage: &Stage, customer: &str) -> Result<()> {
    let customer = customer.parse()?;
    let mut ping = Ping::from(customer, stage.lab.server_for(customer));
    (ping.count, ping.interval_ms, ping.size) = (PINGS, 20, 400);
    let report = ping.run(&stage.lab, Place::Customers)?;
    ensure!(report.lost == 0, "{report:?}");
    Ok(())
}

/// The command, built beside the daemon.
pub(crate) fn tidegate() -> Result<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_tidegated")).with_file_name("tidegate");
    ensure!(path.exists(), "{} is not there: build it with `cargo build -p cli`", path.display());
    Ok(path)
}

fn unix_now() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

#[test]
fn a_capture_opens_in_tshark() -> Result<()> {
    let stage = Stage::new(&two_circuits())?;
    let file = stage.lab.folder().join("one.pcapng");
    let before = unix_now()?;
    let mut capture = Command::new(tidegate()?)
        .arg("--socket")
        .arg(&stage.socket)
        .args(["capture", "one", "--seconds", "3", "--json", "-o"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .context("could not start tidegate")?;
    let started = testkit::wait_until("the capture", DEADLINE, || {
        Ok((stage.client()?.status()?.captures == 1).then_some(()))
    });
    let traffic = started.and_then(|()| {
        ping(&stage, "100.64.1.1")?;
        ping(&stage, "2001:db8:1::1")?;
        ping(&stage, "100.64.1.2")
    });
    let _ = traffic.as_ref().map_err(|_| capture.kill());
    let output = capture.wait_with_output()?;
    traffic?;
    let after = unix_now()?;
    ensure!(output.status.success(), "{output:?}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    // neighbours look for each other now and then
    let packets = summary["packets"].as_u64().context("no number of packets")? as usize;
    ensure!(packets >= 4 * PINGS as usize && summary["lost"] == 0, "{summary}");

    tshark_agrees(&file, packets, before..=after)
}

/// Whether tshark reads the file without a complaint, and finds in it what was sent.
fn tshark_agrees(file: &Path, packets: usize, while_it_ran: RangeInclusive<f64>) -> Result<()> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file);
    tshark.args([
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.len",
        "-e",
        "frame.cap_len",
    ]);
    tshark.args(["-e", "frame.interface_name", "-e", "icmp.type", "-e", "icmpv6.type"]);
    let read = testkit::run(&mut tshark, Duration::from_secs(30))?.checked()?;
    let complaints = String::from_utf8_lossy(read.stderr.as_bytes()).into_owned();
    let complaints = complaints.lines().filter(|line| !line.contains("as user \"root\""));
    ensure!(complaints.clone().count() == 0, "{:?}", complaints.collect::<Vec<_>>());
    let lines: Vec<Vec<&str>> =
        read.stdout.lines().map(|line| line.split('\t').collect()).collect();
    ensure!(lines.len() == packets, "{} of {packets} packets", lines.len());
    let is_discovery = |line: &&Vec<&str>| matches!(line[5], "135" | "136");
    let echoes = packets - lines.iter().filter(is_discovery).count();
    ensure!(echoes == 4 * PINGS as usize, "{echoes} echoes in {lines:?}");
    let count = |nic: &str, v4: &str, v6: &str| {
        lines.iter().filter(|line| line[3] == nic && line[4] == v4 && line[5] == v6).count()
    };
    for (nic, v4, v6) in [
        (testkit::BOX_CUSTOMERS, "8", ""),
        (testkit::BOX_INTERNET, "0", ""),
        (testkit::BOX_CUSTOMERS, "", "128"),
        (testkit::BOX_INTERNET, "", "129"),
    ] {
        ensure!(count(nic, v4, v6) == PINGS as usize, "{nic} {v4} {v6}: {lines:?}");
    }
    for line in &lines {
        let (time, length, captured): (f64, u32, u32) =
            (line[0].parse()?, line[1].parse()?, line[2].parse()?);
        ensure!(while_it_ran.contains(&time), "{time} is not in {while_it_ran:?}");
        ensure!(captured <= 128 && (length > 400 || is_discovery(&line)), "{line:?}");
    }
    Ok(())
}

fn request(target: CaptureTarget, packets: u32) -> CaptureRequest {
    CaptureRequest { target, seconds: 15, packets, snap_length: 96 }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> Result<ErrorCode> {
    match outcome {
        Err(ClientError::Refused(refusal)) => Ok(refusal.code),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

#[test]
fn captures_are_bounded_and_each_gets_its_own() -> Result<()> {
    let mut stage = Stage::new(&two_circuits())?;
    let (mut first, mut second, mut third) = (stage.client()?, stage.client()?, stage.client()?);
    let circuit = |id: &str| CaptureTarget::Circuit(id.to_owned());
    ensure!(
        refusal(third.capture(request(circuit("nobody"), 1)).map(drop))? == ErrorCode::NotFound
    );
    let mut of_one = first.capture(request(circuit("one"), 2 * PINGS))?;
    let mut of_two =
        second.capture(request(CaptureTarget::Host("100.64.1.2".parse()?), u32::MAX))?;
    ensure!(of_two.capturing().packets == 1_000, "{:?}", of_two.capturing());
    ensure!(refusal(third.capture(request(circuit("one"), 1)).map(drop))? == ErrorCode::Busy);
    ensure!(stage.client()?.status()?.captures == 2, "two captures run");
    ping(&stage, "100.64.1.1")?;
    ping(&stage, "100.64.1.2")?;

    let mut taken = 0;
    for batch in of_one.by_ref() {
        taken += batch?.len();
    }
    ensure!(taken == 2 * PINGS as usize, "{taken}");
    let ended = of_one.ended().context("it has not ended")?;
    ensure!((ended.reason, ended.lost) == (CaptureEnd::Packets, 0), "{ended:?}");
    let mut taken = 0;
    while taken < 2 * PINGS as usize {
        taken += of_two.next().context("it ended early")??.len();
    }
    ensure!(taken == 2 * PINGS as usize, "{taken}");
    // who goes makes room, also without a word
    std::mem::forget(of_two);
    drop(second);
    testkit::wait_until("room for captures", DEADLINE, || {
        Ok((stage.client()?.status()?.captures == 0).then_some(()))
    })?;

    readers_may_not(&stage)?;

    // under a configuration without the circuit its capture ends
    let mut of_two = third.capture(request(circuit("two"), 1_000))?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = std::fs::read_to_string(&devices)?;
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("two,")).collect();
    std::fs::write(&devices, without.join("\n") + "\n")?;
    stage.client()?.reload(false, Duration::from_secs(20))?;
    for batch in of_two.by_ref() {
        batch?;
    }
    let ended = of_two.ended().context("it has not ended")?;
    ensure!(ended.reason == CaptureEnd::Stopped, "{ended:?}");
    drop(of_two);

    // a capture does not hold up the daemon's end
    let mut running = third.capture(request(circuit("one"), 1_000))?;
    let started = std::time::Instant::now();
    stage.stop()?;
    let took = started.elapsed();
    ensure!(took < Duration::from_secs(3), "stopping took {took:?}");
    for batch in running.by_ref() {
        batch?;
    }
    let ended = running.ended().context("it has not ended")?;
    ensure!(ended.reason == CaptureEnd::Stopped, "{ended:?}");
    captures_are_in_the_audit_log(&stage)
}

/// What was granted, what was taken, and why each ended, the client that went away without a word too.
fn captures_are_in_the_audit_log(stage: &Stage) -> Result<()> {
    let log = std::fs::read_to_string(stage.config.with_file_name("audit.jsonl"))?;
    let rows: Vec<bus::EventRow> =
        log.lines().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<_>>()?;
    let of_captures = rows.iter().filter(|row| row.kind == bus::EventKind::Capture);
    let told: Vec<_> = of_captures.map(|row| row.text.as_str()).collect();
    let begins = |text: &str| told.iter().filter(|told| told.starts_with(text)).count();
    let granted = "capture of host 100.64.1.2: 15 s, 1000 packets, 96 bytes of each at most";
    for (text, times) in [
        (granted, 1),
        ("capture of circuit one is over, as it has all its packets: 60 packets, 0 lost, in ", 1),
        ("capture of host 100.64.1.2 is over, as its client has gone: ", 1),
        ("capture of circuit two is over, as the daemon ended it: ", 1),
        ("capture of circuit one is over, as the daemon ended it: ", 1),
    ] {
        ensure!(begins(text) == times, "{text}: {told:#?}");
    }
    ensure!(told.len() == 8, "{told:#?}");
    Ok(())
}

fn readers_may_not(stage: &Stage) -> Result<()> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    for folder in stage.socket.ancestors().skip(1).take(2) {
        set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    let group = group_id(READ_GROUP)?.context("there is no such group")?;
    let socket = stage.socket.clone();
    // a thread has credentials of its own, and they end with it
    let attempt = std::thread::spawn(move || -> Result<ErrorCode> {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(group))?;
        set_thread_uid(Uid::from_raw(NOBODY))?;
        let mut client = Client::connect(&socket, DEADLINE)?;
        let target = CaptureTarget::Circuit("one".to_owned());
        refusal(client.capture(request(target, 1)).map(drop))
    });
    let code = attempt.join().ok().context("the attempt panicked")??;
    ensure!(code == ErrorCode::Denied, "{code:?}");
    Ok(())
}
