//! Who may speak to the daemon, and what those can do who should not.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bus::{
    Client, ClientCodec, ClientError, Edit, Edits, ErrorCode, HEADER_LEN, Hello, MAGIC, MAX_CHANGE,
    PROTOCOL_VERSION, Reply, Request, Topic, VersionRange,
};
use kernel::peer::group_id;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use testkit::Daemon;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::crowding::memory_kib;
use crate::provider::{ADMIN_GROUP, Circuit, Provider, READ_GROUP};
use crate::stage::Stage;

const DEADLINE: Duration = Duration::from_secs(5);
const NOBODY: u32 = 65_534;
/// How long a client that asks for little waits, whatever others do.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// For the rest of a frame the daemon waits five seconds.
const WAITED_MIN: Duration = Duration::from_secs(4);
/// Clients that ask for the plan and do not read it.
const PLANS: usize = 100;
/// What the daemon may take more for all of them: a plan for each would be some 100 MiB.
const PLANS_KIB: u64 = 24 * 1024;
/// More than a reply may take to be read.
const STALL_MAX: Duration = Duration::from_secs(20);

/// What comes of this for a user with nothing but this group.
fn as_member_of<T: Send>(group: u32, attempt: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    // A thread has credentials of its own, and they end with it.
    thread::scope(|scope| {
        let attempt = scope.spawn(|| {
            set_thread_groups(&[])?;
            set_thread_gid(Gid::from_raw(group))?;
            set_thread_uid(Uid::from_raw(NOBODY))?;
            attempt()
        });
        attempt.join().ok().context("the attempt panicked")?
    })
}

/// What a user with nothing but this group may do: look, and change.
fn rights_of(group: u32, socket: &Path) -> Result<(Option<ErrorCode>, Option<ErrorCode>)> {
    as_member_of(group, || {
        let mut client = match Client::connect(socket, DEADLINE) {
            Ok(client) => client,
            Err(error) => return Ok((refusal(error)?, Some(ErrorCode::Denied))),
        };
        let look = client.status().map(drop);
        let change = client.bypass(false);
        Ok((look.err().map_or(Ok(None), refusal)?, change.err().map_or(Ok(None), refusal)?))
    })
}

fn id_of(group: &str) -> Result<u32> {
    group_id(group)?.with_context(|| format!("there is no group {group}"))
}

/// A stage whose socket everybody can reach.
fn open_stage() -> Result<Stage> {
    let stage = stage()?;
    for folder in stage.socket.ancestors().skip(1).take(2) {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(stage)
}

fn refusal(error: ClientError) -> Result<Option<ErrorCode>> {
    match error {
        ClientError::Refused(refusal) => Ok(Some(refusal.code)),
        other => Err(other.into()),
    }
}

#[test]
fn fault_15_who_connects_decides_what_is_allowed() -> Result<()> {
    let stage = open_stage()?;
    let may = |group| rights_of(group, &stage.socket);
    let denied = Some(ErrorCode::Denied);
    ensure!(may(id_of(ADMIN_GROUP)?)? == (None, None), "an administrator is refused");
    ensure!(may(id_of(READ_GROUP)?)? == (None, denied), "a reader may not look, or may change");
    ensure!(may(NOBODY)? == (denied, denied), "a stranger is let in");
    ensure!(may(NOBODY)? == (denied, denied), "a stranger is let in at the second attempt");
    let log = stage.daemon.as_ref().context("no daemon runs")?.log();
    let refusals = log.lines().filter(|line| line.contains("refused") && line.contains("65534"));
    ensure!(refusals.count() == 2, "the reader and the stranger are not logged once each:\n{log}");
    Ok(())
}

fn stage() -> Result<Stage> {
    Stage::new(&Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))]))
}

fn connect(stage: &Stage) -> Result<UnixStream> {
    let stream = UnixStream::connect(&stage.socket)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}

#[test]
fn fault_14_a_bad_client_harms_only_itself() -> Result<()> {
    let stage = stage()?;
    let connect = || connect(&stage);
    // Nothing the daemon could mistake for a frame: it hangs up.
    let mut garbage = connect()?;
    garbage.write_all(&[0xff; 4096])?;
    let answer = garbage.read(&mut [0; 64]);
    ensure!(matches!(&answer, Ok(0)) || hung_up(&answer), "garbage is answered: {answer:?}");
    // The beginning of a frame that never ends, and a thousand that say nothing.
    let mut half = connect()?;
    let begun = Instant::now();
    half.write_all(&header(PROTOCOL_VERSION, 100)[..HEADER_LEN - 1])?;
    let silent: Vec<_> = (0..1_000).filter_map(|_| connect().ok()).collect();
    let crowded = Client::connect(&stage.socket, DEADLINE);
    ensure!(crowded.is_err(), "a thousand clients are too many, and one more is let in");
    drop(silent);
    testkit::wait_until("room for a client", Duration::from_secs(10), || {
        Ok(stage.client().and_then(|mut client| Ok(client.status()?)).ok())
    })?;
    // The half frame's sender is hung up on when its time to say hello is over.
    half.set_read_timeout(Some(Duration::from_secs(20)))?;
    let ended = half.read(&mut [0; 64]);
    let in_time = ended.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::WouldBlock);
    ensure!(in_time, "half a frame holds its place: {ended:?}");
    ensure!(begun.elapsed() > WAITED_MIN, "the rest of the frame is not waited for");
    Ok(())
}

#[test]
fn strangers_take_no_place_of_those_who_may_look() -> Result<()> {
    let stage = open_stage()?;
    let silent = || Ok((0..300).filter_map(|_| connect(&stage).ok()).collect::<Vec<_>>());
    let strangers = as_member_of(NOBODY, silent)?;
    let reader = rights_of(id_of(READ_GROUP)?, &stage.socket)?;
    drop(strangers);
    ensure!(reader == (None, Some(ErrorCode::Denied)), "{reader:?}");
    Ok(())
}

/// Whether the other end has closed, with something of ours unread.
fn hung_up<T>(outcome: &std::io::Result<T>) -> bool {
    outcome.as_ref().err().is_some_and(|error| {
        matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    })
}

/// A frame's header, which is followed by so many bytes.
fn header(version: u16, length: u32) -> Vec<u8> {
    [&MAGIC[..], &version.to_le_bytes(), &length.to_le_bytes(), &7_u64.to_le_bytes()].concat()
}

pub(crate) fn frame(request: &Request) -> Result<Vec<u8>> {
    let mut bytes = BytesMut::new();
    ClientCodec.encode((7, request), &mut bytes)?;
    Ok(bytes.to_vec())
}

pub(crate) fn hello(versions: VersionRange) -> Result<Vec<u8>> {
    frame(&Request::Hello(Hello { client: "test".to_owned(), versions }))
}

/// Reads until the daemon hangs up.
fn all_that_comes(stream: &mut UnixStream) -> Result<BytesMut> {
    let (mut said, mut buffer) = (BytesMut::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer);
        match read {
            Ok(0) => return Ok(said),
            Ok(length) => said.extend_from_slice(&buffer[..length]),
            read if hung_up(&read) => return Ok(said),
            Err(error) => bail!("it does not hang up: {error}"),
        }
    }
}

/// With what the daemon refuses these bytes before it hangs up.
fn last_word(stage: &Stage, bytes: &[u8]) -> Result<ErrorCode> {
    let mut stream = connect(stage)?;
    stream.write_all(bytes)?;
    let mut said = all_that_comes(&mut stream)?;
    match ClientCodec.decode(&mut said)? {
        Some((7, Reply::Error(refusal))) => Ok(refusal.code),
        other => bail!("not refused: {other:?}"),
    }
}

#[test]
fn frames_that_cannot_be_taken_are_refused_by_name() -> Result<()> {
    let stage = stage()?;
    let other = [header(PROTOCOL_VERSION + 1, 1), vec![1]].concat();
    ensure!(last_word(&stage, &other)? == ErrorCode::Version, "a frame of another version");
    let newer = VersionRange { min: PROTOCOL_VERSION + 1, max: PROTOCOL_VERSION + 3 };
    ensure!(last_word(&stage, &hello(newer)?)? == ErrorCode::Version, "a newer client");
    let giant = header(PROTOCOL_VERSION, u32::try_from(MAX_CHANGE)? + 1);
    ensure!(last_word(&stage, &giant)? == ErrorCode::TooLarge, "a giant, by its header alone");
    let unasked = frame(&Request::Show(Topic::Status))?;
    ensure!(last_word(&stage, &unasked)? == ErrorCode::Malformed, "no hello");
    stage.client()?.status()?;
    Ok(())
}

/// Asks again and again and reads no answer, until nothing more can be written.
fn stall(stage: &Stage) -> Result<UnixStream> {
    let mut stream = connect(stage)?;
    stream.set_write_timeout(Some(Duration::from_millis(300)))?;
    stream.write_all(&hello(VersionRange::SUPPORTED)?)?;
    let ask = frame(&Request::Show(Topic::Status))?;
    for _ in 0..1_000_000 {
        match stream.write_all(&ask) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(stream),
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the daemon takes whatever comes")
}

#[test]
fn clients_that_do_not_read_are_left_and_others_answered_in_time() -> Result<()> {
    let stage = stage()?;
    // more than the daemon has threads to serve them
    let mut stalled = Vec::new();
    for _ in 0..8 {
        stalled.push(stall(&stage)?);
    }
    for _ in 0..20 {
        let begun = Instant::now();
        stage.client()?.status()?;
        ensure!(begun.elapsed() < ANSWER_MAX, "an answer took {:?}", begun.elapsed());
    }
    testkit::wait_until("their end", STALL_MAX, || {
        Ok((stage.client()?.status()?.clients == 1).then_some(()))
    })?;
    for mut stream in stalled {
        all_that_comes(&mut stream)?;
    }
    Ok(())
}

#[test]
fn plans_that_are_not_read_take_no_memory_each() -> Result<()> {
    let stage = stage()?;
    let mut circuits = stage.client()?.sources()?.circuits;
    for n in 0..2_000 {
        let (high, low) = (n / 250, n % 250);
        circuits += &format!("c{n},,,,,,100.64.{}.{},,1,1,5,5,\n", high + 2, low + 1);
    }
    let edits = Edits { edits: vec![Edit::Circuits(circuits)], ..Edits::default() };
    stage.client()?.edit(edits, STALL_MAX)?;
    let plan = stage.client()?.plan()?;
    ensure!(plan.json.len() > 1_000_000, "{} bytes", plan.json.len());
    let process = stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
    let before = memory_kib(process)?;
    let ask = [hello(VersionRange::SUPPORTED)?, frame(&Request::Plan)?].concat();
    let mut stalled = Vec::new();
    for _ in 0..PLANS {
        let mut stream = connect(&stage)?;
        stream.write_all(&ask)?;
        // the welcome, and the beginning of the plan
        stream.read_exact(&mut [0; 1_024])?;
        stalled.push(stream);
    }
    let more = memory_kib(process)?.saturating_sub(before);
    ensure!(more < PLANS_KIB, "{more} KiB more");
    drop(stalled);
    ensure!(stage.client()?.plan()? == plan);
    Ok(())
}
