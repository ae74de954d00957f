//! `tidegate reload`: has the daemon read its configuration again.

use std::path::Path;
use std::time::Duration;

use bus::Reloaded;

use crate::failure::Failure;
use crate::figures::count;
use crate::output::{Look, Output};
use crate::reading::connect;

/// A large network takes a while to put in force.
pub(super) const RELOAD: Duration = Duration::from_secs(300);

/// Reloads.
pub(super) fn run(socket: &Path, output: Output) -> Result<(), Failure> {
    let reloaded = connect(socket)?.reload(RELOAD)?;
    output.show(&reloaded, text)
}

/// What is in force now.
pub(super) fn text(reloaded: &Reloaded, look: &Look) -> String {
    let mut shown = format!(
        "configuration {} is in force: {} circuits, {} nodes, after {} ms\n",
        reloaded.generation,
        count(reloaded.circuits.into()),
        count(reloaded.nodes.into()),
        count(reloaded.took_ms)
    );
    shown.extend(reloaded.warnings.iter().map(|it| look.warning(it)));
    shown
}
