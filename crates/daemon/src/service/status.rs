//! The daemon in a sentence.

use bus::EventKind;

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
    if let Some(problem) = problem(shared) {
        text = format!("{text}; {problem}");
    }
    text
}

/// What is wrong, without why: every user of the machine may read this, and the why may name subscribers.
fn problem(shared: &Shared) -> Option<String> {
    let problems = [shared.kernel_problem.load_full(), shared.reload_problem.load_full()];
    let problem = problems.iter().flatten().find_map(|problem| problem.text.split(": ").next());
    problem.map(|what| format!("{what}: `tidegate status` says why")).or_else(|| {
        shared.nic_problems.load().first().map(|problem| match problem.kind {
            EventKind::Nic => problem.text.clone(),
            _ => "the plan does not fit the NICs: `tidegate status` says why".to_owned(),
        })
    })
}
