//! What a configuration that is in force means to those who look.

use std::sync::Arc;
use std::time::Instant;

use config::Config;
use plan::Plan;
use state::MapFill;
use tokio::sync::OnceCell;
use tracing::warn;

use crate::layout::layout;
use crate::shared::Current;

/// What clients are shown of a configuration that comes into force. Its warnings are logged.
pub fn current(generation: u64, config: &Config, plan: Plan, warnings: Vec<String>) -> Current {
    for warning in &warnings {
        warn!("{warning}");
    }
    let layout = Arc::new(layout(generation, config, &plan));
    let maps = fills(&config.limits, &plan);
    Current {
        generation,
        since: Instant::now(),
        plan,
        plan_reply: OnceCell::new(),
        layout,
        maps,
        flows: config.flows,
        lazy_after: config.queues.lazy_after,
        origins: config.files.origins.clone(),
        capture: config.capture,
        warnings,
    }
}

/// How full the maps are that only a plan fills.
fn fills(limits: &config::Limits, plan: &Plan) -> Vec<MapFill> {
    let hosts = plan.addresses.iter().filter(|entry| entry.prefix.is_host()).count();
    let fill = |name, used: usize, capacity: u32| MapFill {
        name,
        used: used as u64,
        capacity: capacity.into(),
    };
    vec![
        fill("circuits", plan.circuits.len(), limits.circuits),
        fill("hosts", hosts, limits.hosts),
        fill("prefixes", plan.addresses.len() - hosts, limits.prefixes),
    ]
}
