//! Captures, and whether tshark makes of their files what was captured.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bus::{
    CaptureEnd, CaptureEnded, CaptureInterface, CaptureRequest, CaptureTarget, CapturedPacket,
    Capturing, ErrorCode, Refusal, Reply, Request, Role, ServerCodec, Side, Welcome,
};
use bytes::BytesMut;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_util::codec::{Decoder as _, Encoder as _};
use units::Direction;

use crate::stand_in::StandIn;
use crate::terminal::{read_until, terminal};
use crate::{code, json, stderr, stdout, tidegate};

const BEGAN_NS: u64 = 1_790_000_000_123_456_789;

fn began(asked: &CaptureRequest) -> Reply {
    let nic = |ifindex, name: &str, side| CaptureInterface { ifindex, name: name.into(), side };
    Reply::Capturing(Capturing {
        interfaces: vec![nic(2, "eth0", Side::Internet), nic(3, "eth1", Side::Customers)],
        seconds: asked.seconds,
        packets: asked.packets,
        snap_length: asked.snap_length,
    })
}

/// The headers of a UDP packet from 100.64.1.10 to 192.0.2.80 with a payload of `payload` bytes.
fn packet(number: u64, payload: u16) -> CapturedPacket {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    bytes.extend([0x45, 0]);
    bytes.extend((28 + payload).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 100, 64, 1, 10, 192, 0, 2, 80]);
    bytes.extend([0xc3, 0xcb, 0x01, 0xbb]);
    bytes.extend((8 + payload).to_be_bytes());
    bytes.extend([0, 0]);
    CapturedPacket {
        seen_ns: BEGAN_NS + number * 1_000_001_001,
        interface: (number % 2) as u16,
        direction: if number.is_multiple_of(2) { Direction::Download } else { Direction::Upload },
        length: 42 + u32::from(payload),
        bytes,
    }
}

fn packets() -> Vec<CapturedPacket> {
    (0..50).map(|number| packet(number, 20 * number as u16)).collect()
}

fn ended(captured: u64, lost: u64, reason: CaptureEnd) -> Reply {
    Reply::CaptureEnded(CaptureEnded { captured, lost, reason })
}

/// A daemon with fifty packets for everybody who asks, three more of which were lost.
fn daemon() -> StandIn {
    StandIn::new(|request| {
        let Request::Capture(asked) = request else { panic!("{request:?}") };
        let (first, rest) = (packets()[..30].to_vec(), packets()[30..].to_vec());
        vec![
            began(asked),
            Reply::Captured(first),
            Reply::Captured(vec![]),
            Reply::Captured(rest),
            ended(50, 3, CaptureEnd::Packets),
        ]
    })
}

fn place() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it.pcapng").display().to_string();
    (folder, file)
}

/// What tshark says of a file: these fields, a packet a line. Any complaint fails the test.
fn tshark(file: &str, fields: &[&str]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", file, "-T", "fields", "-E", "separator=/s"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command
        .env("HOME", home.path())
        .env("LC_ALL", "C")
        .output()
        .expect("tshark is needed: apt-get install tshark");
    let complaints: Vec<&str> =
        stderr(&output).lines().filter(|line| !line.starts_with("Running as user ")).collect();
    assert_eq!((code(&output), complaints), (0, vec![]), "{file}");
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn tshark_reads_what_was_captured() {
    let (_folder, file) = place();
    let output = daemon().run(&["capture", "1001", "-o", &file]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    assert_eq!(stdout(&output), format!("50 packets, 3 lost, {file} (all that were asked for)\n"));
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.interface_description",
        "frame.len",
        "frame.cap_len",
        "frame.packet_flags_direction",
        "ip.src",
        "udp.dstport",
    ];
    let seen = tshark(&file, &fields);
    assert_eq!(seen.len(), 50);
    for (line, packet) in seen.iter().zip(packets()) {
        let (s, ns) = (packet.seen_ns / 1_000_000_000, packet.seen_ns % 1_000_000_000);
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with(&format!("{s}.{:06}", ns / 1_000)), "{line}");
        let (nic, side) = [("eth0", "towards the Internet"), ("eth1", "towards the customers")]
            [usize::from(packet.interface)];
        let length = packet.length;
        // 1: inbound
        let expected = format!("{nic} {side} {length} 42 0x00000001 100.64.1.10 443");
        assert_eq!(rest, expected);
    }
}

/// What capinfos, which comes with tshark, says of a file.
fn capinfos(file: &str) -> String {
    let output = Command::new("capinfos").args(["-M", file]).env("LC_ALL", "C").output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    stdout(&output).to_owned()
}

#[test]
fn the_file_says_what_made_it_and_how_long_frames_may_be() {
    let (_folder, file) = place();
    let output = daemon().run(&["capture", "fd00::9", "-o", &file, "--snap-length", "96"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = capinfos(&file);
    for expected in [
        "Capture application: tidegated 9.9",
        "Capture comment:     host fd00::9",
        "Name = eth0",
        "Description = towards the customers",
        "Capture length = 96",
        "Time precision = nanoseconds (9)",
        "Number of stat entries = 1",
        "Number of packets = 25",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn options_become_the_request() {
    let daemon = daemon();
    let (folder, file) = place();
    let other = folder.path().join("b").display().to_string();
    daemon.run(&["capture", "1001", "-o", &file]);
    daemon.run(&[
        "capture",
        "100.64.1.10",
        "--output",
        &file,
        "--force",
        "--seconds",
        "7",
        "--packets",
        "9",
        "--snap-length",
        "64",
    ]);
    daemon.run(&["capture", "100.64.1.10", "--circuit", "-o", &other]);
    let request = |target, seconds, packets, snap_length| {
        Request::Capture(CaptureRequest { target, seconds, packets, snap_length })
    };
    let host = "100.64.1.10";
    assert_eq!(
        daemon.asked(),
        [
            request(CaptureTarget::Circuit("1001".into()), 60, 100_000, 128),
            request(CaptureTarget::Host(host.parse().unwrap()), 7, 9, 64),
            request(CaptureTarget::Circuit(host.into()), 60, 100_000, 128),
        ]
    );
}

#[test]
fn a_capture_goes_to_the_standard_output_with_its_summary_beside_it() {
    let (_folder, file) = place();
    let output = daemon().run(&["capture", "1001", "-o", "-"]);
    assert_eq!(
        (code(&output), stderr(&output)),
        (0, "50 packets, 3 lost, - (all that were asked for)\n")
    );
    fs::write(&file, &output.stdout).unwrap();
    assert_eq!(tshark(&file, &["frame.len"]).len(), 50);
    let output = daemon().run(&["capture", "1001", "-o", "-", "--json"]);
    let summary: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(summary["packets"], 50);
    assert_eq!(output.stdout, fs::read(&file).unwrap());
}

#[test]
fn a_file_is_not_overwritten_unasked_and_is_its_owners() {
    let (_folder, file) = place();
    fs::write(&file, "mine").unwrap();
    let output = daemon().run(&["capture", "1001", "-o", &file]);
    assert_eq!((code(&output), stdout(&output)), (1, ""));
    assert_eq!(stderr(&output), format!("error: {file} exists; --force replaces it\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let summary = json(&daemon().run(&["capture", "1001", "-o", &file, "--force", "--json"]));
    assert_eq!(
        summary,
        serde_json::json!({"file": file, "packets": 50, "lost": 3, "reason": "packets"})
    );
    assert_eq!(tshark(&file, &["frame.len"]).len(), 50);
    assert_eq!(mode(), 0o600);
    fs::remove_file(&file).unwrap();
    daemon().run(&["capture", "1001", "-o", &file]);
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_full_disk_is_told() {
    assert!(Path::new("/dev/full").exists());
    let output = daemon().run(&["capture", "1001", "-o", "/dev/full", "--force"]);
    assert_eq!((code(&output), stdout(&output)), (1, ""));
    let told = stderr(&output);
    assert!(told.contains("could not write /dev/full: No space left on device"), "{told}");
    assert!(told.contains("/dev/full is incomplete\n"), "{told}");
}

#[test]
fn a_refusal_leaves_no_file() {
    let (_folder, file) = place();
    for (refused, expected, first) in [
        (ErrorCode::NotFound, 6, "error: for a reason\n"),
        (ErrorCode::Denied, 4, "error: the daemon refused: denied: for a reason\n"),
        (ErrorCode::Busy, 7, "error: the daemon refused: busy: for a reason\n"),
    ] {
        let daemon = StandIn::new(move |_| vec![Refusal::new(refused, "for a reason").into()]);
        let output = daemon.run(&["capture", "9\x1b[2J", "-o", &file]);
        assert_eq!(code(&output), expected);
        assert!(stderr(&output).starts_with(first));
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn what_came_before_a_failure_is_a_valid_file() {
    let (_folder, file) = place();
    let daemon = StandIn::new(|request| {
        let Request::Capture(asked) = request else { panic!("{request:?}") };
        let refusal = Refusal::new(ErrorCode::Internal, "the ring is gone");
        vec![began(asked), Reply::Captured(packets()), refusal.into()]
    });
    let output = daemon.run(&["capture", "1001", "-o", &file]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        format!(
            "50 packets are in {file}, then:\nerror: the daemon refused: internal: the ring is gone\n"
        )
    );
    assert_eq!(tshark(&file, &["frame.len"]).len(), 50);
}

/// Captures for one client, a packet every few milliseconds, until it is ended.
fn endless(listener: &UnixListener) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let (mut received, mut chunk, mut sent, mut capture) = (BytesMut::new(), [0; 4096], 0, None);
    loop {
        while let Some(incoming) =
            ServerCodec::serving(Some(Role::Control)).decode(&mut received).unwrap()
        {
            match incoming.request.unwrap() {
                Request::Hello(hello) => {
                    let welcome = Welcome::to(&hello, Role::Control, "9.9").unwrap();
                    send(&mut stream, incoming.id, &Reply::Welcome(welcome));
                }
                Request::Capture(asked) => {
                    capture = Some(incoming.id);
                    send(&mut stream, incoming.id, &began(&asked));
                }
                Request::Unsubscribe(id) => {
                    send(&mut stream, incoming.id, &Reply::Done);
                    send(&mut stream, id, &ended(sent, 0, CaptureEnd::Asked));
                }
                other => panic!("{other:?}"),
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(id) = capture {
                    send(&mut stream, id, &Reply::Captured(vec![packet(sent, 0)]));
                    sent += 1;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn send(stream: &mut UnixStream, id: u64, reply: &Reply) {
    let mut out = BytesMut::new();
    ServerCodec::serving(Some(Role::Control)).encode((id, reply), &mut out).unwrap();
    // a client that is gone is noticed when reading
    let _ = stream.write_all(&out);
}

/// A capture into the file that goes on until it is ended, and its daemon.
fn begin_endless(folder: &Path, file: &str, stderr: Stdio) -> (Child, JoinHandle<()>) {
    let socket = folder.join("bus.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let daemon = thread::spawn(move || endless(&listener));
    let child = tidegate()
        .args(["--socket", socket.to_str().unwrap(), "capture", "1001", "-o", file])
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    (child, daemon)
}

#[test]
fn progress_is_told_on_a_terminal_and_taken_away() {
    let (folder, file) = place();
    let pty = terminal(80);
    let (child, daemon) = begin_endless(folder.path(), &file, Stdio::from(pty.slave));
    let mut screen = File::from(pty.master);
    let begun = read_until(&mut screen, Some("Ctrl-C ends\x1b[K"));
    assert!(begun.starts_with("\r") && begun.contains(" packets in "), "{begun:?}");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(code(&child.wait_with_output().unwrap()), 0);
    let ended = read_until(&mut screen, None);
    assert!(ended.ends_with("\r\x1b[K"), "{ended:?}");
    daemon.join().unwrap();
}

#[test]
fn an_interrupted_capture_ends_well() {
    let (folder, file) = place();
    let (child, daemon) = begin_endless(folder.path(), &file, Stdio::piped());
    // some packets are on disk while it goes on
    while fs::metadata(&file).map_or(0, |it| it.len()) < 1_000 {
        thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let written = tshark(&file, &["frame.len"]).len();
    assert!(written >= 5, "{written}");
    assert_eq!(stdout(&output), format!("{written} packets, 0 lost, {file}\n"));
    daemon.join().unwrap();
}
