//! How long a plan takes into the kernel, and a change of it.
//!
//! The reference is the least that any program could do: the very same messages, encoded before the
//! clock starts, sent by a loop that waits for each acknowledgement and verifies nothing. `over_batched`
//! compares with many messages in a send. Both alternate with apply, each on new veths. A change gives one
//! circuit in a hundred another rate; its reference is the same messages that take it back.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use kernel::LinuxKernel;
use kernel::fake::FakeTables;
use kernel::namespace::in_private_network_with_sysfs;
use kernel::netlink::{Messages, Socket};
use kernel::tc::{Controller, encode};
use machine::nic::nic;
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

/// What applying a plan and a change of it took.
struct Applied {
    seconds: f64,
    operations: usize,
    /// MiB that the kernel has less afterwards.
    memory: f64,
    change_seconds: f64,
    change_operations: usize,
    /// Taking the change back by a bare loop.
    back_seconds: f64,
}

pub(crate) fn measure(circuits: usize, rounds: usize) -> Result<Vec<Record>> {
    let (mut applied, mut single, mut batched) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        single.push(on_new_veths(circuits, |plan| send_bare(plan, true))?);
        applied.push(on_new_veths(circuits, apply_and_change)?);
        batched.push(on_new_veths(circuits, |plan| send_bare(plan, false))?);
    }
    let middle = |figure: fn(&Applied) -> f64| median(applied.iter().map(figure).collect());
    let scenario = format!("circuits-{circuits}-queues-{QUEUES}");
    let record = |metric: &str, unit: &str, value, reference| Record {
        bench: "apply".to_owned(),
        scenario: scenario.clone(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference,
    };
    let seconds = middle(|applied| applied.seconds);
    let (change, back) = (middle(|one| one.change_seconds), middle(|one| one.back_seconds));
    Ok(vec![
        record("seconds", "s", seconds, Some(median(single))),
        record("seconds_over_batched", "s", seconds, Some(median(batched))),
        record("operations", "requests", middle(|one| one.operations as f64), None),
        record("kernel_memory", "MiB", middle(|one| one.memory), None),
        record("change_of_1_percent", "s", change, Some(back)),
        record("change_operations", "requests", middle(|one| one.change_operations as f64), None),
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

fn apply_and_change(plan: &Plan) -> Result<Applied> {
    let controller = Controller::open()?;
    let mut kernel = LinuxKernel { controller, tables: FakeTables::default() };
    let available = available_mib()?;
    let start = Instant::now();
    let report = apply::apply(&mut kernel, None, plan)?;
    let seconds = start.elapsed().as_secs_f64();
    let memory = available - available_mib()?;
    let changed = with_other_rates(plan);
    let start = Instant::now();
    let change = apply::change(&mut kernel, plan, &changed)?;
    let change_seconds = start.elapsed().as_secs_f64();
    let back = apply::steps(&mut kernel, Some(&changed), plan)?;
    Ok(Applied {
        seconds,
        operations: report.operations,
        memory,
        change_seconds,
        change_operations: change.operations,
        back_seconds: carry_out_bare(&back)?,
    })
}

/// The plan with another ceiling for one circuit in a hundred.
fn with_other_rates(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for queue in plan.nics.iter_mut().flat_map(|nic| &mut nic.queues) {
        let circuits = queue.classes.iter_mut().filter(|class| class.leaf.is_some());
        for class in circuits.step_by(100) {
            class.ceil = class.ceil.percent(120);
        }
    }
    plan
}

/// MiB that the kernel could give away (`/proc/meminfo`).
fn available_mib() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no MemAvailable")?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}

/// Sends the requests for queues, waiting for each answer. Seconds.
fn carry_out_bare(operations: &[apply::Operation]) -> Result<f64> {
    let mut messages = Messages::new();
    for operation in operations {
        if let apply::Operation::Queues { nic, requests } = operation {
            requests.iter().for_each(|request| encode(&mut messages, *nic, request));
        }
    }
    let mut sends = messages.split();
    let mut socket = Socket::open()?;
    let start = Instant::now();
    for send in &mut sends {
        socket.execute(send)?;
    }
    Ok(start.elapsed().as_secs_f64())
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
