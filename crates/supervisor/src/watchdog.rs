//! Whether a watchdog outside of the process is to hear that all is well.

use std::time::{Duration, Instant};

use tracing::{error, info};

use crate::report::{Monitor, ThreadState};

/// Feeds a watchdog as long as nothing essential hangs. What is optional may.
#[derive(Debug)]
pub struct Watchdog {
    monitor: Monitor,
    /// Half of its patience.
    every: Duration,
    fed: Option<Instant>,
    /// What hung at the last look.
    hanging: Vec<String>,
}

impl Watchdog {
    /// One that loses its patience when it was not fed for so long.
    pub fn new(monitor: Monitor, patience: Duration) -> Self {
        Self { monitor, every: patience / 2, fed: None, hanging: Vec::new() }
    }

    /// Whether it is to be fed now: every half of its patience while no essential heartbeat is late. Whose is,
    /// is logged. To be asked more often than that, so that what hung only for a moment costs nothing.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let report = self.monitor.report();
        let is_hanging = |state| state == ThreadState::Stale;
        let late = report.iter().filter(|thread| thread.essential && is_hanging(thread.state));
        let hanging: Vec<_> = late.clone().map(|thread| thread.name.clone()).collect();
        if hanging != self.hanging {
            for thread in late.filter(|thread| !self.hanging.contains(&thread.name)) {
                let age_ms = thread.heartbeat_age.as_millis() as u64;
                let name = &thread.name;
                error!(thread = name, age_ms, "its heartbeat is late: the watchdog is not fed");
            }
            if hanging.is_empty() {
                info!("all heartbeats are in time again");
            }
            self.hanging = hanging;
        }
        let is_time = self.fed.is_none_or(|fed| now.saturating_duration_since(fed) >= self.every);
        let is_due = self.hanging.is_empty() && is_time;
        if is_due {
            self.fed = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{Backoff, Context, Policy, Supervisor};

    const LONG: Duration = Duration::from_secs(3600);
    const PATIENCE: Duration = Duration::from_secs(10);

    fn hang(context: &Context) -> Result<(), io::Error> {
        context.stop().wait();
        Ok(())
    }

    #[test]
    fn it_is_fed_at_half_of_its_patience() {
        let mut supervisor = Supervisor::new();
        supervisor.spawn("core", Policy::Essential, LONG, hang).unwrap();
        let mut watchdog = Watchdog::new(supervisor.monitor(), PATIENCE);
        let start = Instant::now();
        let due = [0, 4_999, 5_000, 6_000, 10_000]
            .map(|ms| watchdog.is_due(start + Duration::from_millis(ms)));
        assert_eq!(due, [true, false, true, false, true]);
        assert!(supervisor.shut_down(PATIENCE).stuck.is_empty());
    }

    #[test]
    fn what_is_essential_and_hangs_stops_the_feeding_and_what_is_optional_does_not() {
        let mut supervisor = Supervisor::new();
        let optional = Policy::Restart(Backoff::default());
        supervisor.spawn("optional", optional, Duration::ZERO, hang).unwrap();
        let mut watchdog = Watchdog::new(supervisor.monitor(), PATIENCE);
        let start = Instant::now();
        assert!(watchdog.is_due(start), "only what is optional hangs");
        let heart = supervisor.heart("runtime", Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(2));
        assert!(!watchdog.is_due(start + PATIENCE));
        assert_eq!(watchdog.hanging, ["runtime"]);
        // not synchronisation: a thread that is held up between the two lines only asks again
        let fed = (0..1_000).any(|_| {
            heart.beat();
            watchdog.is_due(start + PATIENCE)
        });
        assert!(fed && watchdog.hanging.is_empty(), "it beats again");
        drop(supervisor);
    }
}
