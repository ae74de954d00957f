//! The thread that keeps the service manager informed: the daemon in a sentence, and that all is well.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use supervisor::{Context, Monitor, Watchdog};

use super::{line, status, tell};
use crate::shared::Shared;

/// How often it is looked whether there is something to tell.
const INTERVAL: Duration = Duration::from_secs(1);

/// Tells it until the daemon ends.
pub fn run(context: &Context, shared: &Shared) {
    let mut watchdog = watchdog(&shared.monitor);
    let mut told = String::new();
    loop {
        let mut states = Vec::new();
        let text = line(&status::of(shared));
        if text != told {
            states.push(NotifyState::Status(&text));
        }
        if watchdog.as_mut().is_some_and(|watchdog| watchdog.is_due(Instant::now())) {
            states.push(NotifyState::Watchdog);
        }
        if !states.is_empty() {
            tell(&states);
        }
        told = text;
        if context.sleep(INTERVAL) {
            return;
        }
    }
}

/// The service manager's, if it has one for this process.
fn watchdog(monitor: &Monitor) -> Option<Watchdog> {
    let patience = sd_notify::watchdog_enabled()?;
    Some(Watchdog::new(monitor.clone(), patience))
}
