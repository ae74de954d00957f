//! `tidegate reload`: has the daemon read its configuration again.

use std::path::Path;
use std::time::Duration;

use bus::{ChangeCounts, Reloaded};
use clap::Args;

use crate::failure::Failure;
use crate::figures::count;
use crate::output::{Look, Output};
use crate::reading::connect;

/// A large network takes a while to put in force.
pub(super) const RELOAD: Duration = Duration::from_secs(300);

/// How it is read.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    shrink: Shrink,
}

/// Whether the guard against files cut short is to let something pass.
#[derive(Debug, Args)]
pub(super) struct Shrink {
    /// More than half of the circuits or nodes may go; otherwise that is refused as a likely mistake.
    #[arg(long, global = true)]
    pub(super) shrink: bool,
}

/// Reloads.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let reloaded = connect(socket)?.reload(options.shrink.shrink, RELOAD)?;
    output.show(&reloaded, text)
}

/// What is in force now.
pub(super) fn text(reloaded: &Reloaded, look: &Look) -> String {
    let mut shown = changes(reloaded);
    shown += &format!(
        "configuration {} is in force: {} circuits, {} nodes, after {} ms\n",
        reloaded.generation,
        count(reloaded.circuits.into()),
        count(reloaded.nodes.into()),
        count(reloaded.took_ms)
    );
    shown.extend(reloaded.warnings.iter().map(|it| look.warning(it)));
    shown
}

/// What has changed by it: a line for circuits, and one for nodes.
fn changes(reloaded: &Reloaded) -> String {
    let kinds = [("circuits", reloaded.circuit_changes), ("nodes", reloaded.node_changes)];
    let mut shown = String::new();
    for (kind, changes) in kinds.iter().filter(|(_, changes)| *changes != ChangeCounts::default()) {
        let ChangeCounts { added, removed, changed } = *changes;
        let counts = [(added, "added"), (removed, "removed"), (changed, "changed")];
        let counts = counts.iter().filter(|(many, _)| *many > 0);
        let counts: Vec<_> =
            counts.map(|(many, what)| format!("{} {what}", count((*many).into()))).collect();
        shown += &format!("{kind}: {}\n", counts.join(", "));
    }
    if shown.is_empty() {
        shown += "no circuit or node differs from what was in force\n";
    }
    shown
}
