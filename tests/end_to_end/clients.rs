//! Who may speak to the daemon, and what those can do who should not.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{Client, ClientError, ErrorCode};
use kernel::peer::group_id;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::provider::{ADMIN_GROUP, Circuit, Provider, READ_GROUP};
use crate::stage::Stage;

const DEADLINE: Duration = Duration::from_secs(5);
const NOBODY: u32 = 65_534;

/// What a user with nothing but this group may do: look, and change.
fn as_member_of(group: u32, socket: &Path) -> Result<(Option<ErrorCode>, Option<ErrorCode>)> {
    let socket = socket.to_owned();
    // A thread has credentials of its own, and they end with it.
    let attempt = thread::spawn(move || -> Result<_> {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(group))?;
        set_thread_uid(Uid::from_raw(NOBODY))?;
        let mut client = match Client::connect(&socket, DEADLINE) {
            Ok(client) => client,
            Err(error) => return Ok((refusal(error)?, Some(ErrorCode::Denied))),
        };
        let look = client.status().map(drop);
        let change = client.bypass(false);
        Ok((look.err().map_or(Ok(None), refusal)?, change.err().map_or(Ok(None), refusal)?))
    });
    attempt.join().ok().context("the attempt panicked")?
}

fn refusal(error: ClientError) -> Result<Option<ErrorCode>> {
    match error {
        ClientError::Refused(refusal) => Ok(Some(refusal.code)),
        other => Err(other.into()),
    }
}

#[test]
fn fault_15_who_connects_decides_what_is_allowed() -> Result<()> {
    let stage =
        Stage::new(&Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))]))?;
    for folder in stage.socket.ancestors().skip(1).take(2) {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    let id = |name: &str| group_id(name)?.with_context(|| format!("there is no group {name}"));
    let may = |group| as_member_of(group, &stage.socket);
    let denied = Some(ErrorCode::Denied);
    ensure!(may(id(ADMIN_GROUP)?)? == (None, None), "an administrator is refused");
    ensure!(may(id(READ_GROUP)?)? == (None, denied), "a reader may not look, or may change");
    ensure!(may(NOBODY)? == (denied, denied), "a stranger is let in");
    let log = stage.daemon.as_ref().context("no daemon runs")?.log();
    ensure!(log.contains("refused") && log.contains("65534"), "no refusal is logged:\n{log}");
    Ok(())
}

#[test]
fn fault_14_a_bad_client_harms_only_itself() -> Result<()> {
    let stage =
        Stage::new(&Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))]))?;
    let connect = || -> Result<UnixStream> {
        let stream = UnixStream::connect(&stage.socket)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(stream)
    };
    // Nothing the daemon could mistake for a frame: it hangs up.
    let mut garbage = connect()?;
    garbage.write_all(&[0xff; 4096])?;
    ensure!(matches!(garbage.read(&mut [0; 64]), Ok(0) | Err(_)), "garbage is answered");
    // The beginning of a frame that never ends, and a client that never reads.
    let mut half = connect()?;
    half.write_all(b"TG")?;
    let silent: Vec<_> = (0..300).filter_map(|_| connect().ok()).collect();
    let crowded = Client::connect(&stage.socket, DEADLINE);
    ensure!(crowded.is_err(), "three hundred clients are too many, and one more is let in");
    drop(silent);
    testkit::wait_until("room for a client", Duration::from_secs(10), || {
        Ok(stage.client().and_then(|mut client| Ok(client.status()?)).ok())
    })?;
    // The half frame's sender is hung up on when its time to say hello is over.
    half.set_read_timeout(Some(Duration::from_secs(20)))?;
    let ended = half.read(&mut [0; 64]);
    let in_time = ended.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::WouldBlock);
    ensure!(in_time, "half a frame holds its place: {ended:?}");
    Ok(())
}
