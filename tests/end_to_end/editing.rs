//! Changing the configuration over the bus.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{
    ChangeCounts, CircuitEdit, CircuitsQuery, ClientError, Edit, Edited, Edits, ErrorCode,
    EventKind, EventsQuery, Reloaded,
};
use units::{Direction, PerDirection};

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const EDIT_MAX: Duration = Duration::from_secs(20);

fn stage() -> Result<Stage> {
    // those who edit and those who watch must not get into each other's way
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    Stage::new(&Provider { watch: true, ..Provider::flat(vec![circuit]) })
}

fn edit(stage: &Stage, base: Option<&str>, edits: Vec<Edit>) -> Result<Edited, ClientError> {
    let base = base.map(str::to_owned);
    stage.client().expect("a client").edit(Edits { base, edits, shrink: false }, EDIT_MAX)
}

/// The code and the text with which something was refused.
fn refused<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> Result<(ErrorCode, String)> {
    match outcome {
        Err(ClientError::Refused(refusal)) => Ok((refusal.code, refusal.text)),
        other => anyhow::bail!("it was not refused: {other:?}"),
    }
}

fn download(id: &str, mbps: u64) -> Edit {
    let max_bps = PerDirection { down: Some(mbps * 1_000_000), up: None };
    Edit::Circuit(Box::new(CircuitEdit { id: id.into(), max_bps, ..CircuitEdit::default() }))
}

fn ids(stage: &Stage) -> Result<Vec<String>> {
    let rows = stage.client()?.circuits(CircuitsQuery::default())?.rows;
    Ok(rows.iter().map(|row| row.id.to_string()).collect())
}

#[test]
fn a_change_over_the_bus_counts_and_is_in_the_files() -> Result<()> {
    let stage = stage()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    let first = stage.client()?.sources()?.revision;
    let Edited { reloaded, revision } = edit(&stage, Some(&first), vec![download("one", 20)])?;
    ensure!(revision != first && stage.client()?.sources()?.revision == revision);
    ensure!((reloaded.generation, reloaded.circuits) == (2, 1), "{reloaded:?}");
    ensure!(fs::read_to_string(&devices)? == text.replace(",5,5,", ",20,5,"));
    ensure_near(
        "edited",
        stage.goodput("100.64.1.1".parse()?, Direction::Download, 3)?,
        20.0,
        0.05,
    )?;
    // what was made from the old files is refused, and so is what makes no sense
    let (code, told) = refused(edit(&stage, Some(&first), vec![download("one", 30)]))?;
    ensure!(code == ErrorCode::Outdated && told.contains(&revision), "{code} {told}");
    let (code, told) = refused(edit(&stage, None, vec![Edit::RemoveCircuit("two".into())]))?;
    ensure!(code == ErrorCode::NotFound, "{code} {told}");
    let both = vec![download("one", 40), Edit::Network("{".into())];
    let (code, told) = refused(edit(&stage, None, both))?;
    ensure!(code == ErrorCode::Invalid && told.contains("network.json:1"), "{code} {told}");
    ensure!(fs::read_to_string(&devices)?.contains(",20,5,"), "half of it was written");
    // the daemon's own writing is no change that it reloads
    std::thread::sleep(Duration::from_millis(500));
    let config = stage.client()?.status()?.config;
    ensure!((config.generation, &config.problem) == (2, &None), "{config:?}");
    Ok(())
}

#[test]
fn who_asks_after_a_change_finds_it() -> Result<()> {
    let stage = stage()?;
    let found = |id: &str| {
        let query = CircuitsQuery { id: Some(id.into()), ..CircuitsQuery::default() };
        stage.client().expect("a client").circuits(query)
    };
    testkit::wait_until("the first figures", EDIT_MAX, || {
        Ok((!ids(&stage)?.is_empty()).then_some(()))
    })?;
    edit(&stage, None, vec![download("one", 20)])?;
    ensure!(found("one")?.rows[0].plan_bps.down == 20_000_000);
    let new = CircuitEdit {
        id: "two".into(),
        min_bps: PerDirection::both(Some(1_000_000)),
        max_bps: PerDirection::both(Some(10_000_000)),
        addresses: Some(vec!["100.64.1.2".parse()?]),
        ..CircuitEdit::default()
    };
    edit(&stage, None, vec![Edit::Circuit(Box::new(new))])?;
    let page = found("two")?;
    ensure!((page.total, page.matched) == (2, 1), "{page:?}");
    ensure!(page.rows[0].addresses[..] == ["100.64.1.2".into()], "{page:?}");
    testkit::wait_until("its figures", EDIT_MAX, || {
        Ok(found("two")?.rows[0].sent_bps.down.is_some().then_some(()))
    })?;
    edit(&stage, None, vec![Edit::RemoveCircuit("two".into())])?;
    ensure!(refused(found("two"))?.0 == ErrorCode::NotFound);
    Ok(())
}

#[test]
fn a_change_is_told_with_the_nodes_and_circuits_that_it_is_about() -> Result<()> {
    let stage = stage()?;
    let network = |mbps: u32| {
        let limit = format!("\"downloadBandwidthMbps\": {mbps}, \"uploadBandwidthMbps\": 50");
        vec![Edit::Network(format!("{{\"AP_North\": {{{limit}}}}}"))]
    };
    let last = || -> Result<String> {
        let query = EventsQuery { kinds: vec![EventKind::Configuration], ..EventsQuery::default() };
        let rows = stage.client()?.events(query)?.rows;
        Ok(rows.iter().max_by_key(|row| row.number).context("no event")?.text.to_string())
    };
    let Reloaded { circuit_changes, node_changes, .. } = edit(&stage, None, network(50))?.reloaded;
    ensure!(circuit_changes == ChangeCounts::default(), "{circuit_changes:?}");
    ensure!(
        node_changes == ChangeCounts { added: 1, ..ChangeCounts::default() },
        "{node_changes:?}"
    );
    let text = last()?;
    ensure!(text.contains("(nodes: 1 added (AP_North); rev"), "{text}");
    edit(&stage, None, network(20))?;
    let text = last()?;
    ensure!(text.contains("nodes: 1 changed (AP_North); rev"), "{text}");
    // none goes by mistake, and with them all limits
    let nothing = edit(&stage, None, vec![Edit::Network("{}".into())]);
    let (code, told) = refused(nothing)?;
    ensure!(code == ErrorCode::Invalid && told.contains("1 of 1 nodes would go"), "{told}");
    // and so are files that somebody has written
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    fs::write(&devices, fs::read_to_string(&devices)?.replace(",5,5,", ",7,5,"))?;
    testkit::wait_until("the reload", EDIT_MAX, || {
        Ok(last()?.contains(" ms (circuits: 1 changed (one))").then_some(()))
    })?;
    // a name that is nearly right is found
    let query = CircuitsQuery { node: Some("AP_Nrth".into()), ..CircuitsQuery::default() };
    testkit::wait_until("the name that was meant", EDIT_MAX, || {
        let (code, told) = refused(stage.client()?.circuits(query.clone()))?;
        ensure!(code == ErrorCode::NotFound, "{code} {told}");
        Ok(told.ends_with("did you mean \"AP_North\"?").then_some(()))
    })
}

#[test]
fn both_files_are_changed_together() -> Result<()> {
    let stage = stage()?;
    let sources = stage.client()?.sources()?;
    ensure!(sources.network == "{}", "{sources:?}");
    let network = r#"{"A": {"downloadBandwidthMbps": 50, "uploadBandwidthMbps": 50}}"#;
    let row = "\ntwo,Two,D2,Router,A,,100.64.1.2,,1,1,10,10,\n";
    let circuits = sources.circuits.trim_end().replace("Router one,,", "Router one,A,") + row;
    let edits = vec![Edit::Network(network.into()), Edit::Circuits(circuits.clone())];
    let Edited { reloaded, revision } = edit(&stage, Some(&sources.revision), edits)?;
    ensure!((reloaded.generation, reloaded.circuits, reloaded.nodes) == (2, 2, 1), "{reloaded:?}");
    let after = stage.client()?.sources()?;
    ensure!((&after.revision, after.network.as_str()) == (&revision, network), "{after:?}");
    ensure!(after.circuits == circuits, "{after:?}");
    edit(&stage, Some(&revision), vec![Edit::RemoveCircuit("one".into())])?;
    testkit::wait_until("the first snapshot", EDIT_MAX, || {
        Ok((ids(&stage)? == ["two"]).then_some(()))
    })?;
    let elsewhere = CircuitsQuery { node: Some("a".into()), ..CircuitsQuery::default() };
    let (code, told) = refused(stage.client()?.circuits(elsewhere))?;
    ensure!(code == ErrorCode::NotFound && told.ends_with("; did you mean \"A\"?"), "{told}");
    Ok(())
}

#[test]
fn files_that_somebody_else_changes_are_not_overwritten() -> Result<()> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let stage = Stage::new(&Provider::flat(vec![circuit]))?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let theirs = fs::read_to_string(&devices)?.replace(",5,5,", ",7,7,");
    fs::write(&devices, &theirs)?;
    let (code, told) = refused(edit(&stage, None, vec![download("one", 20)]))?;
    ensure!(code == ErrorCode::Outdated && told.contains("reload"), "{code} {told}");
    let preview = stage.client()?.preview(Some(Edits::default()), EDIT_MAX);
    ensure!(refused(preview)?.0 == ErrorCode::Outdated);
    // what is in force is told nevertheless, and that it is not what lies there
    let sources = stage.client()?.sources()?;
    ensure!(sources.files_changed && sources.circuits.contains(",5,5,"), "{sources:?}");
    ensure!(fs::read_to_string(&devices)? == theirs);
    testkit::wait_until("the note in the status", EDIT_MAX, || {
        Ok(stage.client()?.status()?.config.files_changed.then_some(()))
    })?;
    fs::write(&devices, "Circuit ID\nbroken\n")?;
    refused(stage.client()?.reload(false, EDIT_MAX))?;
    let (code, told) = refused(edit(&stage, None, vec![download("one", 20)]))?;
    ensure!(code == ErrorCode::Outdated && told.contains("ShapedDevices.csv"), "{code} {told}");
    fs::write(&devices, &theirs)?;
    stage.client()?.reload(false, EDIT_MAX)?;
    edit(&stage, None, vec![download("one", 20)])?;
    ensure!(fs::read_to_string(&devices)? == theirs.replace(",7,7,", ",20,7,"));
    Ok(())
}

#[test]
fn what_a_change_would_do_is_told_and_not_done() -> Result<()> {
    let stage = stage()?;
    let before = stage.client()?.sources()?;
    let edits = |edits| Some(Edits { edits, ..Edits::default() });
    let preview = stage.client()?.preview(edits(vec![download("one", 20)]), EDIT_MAX)?;
    let told = "circuit one: limited to 21 Mbps instead of 5.25 Mbps down";
    ensure!(preview.changes == [told] && preview.requests == 2, "{preview:#?}");
    let lines: Vec<_> = preview.lines.iter().map(|it| (it.line, it.comes, &*it.text)).collect();
    let old = before.circuits.lines().nth(1).context("no row")?;
    let new = old.replace(",5,5,", ",20,5,");
    ensure!(lines == [(2, false, old), (2, true, &new)], "{preview:#?}");
    let (code, _) =
        refused(stage.client()?.preview(edits(vec![Edit::RemoveCircuit("two".into())]), EDIT_MAX))?;
    ensure!(code == ErrorCode::NotFound, "{code}");
    ensure!(stage.client()?.sources()? == before);
    ensure!(stage.client()?.status()?.config.generation == 1);
    // and what changes nothing is no change
    let same = edit(&stage, None, vec![download("one", 5)])?;
    let Reloaded { generation, circuit_changes, .. } = same.reloaded;
    ensure!((generation, circuit_changes) == (1, ChangeCounts::default()), "{circuit_changes:?}");
    Ok(())
}

#[test]
fn a_file_cut_short_takes_nobody_away() -> Result<()> {
    let stage = stage()?;
    let mut text = stage.client()?.sources()?.circuits;
    for n in 1..30 {
        text += &format!("c{n},,,,,,100.64.2.{n},,1,1,5,5,\n");
    }
    let edited = edit(&stage, None, vec![Edit::Circuits(text.clone())])?;
    let counts = ChangeCounts { added: 29, removed: 0, changed: 0 };
    ensure!(edited.reloaded.circuit_changes == counts, "{edited:?}");
    let cut = text.split_inclusive('\n').take(8).collect::<String>();
    let (code, told) = refused(edit(&stage, None, vec![Edit::Circuits(cut.clone())]))?;
    ensure!(code == ErrorCode::Invalid && told.contains("--shrink"), "{code} {told}");
    let meant = Edits { shrink: true, edits: vec![Edit::Circuits(cut)], base: None };
    let edited = stage.client()?.edit(meant, EDIT_MAX)?;
    let Reloaded { circuits, circuit_changes, .. } = edited.reloaded;
    ensure!((circuits, circuit_changes.removed) == (7, 23), "{circuit_changes:?}");
    Ok(())
}

#[test]
fn fault_06_a_full_disk_changes_nothing() -> Result<()> {
    let mut stage = stage()?;
    stage.stop()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let disk = stage.lab.disk(64 * 1024)?;
    let elsewhere = disk.join("devices");
    let text = fs::read_to_string(&devices)?;
    fs::write(&elsewhere, &text)?;
    fs::remove_file(&devices)?;
    symlink(&elsewhere, &devices)?;
    stage.start()?;
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 128 * 1024]).expect_err("the disk is not full");
    let (code, told) = refused(edit(&stage, None, vec![download("one", 20)]))?;
    ensure!(code == ErrorCode::Internal && told.contains("No space left"), "{code} {told}");
    ensure!(fs::read_to_string(&devices)? == text, "the file was changed");
    ensure!(stage.client()?.status()?.config.generation == 1);
    fs::remove_file(&filler)?;
    edit(&stage, None, vec![download("one", 20)])?;
    ensure!(devices.is_symlink() && fs::read_to_string(&devices)?.contains(",20,5,"));
    let left = fs::read_dir(&disk)?.count();
    ensure!(left == 1, "{left} files are on the disk");
    Ok(())
}

/// What tells files apart is in them, so that it holds across daemons, whatever those count.
#[test]
fn a_base_from_before_another_daemon_counts_for_the_same_files_alone() -> Result<()> {
    let mut stage = stage()?;
    let first = stage.client()?.sources()?.revision;
    let second = edit(&stage, None, vec![download("one", 20)])?.revision;
    for _ in 0..2 {
        stage.daemon.take().context("no daemon runs")?.kill();
        stage.start()?;
        let (code, told) = refused(edit(&stage, Some(&first), vec![download("one", 30)]))?;
        ensure!(code == ErrorCode::Outdated, "{code} {told}");
    }
    edit(&stage, Some(&second), vec![download("one", 30)])?;
    stage.stop()
}

#[test]
fn files_elsewhere_are_those_that_are_changed_after_a_reload() -> Result<()> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let stage = Stage::new(&Provider::flat(vec![circuit]))?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let elsewhere = stage.config.with_file_name("Elsewhere.csv");
    fs::rename(&devices, &elsewhere)?;
    let settings = fs::read_to_string(&stage.config)?;
    let named = settings.replace("[files]\n", "[files]\ndevices = \"Elsewhere.csv\"\n");
    fs::write(&stage.config, named)?;
    stage.client()?.reload(false, EDIT_MAX)?;
    edit(&stage, None, vec![download("one", 20)])?;
    ensure!(fs::read_to_string(&elsewhere)?.contains(",20,5,") && !devices.exists());
    Ok(())
}

/// What an edit has begun to write, another daemon ends.
#[test]
fn a_daemon_that_died_between_two_files_is_followed_by_one_that_has_both() -> Result<()> {
    let mut stage = stage()?;
    stage.daemon.take().context("no daemon runs")?.kill();
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?.replace("Router one,,", "Router one,A,");
    let config = stage.config.clone();
    let beside = |name: &str| config.with_file_name(name);
    // network.json is in its place already, the other is not
    fs::write(beside("network.json"), r#"{"A": {}}"#)?;
    fs::write(beside(".ShapedDevices.csv.tidegate-new"), &text)?;
    fs::write(beside(".ShapedDevices.csv.tidegate-commit"), "")?;
    stage.start()?;
    ensure!(fs::read_to_string(&devices)? == text);
    ensure!(!beside(".ShapedDevices.csv.tidegate-commit").exists());
    ensure!(stage.client()?.sources()?.network == r#"{"A": {}}"#);
    Ok(())
}
