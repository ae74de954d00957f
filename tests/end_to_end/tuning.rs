//! `tidegate tune` on NICs that are there, and the way back.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Forwarding, Place, run};

use crate::doctoring::programs;
use crate::lifecycle::traces;
use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

fn provider() -> Provider {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    Provider::flat(vec![circuit])
}

/// What sets it when the machine starts.
const UNIT: &str = include_str!("../../config/systemd/tidegate-tune.service");
const DEADLINE: Duration = Duration::from_secs(30);

/// All that tuning may change here.
fn settings(stage: &Stage) -> Result<String> {
    let channels = format!("ethtool -l {BOX_CUSTOMERS}; ethtool -l {BOX_INTERNET}");
    Ok(traces(stage)? + &stage.lab.run(Place::Box, &["sh", "-c", &channels])?.stdout)
}

/// Those that the unit leaves, as setpriv(1) takes them.
fn capabilities() -> Result<String> {
    let set = UNIT.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet="));
    let names = set.context("the unit leaves all capabilities")?.to_lowercase();
    Ok(names
        .split(' ')
        .fold("-all".to_owned(), |all, name| all + ",+" + name.trim_start_matches("cap_")))
}

fn tune(stage: &Stage, more: &[&str]) -> Result<Value> {
    let config = stage.config.display().to_string();
    let state = stage.lab.folder().join("state/tuned.json").display().to_string();
    let arguments = ["tune", "--json", "--config", &config, "--state", &state];
    let mut command =
        stage.lab.command(Place::Box, &["setpriv", "--bounding-set", &capabilities()?]);
    command.arg(programs()?.join("tidegate")).args(arguments).args(more);
    let output = run(&mut command, DEADLINE)?;
    ensure!(output.status.code() == Some(0), "{output}");
    Ok(serde_json::from_str(&output.stdout)?)
}

fn changed(report: &Value) -> Vec<String> {
    let changes = report["changes"].as_array().into_iter().flatten();
    changes
        .map(|change| {
            let setting = &change["setting"];
            format!("{} {} {}", setting["kind"], setting["nic"], change["wanted"]).replace('"', "")
        })
        .collect()
}

/// Dry, applied, applied again, reverted.
fn there_and_back(stage: &Stage) -> Result<()> {
    let masks = format!("echo 1 > /sys/class/net/{BOX_CUSTOMERS}/queues/rx-1/rps_cpus");
    stage.lab.run(Place::Box, &["sh", "-ec", &masks])?;
    let before = settings(stage)?;
    let dry = tune(stage, &[])?;
    for expected in [format!("offload {BOX_CUSTOMERS} on"), format!("rps {BOX_CUSTOMERS} none")] {
        ensure!(changed(&dry).contains(&expected), "{expected} is not in {dry:#}");
    }
    let file = stage.lab.folder().join("state/tuned.json");
    ensure!(settings(stage)? == before && !file.exists(), "a dry run has changed something");

    let applied = tune(stage, &["--apply"])?;
    ensure!(changed(&applied) == changed(&dry), "{applied:#}");
    let outcomes = applied["changes"].as_array().into_iter().flatten();
    ensure!(outcomes.into_iter().all(|it| it["outcome"] == "set"), "{applied:#}");
    let tuned = settings(stage)?;
    ensure!(tuned != before, "nothing has changed");
    let remembered = fs::read(&file)?;
    for more in [&[][..], &["--apply"]] {
        ensure!(changed(&tune(stage, more)?).is_empty(), "more to change with {more:?}");
    }
    ensure!(settings(stage)? == tuned && fs::read(&file)? == remembered, "a second --apply");

    let reverted = tune(stage, &["--revert"])?;
    let outcomes = reverted["reverted"].as_array().into_iter().flatten();
    ensure!(outcomes.into_iter().all(|it| it["outcome"] == "back"), "{reverted:#}");
    let after = settings(stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    ensure!(!file.exists(), "something is still remembered");
    Ok(())
}

#[test]
fn nics_are_tuned_and_put_back() -> Result<()> {
    let stage = Stage::dark(&provider(), Forwarding::Bridge, 1500)?;
    there_and_back(&stage)?;
    // one channel less than there could be, as for fewer queues; with it goes a queue that has a mask
    let text = fs::read_to_string(&stage.config)?;
    fs::write(&stage.config, text.replacen("[queues]", "[queues]\ncount = 1", 1))?;
    let channels = |report: &Value| {
        changed(report).iter().filter(|change| change.starts_with("channels")).count()
    };
    let before = settings(&stage)?;
    ensure!(channels(&tune(&stage, &["--apply"])?) == 4);
    ensure!(settings(&stage)?.matches("RX:\t\t1\n").count() == 2, "{}", settings(&stage)?);
    tune(&stage, &["--revert"])?;
    let after = settings(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

#[test]
fn tuning_and_a_running_daemon_leave_each_other_alone() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    there_and_back(&stage)?;
    tune(&stage, &["--apply"])?;
    let tuned = settings(&stage)?;
    let status = stage.client()?.status()?;
    ensure!(status.config.generation == 1 && status.config.problem.is_none(), "{status:?}");
    stage.stop()?;
    stage.start()?;
    let again = settings(&stage)?;
    // programs and queues are made anew, with other numbers
    let offloads = |text: &str| {
        text.lines().filter(|line| line.contains(": o")).map(str::to_owned).collect::<Vec<_>>()
    };
    ensure!(offloads(&again) == offloads(&tuned), "before:\n{tuned}\nafter:\n{again}");
    ensure!(changed(&tune(&stage, &[])?).is_empty(), "the daemon has undone something");
    stage.stop()
}
