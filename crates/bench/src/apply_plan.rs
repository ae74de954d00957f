//! How long a plan takes into the kernel.
//!
//! The reference is the least that any program could do: the very same messages, encoded before the
//! clock starts, sent by a loop that waits for each acknowledgement and verifies nothing. `over_batched`
//! compares with many messages in a send. Both alternate with apply, each on new veths.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use kernel::LinuxKernel;
use kernel::fake::FakeTables;
use kernel::namespace::in_private_network_with_sysfs;
use kernel::netlink::{Messages, Socket};
use kernel::nic::nic;
use kernel::tc::{Controller, encode};
use plan::Plan;
use units::IfIndex;

use crate::record::{Record, median};
use crate::shaped_plan::shaped_plan;

const QUEUES: u16 = 8;

const NAMES: [&str; 2] = ["tg-customers", "tg-internet"];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many circuits; may be given several times. 50,000 take many minutes.
    #[arg(long, default_values_t = [20_000])]
    circuits: Vec<usize>,
    /// How often.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Measures and tells.
pub(crate) fn run(options: Options) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for circuits in options.circuits {
        records.extend(measure(circuits, options.rounds)?);
    }
    Ok(records)
}

fn measure(circuits: usize, rounds: usize) -> Result<Vec<Record>> {
    let (mut applied, mut single, mut batched) = (Vec::new(), Vec::new(), Vec::new());
    let mut operations = 0;
    for _ in 0..rounds {
        single.push(on_new_veths(circuits, |plan| send_bare(plan, true))?);
        let (seconds, sent) = on_new_veths(circuits, apply_and_verify)?;
        applied.push(seconds);
        operations = sent;
        batched.push(on_new_veths(circuits, |plan| send_bare(plan, false))?);
    }
    let scenario = format!("circuits-{circuits}-queues-{QUEUES}");
    let record = |metric: &str, unit: &str, value, reference| Record {
        bench: "apply".to_owned(),
        scenario: scenario.clone(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference,
    };
    let seconds = median(applied);
    Ok(vec![
        record("seconds", "s", seconds, Some(median(single))),
        record("seconds_over_batched", "s", seconds, Some(median(batched))),
        record("operations", "requests", operations as f64, None),
    ])
}

/// Runs `work` with a plan for two new veths, which are gone afterwards.
pub(crate) fn on_new_veths<T: Send>(
    circuits: usize,
    work: impl FnOnce(&Plan) -> Result<T> + Send,
) -> Result<T> {
    in_private_network_with_sysfs(|| {
        for (name, peer) in NAMES.into_iter().zip(["tg-peer0", "tg-peer1"]) {
            ip(&format!("link add {name} numtxqueues {QUEUES} type veth peer name {peer}"))?;
            ip(&format!("link set {name} up"))?;
            ip(&format!("link set {peer} up"))?;
        }
        let nics = [index(NAMES[0])?, index(NAMES[1])?];
        let result = work(&shaped_plan(nics, QUEUES, circuits));
        // The kernel would take the trees down in its own time, during the next measurement.
        for name in NAMES {
            ip(&format!("link delete {name}"))?;
        }
        result
    })
    .context("could not make a network namespace; this benchmark takes root")?
}

fn index(name: &'static str) -> Result<(IfIndex, &'static str)> {
    Ok((nic(name)?.ifindex, name))
}

fn ip(arguments: &str) -> Result<()> {
    let status = Command::new("ip").args(arguments.split_whitespace()).status()?;
    ensure!(status.success(), "`ip {arguments}` failed");
    Ok(())
}

/// Seconds and requests.
fn apply_and_verify(plan: &Plan) -> Result<(f64, usize)> {
    let controller = Controller::open()?;
    let mut kernel = LinuxKernel { controller, tables: FakeTables::default() };
    let start = Instant::now();
    let report = apply::apply(&mut kernel, None, plan)?;
    Ok((start.elapsed().as_secs_f64(), report.operations))
}

/// Sends all of a plan with no check. Seconds.
pub(crate) fn send_bare(plan: &Plan, one_by_one: bool) -> Result<f64> {
    let mut messages = Messages::new();
    for (nic, requests) in apply::requests(plan) {
        for request in &requests {
            encode(&mut messages, nic, request);
        }
    }
    let mut sends = if one_by_one { messages.split() } else { vec![messages] };
    let mut socket = Socket::open()?;
    let start = Instant::now();
    for send in &mut sends {
        socket.execute(send)?;
    }
    Ok(start.elapsed().as_secs_f64())
}
