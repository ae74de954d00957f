//! What the daemon will not start on: each is told with a way out, and nothing is touched.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use bus::Exit;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Forwarding, Output, Place, run};

use crate::lifecycle::traces;
use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

/// The text of a configuration, and what is in its place.
type Change<'a> = (&'a str, &'a str);

fn dark() -> Result<Stage> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    Stage::dark(&Provider::flat(vec![circuit]), Forwarding::Bridge, 1500)
}

fn start(stage: &Stage, more: &[&str]) -> Result<Output> {
    let mut command = stage.lab.namespace(Place::Box).command(&stage.daemon_spec().binary);
    command.arg("--config").arg(&stage.config).args(more);
    run(&mut command, Duration::from_secs(20))
}

/// Refused with this exit code and these words, leaving the box as it was.
fn ensure_refused(stage: &Stage, exit: Exit, words: &[&str]) -> Result<()> {
    let before = traces(stage)?;
    for more in [&[][..], &["--check"]] {
        let refused = start(stage, more)?;
        ensure!(
            refused.status.code() == Some(exit as i32),
            "not {exit:?} with {more:?}: {refused}"
        );
        for word in words {
            ensure!(refused.stderr.contains(word), "{word:?} is not said: {refused}");
        }
    }
    ensure!(traces(stage)? == before, "something was touched");
    Ok(())
}

fn changed((old, new): Change<'_>, exit: Exit, words: &[&str]) -> Result<()> {
    let stage = dark()?;
    let text = fs::read_to_string(&stage.config)?;
    ensure!(text.contains(old), "{old:?} is not in the configuration:\n{text}");
    fs::write(&stage.config, text.replacen(old, new, 1))?;
    ensure_refused(&stage, exit, words)
}

#[test]
fn fault_04_a_nic_that_does_not_exist() -> Result<()> {
    changed((BOX_INTERNET, "absent0"), Exit::Machine, &["absent0", BOX_CUSTOMERS])
}

#[test]
fn both_nics_that_do_not_exist_are_named() -> Result<()> {
    let stage = dark()?;
    let text = fs::read_to_string(&stage.config)?;
    let text = text.replace(BOX_INTERNET, "absent0").replace(BOX_CUSTOMERS, "absent1");
    fs::write(&stage.config, text)?;
    ensure_refused(&stage, Exit::Machine, &["absent0", "absent1"])
}

#[test]
fn the_same_nic_twice() -> Result<()> {
    changed((BOX_INTERNET, BOX_CUSTOMERS), Exit::Invalid, &["tidegate.toml:", BOX_CUSTOMERS])
}

#[test]
fn more_queues_than_the_nics_have() -> Result<()> {
    changed(("[queues]", "[queues]\ncount = 64"), Exit::Invalid, &["64", "ethtool -L"])
}

#[test]
fn a_leaf_that_the_kernel_lacks() -> Result<()> {
    let facts = start(&dark()?, &["--facts"])?;
    if facts.stdout.contains("\"cake\"") {
        println!("skipped: this kernel has CAKE");
        return Ok(());
    }
    changed(("leaf_fallback = \"fifo\"", ""), Exit::Invalid, &["sch_cake", "leaf_fallback"])
}

/// What a plan is made for can be had before there is one.
#[test]
fn facts_take_no_valid_network() -> Result<()> {
    let stage = dark()?;
    let text = fs::read_to_string(&stage.config)?;
    fs::remove_file(stage.config.with_file_name("network.json"))?;
    fs::write(stage.config.with_file_name("ShapedDevices.csv"), "nonsense")?;
    fs::write(&stage.config, text.replacen("1 Gbps", "nonsense", 1))?;
    let told = start(&stage, &["--facts"])?.checked()?;
    ensure!([BOX_CUSTOMERS, BOX_INTERNET].iter().all(|nic| told.stdout.contains(nic)), "{told}");
    fs::write(&stage.config, text.replace("internet =", "internets ="))?;
    let refused = start(&stage, &["--facts"])?;
    ensure!(refused.status.code() == Some(Exit::Invalid as i32), "{refused}");
    for word in ["internets", "network.json"] {
        ensure!(refused.stderr.contains(word), "{word:?} is not said: {refused}");
    }
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read() -> Result<()> {
    let stage = dark()?;
    fs::remove_file(stage.config.with_file_name("network.json"))?;
    ensure_refused(&stage, Exit::Invalid, &["network.json", "No such file"])
}

#[test]
fn a_wrong_rate() -> Result<()> {
    changed(("1 Gbps", "1000"), Exit::Invalid, &["tidegate.toml:", "unit"])
}

#[test]
fn names_that_would_act_on_a_terminal_are_told_inert() -> Result<()> {
    let stage = dark()?;
    let devices = stage.config.with_file_name("ShapedDevices.csv");
    let text = fs::read_to_string(&devices)?;
    fs::write(&devices, text.replace("100.64.1.1", "\u{1b}[2J\u{202e}nowhere"))?;
    for more in [&[][..], &["--check"]] {
        let refused = start(&stage, more)?;
        ensure!(refused.status.code() == Some(Exit::Invalid as i32), "{refused:?}");
        ensure!(refused.stderr.contains("nowhere"), "{refused:?}");
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        ensure!(!refused.stderr.contains(acts), "{:?}", refused.stderr);
    }
    Ok(())
}

#[test]
fn rights_that_are_missing() -> Result<()> {
    let stage = dark()?;
    let binary = stage.daemon_spec().binary;
    let mut command = stage.lab.namespace(Place::Box).command("setpriv");
    command.args(["--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
    command.arg(binary).arg("--config").arg(&stage.config);
    let refused = run(&mut command, Duration::from_secs(20))?;
    ensure!(refused.status.code() == Some(Exit::NotPermitted as i32), "{refused}");
    ensure!(refused.stderr.contains("CAP_NET_ADMIN"), "{refused}");
    Ok(())
}

#[test]
fn somebody_elses_queues() -> Result<()> {
    let stage = dark()?;
    let add = ["tc", "qdisc", "add", "dev", BOX_INTERNET, "root", "handle", "77:", "pfifo"];
    stage.lab.run(Place::Box, &add)?;
    let before = traces(&stage)?;
    let refused = start(&stage, &[])?;
    ensure!(refused.status.code() == Some(Exit::Machine as i32), "{refused}");
    for word in ["pfifo", "77:", "tc qdisc del"] {
        ensure!(refused.stderr.contains(word), "{word:?} is not said: {refused}");
    }
    ensure!(traces(&stage)? == before, "something was touched");
    Ok(())
}

#[test]
fn nothing_is_wrong_with_a_right_configuration() -> Result<()> {
    let stage = dark()?;
    let before = traces(&stage)?;
    let checked = start(&stage, &["--check"])?;
    ensure!(checked.status.success() && checked.stdout.contains("1 circuits"), "{checked}");
    ensure!(traces(&stage)? == before, "the check has touched something");
    Ok(())
}
