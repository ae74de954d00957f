//! The daemon in a sentence.

use crate::shared::Shared;

/// What is in force, and what is wrong.
pub(super) fn of(shared: &Shared) -> String {
    let current = shared.current.load();
    let mut text = format!(
        "configuration {} is in force: {} circuits, {} nodes",
        current.generation,
        current.layout.circuits.len(),
        current.layout.nodes.len()
    );
    if shared.control.bypass() {
        text += "; bypass is on, nothing is shaped or measured";
    }
    let nics = shared.nic_problems.load();
    let problems = [shared.kernel_problem.load_full(), shared.reload_problem.load_full()];
    let problem = problems.iter().flatten().map(|problem| &problem.text).chain(nics.iter()).next();
    if let Some(line) = problem.and_then(|text| text.lines().next()) {
        text = format!("{text}; {line}");
    }
    text
}
