//! What is remembered of what happened, and the audit log.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bus::{
    Cause, CircuitEdit, Client, Edit, Edits, EventKind, EventRow, EventsPage, EventsQuery,
    Severity, Topic, View,
};
use kernel::peer::group_id;
use rustix::process::{Gid, Signal, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use testkit::{ChildGuard, Daemon, wait_until};
use units::PerDirection;

use crate::capturing::{NOBODY, tidegate};
use crate::provider::{Circuit, Provider, READ_GROUP};
use crate::stage::Stage;

const EDIT_MAX: Duration = Duration::from_secs(20);

fn stage(watch: bool) -> Result<Stage> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    Stage::new(&Provider { watch, ..Provider::flat(vec![circuit]) })
}

fn faster() -> Edits {
    let max_bps = PerDirection { down: Some(20_000_000), up: None };
    let edit = CircuitEdit { id: "one".into(), max_bps, ..CircuitEdit::default() };
    Edits { edits: vec![Edit::Circuit(Box::new(edit))], ..Edits::default() }
}

/// What the tests bring about; a slow machine's late threads are events too.
fn query() -> EventsQuery {
    let kinds = vec![EventKind::Daemon, EventKind::Configuration, EventKind::Bypass];
    EventsQuery { kinds, limit: 1_000, ..EventsQuery::default() }
}

fn events(stage: &Stage) -> Result<Vec<EventRow>> {
    Ok(stage.client()?.events(query())?.rows)
}

/// The lines of the audit log.
fn audit(stage: &Stage) -> Result<Vec<EventRow>> {
    let text = fs::read_to_string(stage.config.with_file_name("audit.jsonl"))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[test]
fn every_change_is_remembered_with_who_made_it() -> Result<()> {
    let mut stage = stage(false)?;
    let mut client = stage.client()?;
    client.edit(faster(), EDIT_MAX)?;
    client.bypass(true)?;
    client.bypass(false)?;
    let none = Edits { edits: vec![Edit::RemoveCircuit("two".into())], ..Edits::default() };
    ensure!(client.edit(none, EDIT_MAX).is_err());
    fs::write(stage.config.with_file_name("network.json"), "{")?;
    ensure!(client.reload(false, EDIT_MAX).is_err());
    let rows = events(&stage)?;
    let told: Vec<_> = rows.iter().map(|row| (row.kind, row.severity, row.generation)).collect();
    let (info, warning, error) = (Severity::Info, Severity::Warning, Severity::Error);
    ensure!(
        told == [
            (EventKind::Daemon, info, 1),
            (EventKind::Configuration, info, 2),
            (EventKind::Bypass, warning, 2),
            (EventKind::Bypass, info, 2),
            (EventKind::Configuration, warning, 2),
            (EventKind::Configuration, error, 2),
        ],
        "{rows:#?}"
    );
    ensure!(rows[1].text.contains("circuit one: download max 20 Mbps"), "{}", rows[1].text);
    for row in &rows[1..] {
        let Cause::Client(actor) = &row.cause else { bail!("{row:?} has no client") };
        ensure!(actor.user.as_deref() == Some("root") && actor.uid == 0, "{actor:?}");
        ensure!(actor.pid == Some(std::process::id() as i32), "{actor:?}");
    }
    stage.stop()?;
    let written = audit(&stage)?;
    ensure!(written[..rows.len()] == rows, "{written:#?}");
    ensure!(written.last().is_some_and(|row| row.text == "stopping"), "{written:#?}");
    Ok(())
}

#[test]
fn files_and_signals_are_causes_too() -> Result<()> {
    let mut stage = stage(true)?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    fs::write(&devices, text.replace(",5,5,", ",20,5,"))?;
    let cause_of = |stage: &Stage, generation: u64| {
        wait_until("the change's event", Duration::from_secs(10), || {
            let rows = events(stage)?;
            let found = rows
                .into_iter()
                .find(|row| row.kind == EventKind::Configuration && row.generation == generation);
            Ok(found.map(|row| row.cause))
        })
    };
    ensure!(cause_of(&stage, 2)? == Cause::Files);
    stage.daemon.as_mut().context("no daemon runs")?.signal(Signal::HUP)?;
    ensure!(cause_of(&stage, 3)? == Cause::Signal);
    Ok(())
}

#[test]
fn subscribers_get_each_event_once() -> Result<()> {
    let stage = stage(false)?;
    let (mut watcher, mut client) = (stage.client()?, stage.client()?);
    let mut views = watcher.subscribe(Topic::Events(query()))?;
    let mut page = || -> Result<EventsPage> {
        match views.next().context("it ended")?? {
            View::Events(page) => Ok(page),
            other => bail!("{other:?} is not events"),
        }
    };
    let first = page()?;
    ensure!(first.rows.len() == 1 && first.rows[0].kind == EventKind::Daemon, "{first:?}");
    client.bypass(true)?;
    client.bypass(false)?;
    let (mut numbers, mut ticks) = (Vec::new(), vec![first.tick]);
    while numbers.len() < 2 || ticks.len() < 4 {
        let next = page()?;
        ticks.push(next.tick);
        numbers.extend(next.rows.iter().map(|row| row.number));
    }
    ensure!(numbers.len() == 2 && numbers[0] > 1 && numbers[1] > numbers[0], "{numbers:?}");
    ensure!(ticks.is_sorted(), "{ticks:?}");
    Ok(())
}

/// The texts of the daemon's own events, with their numbers.
fn numbered(rows: &[EventRow]) -> Vec<(u64, &str)> {
    let own = rows.iter().filter(|row| row.kind == EventKind::Daemon);
    own.map(|row| (row.number, row.text.as_str())).collect()
}

#[test]
fn events_are_left_to_the_next_daemon_and_followed_over_it() -> Result<()> {
    let mut stage = stage(false)?;
    let log = stage.lab.folder().join("followed");
    let said = stage.lab.folder().join("said");
    let mut follow = Command::new(tidegate()?);
    follow.arg("--socket").arg(&stage.socket);
    // what a slow machine's late threads bring about is not counted on
    follow.args(["events", "--follow", "--json", "--kind", "daemon", "--kind", "bypass"]);
    let (out, err) = (File::create(&log)?, File::create(&said)?);
    let mut follower = ChildGuard::spawn_with(&mut follow, out.into(), err.into())?;
    let followed = || -> Result<Vec<EventRow>> {
        let text = fs::read_to_string(&log)?;
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
    };
    let wait_for = |what: &str, text: &str, times: usize| {
        wait_until(what, Duration::from_secs(20), || {
            let found = followed()?.iter().filter(|row| row.text.contains(text)).count();
            Ok((found == times).then_some(()))
        })
    };
    wait_for("the start", "is ready", 1)?;
    stage.client()?.handover(EDIT_MAX)?;
    wait_for("the successor", "is ready", 2)?;
    stage.client()?.bypass(true)?;
    stage.stop()?;
    let file = stage.socket.with_file_name("tidegated.events");
    ensure!(fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600);
    stage.start()?;
    wait_for("the next daemon", "is ready", 3)?;
    ensure!(!file.exists(), "the next daemon has read it");
    let told = followed()?;
    let query = EventsQuery { kinds: vec![EventKind::Daemon, EventKind::Bypass], ..query() };
    ensure!(told == stage.client()?.events(query)?.rows, "{told:#?}");
    let texts: Vec<_> = numbered(&told).into_iter().map(|(_, text)| text).collect();
    let ready = concat!("tidegated ", env!("CARGO_PKG_VERSION"), " is ready");
    let way = "making way for another program";
    ensure!(texts == [ready, way, ready, "stopping", ready], "{texts:?}");
    let noted = fs::read_to_string(&said)?;
    ensure!(noted.matches("waiting for it to come back").count() == 2, "{noted}");
    ensure!(noted.lines().count() == 2, "{noted}");

    // what is damaged is told once, and numbers begin anew
    stage.stop()?;
    fs::write(&file, "[{\"number\":")?;
    stage.start()?;
    wait_for("the daemon without its events", "is ready", 4)?;
    let rows = events(&stage)?;
    ensure!(numbered(&rows)[0].1 == ready && rows[0].number == 1, "{rows:#?}");
    let log = stage.daemon.as_ref().map(Daemon::log).unwrap_or_default();
    ensure!(log.matches("could not read the last daemon's events").count() == 1, "{log}");
    ensure!(fs::read_to_string(&said)?.contains("the daemon's events begin anew"));

    // Ctrl-C ends it at once, also while it waits
    stage.stop()?;
    wait_until("the wait", Duration::from_secs(20), || {
        let noted = fs::read_to_string(&said)?;
        Ok((noted.matches("waiting for it to come back").count() == 4).then_some(()))
    })?;
    follower.signal(Signal::INT)?;
    ensure!(follower.wait(Duration::from_secs(5))?.success());
    Ok(())
}

#[test]
fn refusals_that_were_only_counted_are_told_at_the_end() -> Result<()> {
    let mut stage = stage(false)?;
    for folder in stage.socket.ancestors().skip(1).take(2) {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    let (group, socket) =
        (group_id(READ_GROUP)?.context("there is no such group")?, stage.socket.clone());
    // a thread has credentials of its own, and they end with it
    let attempts = std::thread::spawn(move || -> Result<()> {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(group))?;
        set_thread_uid(Uid::from_raw(NOBODY))?;
        let mut client = Client::connect(&socket, EDIT_MAX)?;
        for _ in 0..20 {
            ensure!(client.bypass(true).is_err());
        }
        Ok(())
    });
    attempts.join().ok().context("the attempts panicked")??;
    stage.stop()?;
    let rows = audit(&stage)?;
    let refused: Vec<_> = rows.iter().filter(|row| row.kind == EventKind::Refusal).collect();
    ensure!(refused.len() == 2 && refused[0].text == "refused: bypass", "{refused:#?}");
    ensure!(refused[1].text.starts_with("refused: 19 further requests"), "{refused:#?}");
    Ok(())
}

/// The command of the manual reads the log, also where a line in it was cut off.
#[test]
fn the_audit_log_is_read_as_the_documentation_says() -> Result<()> {
    let mut stage = stage(false)?;
    let path = stage.config.with_file_name("audit.jsonl");
    // nothing waits for the log, the daemon's start neither
    wait_until("the log's first line", Duration::from_secs(10), || {
        Ok(fs::read_to_string(&path).is_ok_and(|log| log.ends_with('\n')).then_some(()))
    })?;
    let mut file = OpenOptions::new().append(true).open(&path)?;
    file.write_all(b"{\"number\":9,\"unix_ms\":17")?;
    stage.client()?.edit(faster(), EDIT_MAX)?;
    stage.stop()?;
    let manual = include_str!("../../docs/operations.md");
    let line = manual.lines().find(|line| line.starts_with("sudo jq")).context("no command")?;
    let line = line.replace("sudo ", "");
    let line = line.replace("/var/log/tidegate/audit.jsonl", &path.display().to_string());
    let read = testkit::run(Command::new("sh").args(["-c", &line]), EDIT_MAX)?.checked()?;
    ensure!(read.stdout.lines().count() == 1, "{}", read.stdout);
    ensure!(read.stdout.contains("Z circuit one: download max 20 Mbps"), "{}", read.stdout);
    Ok(())
}

#[test]
fn an_audit_log_that_cannot_be_written_is_told_and_keeps_nothing_from_changing() -> Result<()> {
    let mut stage = stage(false)?;
    stage.stop()?;
    let path = stage.config.with_file_name("audit.jsonl");
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    stage.start()?;
    stage.client()?.edit(faster(), EDIT_MAX)?;
    wait_until("the warning", Duration::from_secs(10), || {
        let status = stage.client()?.status()?;
        let is_told = status.warnings.iter().any(|warning| warning.contains("audit.jsonl"));
        let lost = status.dropped.iter().find(|it| it.name == "audit lines").map(|it| it.count);
        Ok((is_told && lost == Some(2)).then_some(()))
    })?;
    fs::remove_dir(&path)?;
    stage.client()?.bypass(false)?;
    wait_until("the log", Duration::from_secs(10), || {
        let is_told = stage.client()?.status()?.warnings.iter().any(|it| it.contains("audit"));
        Ok((!is_told).then_some(()))
    })?;
    ensure!(audit(&stage)?.len() == 1);
    Ok(())
}
