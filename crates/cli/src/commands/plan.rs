//! `tidegate plan`: the plan in force, or the one that the files give for a machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::{CircuitsQuery, Client, Edits, LineChange, PreviewView, inert};
use clap::Args;
use config::{Config, Interfaces};
use machine::nic::{NicError, NicInfo, nic, online_cpus};
use plan::{Facts, NicFacts, Plan, Planned};
use units::CircuitId;

use crate::arguments::DEFAULT_CONFIG;
use crate::failure::Failure;
use crate::figures::count;
use crate::files;
use crate::output::{Look, Output, inert_lines};
use crate::reading::connect;

/// A large network takes a while to plan and to compare.
const PREVIEW: Duration = Duration::from_secs(60);

/// Which plan, and what of it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Plan this configuration, without asking the daemon: for this machine's NICs and CPUs, or those of --facts.
    /// Whether the kernel has the leaves is not looked at: `tidegated --check` does.
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,

    /// Plan the files, by default /etc/tidegate/tidegate.toml's, for the machine described in this file, without
    /// asking the daemon. `tidegated --facts` describes the machine that it runs on.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,

    /// Say what a reload would change now, and what it would cost. Nothing is changed. Where files that change
    /// are put in force at once (`watch`), `tidegate set files NETWORK CIRCUITS --dry-run` says it of files
    /// that are elsewhere.
    #[arg(long, conflicts_with_all = ["config", "facts", "explain"])]
    diff: bool,

    /// Say why the circuit with this id sits where it sits.
    #[arg(long, value_name = "CIRCUIT")]
    explain: Option<String>,
}

/// Shows or explains the plan.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    if options.diff {
        return preview(&mut connect(socket)?, None, output);
    }
    let Options { config, facts, explain, .. } = options;
    if config.is_none() && facts.is_none() {
        let mut client = connect(socket)?;
        let (path, plan) = in_force(&mut client)?;
        let Some(id) = explain else { return show(&plan, output) };
        explained(&plan, &files::config(&path, output)?, id, output)?;
        if is_asleep(&mut client, id)? {
            output.note("note: it was silent, and gets its classes with the next packets\n");
        }
        return Ok(());
    }
    let config = config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
    let (config, plan) = offline(config, facts.as_deref(), output)?;
    match explain {
        Some(id) => explained(&plan, &config, id, output),
        None => show(&plan, output),
    }
}

/// Shows what edits would change, or without any a reload.
pub(super) fn preview(
    client: &mut Client,
    edits: Option<Edits>,
    output: Output,
) -> Result<(), Failure> {
    let what = if edits.is_some() { "this" } else { "a reload" };
    let preview = client.preview(edits, PREVIEW)?;
    output.show(&preview, |preview, look| previewed(preview, what, look))
}

/// What would change, what for, and what it takes.
fn previewed(preview: &PreviewView, what: &str, look: &Look) -> String {
    let PreviewView { changes, more, lines, more_lines, .. } = preview;
    let PreviewView { requests, circuits, addresses, drained, .. } = preview;
    let mut text = String::new();
    for change in changes {
        text += &format!("{}\n", inert(change));
    }
    if *more > 0 {
        text += &format!("... and {} more\n", count(*more));
    }
    for LineChange { file, line, comes, text: written } in lines {
        let sign = if *comes { '+' } else { '-' };
        text += &format!("{}:{line}: {sign} {}\n", inert(file), inert(written));
    }
    if *more_lines > 0 {
        text += &format!("... and {} more lines\n", count(*more_lines));
    }
    if *requests == 0 && *circuits == 0 && *addresses == 0 {
        text += &format!("{what} would change nothing in the kernel\n");
    } else {
        let mut costs = vec![format!("{} requests for queues and classes", count(*requests))];
        if *circuits > 0 {
            costs.push(format!("{} circuits pointed elsewhere", count(*circuits)));
        }
        if *addresses > 0 {
            costs.push(format!("{} address blocks written", count(*addresses)));
        }
        if *drained > 0 {
            costs.push(format!("{} classes drained and removed", count(*drained)));
        }
        text += &format!("{what} would take {}\n", costs.join(", "));
    }
    text.extend(preview.warnings.iter().map(|it| look.warning(it)));
    text
}

/// The plan that the files give for a machine; warnings go to the standard error.
fn offline(config: &Path, facts: Option<&Path>, output: Output) -> Result<(Config, Plan), Failure> {
    let config = files::config(config, output)?;
    let facts = match facts {
        Some(facts) => files::facts(facts)?,
        None => here(&config.interfaces).map_err(Failure::Nic)?,
    };
    let Planned { plan, warnings } = plan::plan(&config, &facts, None).map_err(Failure::Plan)?;
    for warning in warnings {
        output.note(&format!("warning: {warning}\n"));
    }
    Ok((config, plan))
}

/// What this machine offers, as far as everybody may know: that the kernel has all leaves is taken for granted.
fn here(interfaces: &Interfaces) -> Result<Facts, NicError> {
    let facts = |name: &str| -> Result<NicFacts, NicError> {
        let NicInfo { name, ifindex, tx_queues, rx_queues, mtu, .. } = nic(name)?;
        Ok(NicFacts { name, ifindex, tx_queues, rx_queues, mtu })
    };
    let (customers, internet) = (facts(&interfaces.customers)?, facts(&interfaces.internet)?);
    let qdiscs = ["htb", "cake", "fq_codel"].map(str::to_owned).into();
    Ok(Facts { customers, internet, cpus: online_cpus()?, qdiscs })
}

/// The daemon's plan with the path of the configuration that it follows from.
fn in_force(client: &mut Client) -> Result<(PathBuf, Plan), Failure> {
    let view = client.plan()?;
    let plan = serde_json::from_str(&view.json).map_err(Failure::PlanInForce)?;
    Ok((view.config.into(), plan))
}

/// Whether the circuit has no class for now, for want of traffic.
fn is_asleep(client: &mut Client, id: &str) -> Result<bool, Failure> {
    let query = CircuitsQuery { id: Some(id.to_owned()), ..CircuitsQuery::default() };
    Ok(client.circuits(query)?.rows.iter().any(|circuit| circuit.asleep))
}

fn show(plan: &Plan, output: Output) -> Result<(), Failure> {
    output.show(plan, |plan, _| inert_lines(&plan.to_string()))
}

fn explained(plan: &Plan, config: &Config, id: &str, output: Output) -> Result<(), Failure> {
    let circuit = CircuitId::from(id);
    let planned = plan.circuits.iter().any(|place| place.id == circuit);
    let configured = config.network.circuits.iter().any(|wanted| wanted.id == circuit);
    let id = id.to_owned();
    match (planned, configured, plan::explain(plan, config, &circuit)) {
        (_, _, Some(explanation)) => {
            output.show(&explanation, |it, _| inert_lines(&it.to_string()))
        }
        (true, false, None) => {
            Err(Failure::NotInForce { id, has: "the plan in force", lacks: "the files" })
        }
        (false, true, None) => {
            Err(Failure::NotInForce { id, has: "the files", lacks: "the plan in force" })
        }
        (_, _, None) => Err(Failure::NoCircuit { id }),
    }
}
