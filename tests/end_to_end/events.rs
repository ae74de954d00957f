//! What is remembered of what happened, and the audit log.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bus::{
    Cause, CircuitEdit, Edit, Edits, EventKind, EventRow, EventsPage, EventsQuery, Severity, Topic,
    View,
};
use rustix::process::Signal;
use testkit::wait_until;
use units::PerDirection;

use crate::provider::{Circuit, Provider};
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
