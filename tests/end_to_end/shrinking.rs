//! Networks that lack most of the circuits: by no way do they come into force unasked.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, ClientError, Edit, Edits, ErrorCode};
use rustix::process::Signal;
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const CHANGED_MAX: Duration = Duration::from_secs(20);

/// What is told of all three circuits.
const TOLD: &str = "3 of 3 circuits would go; if that is meant, say so with --shrink";

fn ensure_refused<T: std::fmt::Debug>(what: &str, outcome: Result<T, ClientError>) -> Result<()> {
    let Err(ClientError::Refused(refusal)) = outcome else {
        anyhow::bail!("{what} was not refused: {outcome:?}");
    };
    ensure!(refusal.code == ErrorCode::Invalid, "{what}: {refusal:?}");
    ensure!(refusal.text.contains(TOLD), "{what}: {refusal:?}");
    Ok(())
}

/// Waits until the log has so many refusals.
fn wait_for_refusals(stage: &Stage, count: usize) -> Result<()> {
    let daemon = stage.daemon.as_ref().context("no daemon runs")?;
    testkit::wait_until("a refusal", CHANGED_MAX, || {
        Ok((daemon.log().matches("could not reload").count() == count).then_some(()))
    })
}

#[test]
fn no_way_takes_most_circuits_away_unasked() -> Result<()> {
    let circuit = |id, address| Circuit::new(id, address, "", (5.0, 5.0));
    let circuits = vec![
        circuit("one", "100.64.1.1"),
        circuit("two", "100.64.1.2"),
        circuit("three", "100.64.1.3"),
    ];
    let mut stage = Stage::new(&Provider { watch: true, ..Provider::flat(circuits) })?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    let heading = text.lines().next().context("no heading")?.to_owned() + "\n";

    let edits =
        ["one", "two", "three"].map(|id| Edit::RemoveCircuit(id.into())).into_iter().collect();
    let one_by_one = Edits { edits, ..Edits::default() };
    let whole = Edits { edits: vec![Edit::Circuits(heading.clone())], ..Edits::default() };
    for edits in [one_by_one, whole] {
        ensure_refused("an edit", stage.client()?.edit(edits, CHANGED_MAX))?;
    }
    ensure!(fs::read_to_string(&devices)? == text, "a refused edit was written");

    fs::write(&devices, &heading)?;
    wait_for_refusals(&stage, 1)?;
    let problem = stage.client()?.status()?.config.problem.unwrap_or_default();
    ensure!(problem.contains(TOLD), "{problem}");
    stage.daemon.as_mut().context("no daemon runs")?.signal(Signal::HUP)?;
    wait_for_refusals(&stage, 2)?;
    ensure_refused("a reload", stage.client()?.reload(false, CHANGED_MAX))?;
    ensure_refused("a handover", stage.client()?.handover(CHANGED_MAX))?;
    let preview = stage.client()?.preview(None, CHANGED_MAX)?;
    ensure!(preview.warnings.iter().any(|warning| warning.contains(TOLD)), "{preview:#?}");

    let status = stage.client()?.status()?;
    ensure!(status.config.generation == 1, "{status:?}");
    let rows = stage.client()?.circuits(CircuitsQuery::default())?.rows;
    ensure!(rows.len() == 3, "{rows:?}");
    let shaped = stage.goodput("100.64.1.1".parse()?, Direction::Download, 3)?;
    ensure_near("still shaped", shaped, 5.0, 0.05)?;

    let reloaded = stage.client()?.reload(true, CHANGED_MAX)?;
    ensure!((reloaded.generation, reloaded.circuits) == (2, 0), "{reloaded:?}");
    stage.stop()
}
