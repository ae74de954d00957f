//! One supervised thread from the inside: its context, its policy, its runs.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{error, warn};

use crate::exit::{Death, Exit};
use crate::report::{Phase, Record};
use crate::stop::Stop;

/// What follows when a thread ends without having been asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing works without it: everything stops.
    Essential,
    /// It is started again after a pause when it fails or panics, and left alone when it finishes.
    Restart(Backoff),
}

/// The pauses before restarts: `first`, doubled each time up to `max`. A run that lasts at least
/// `max` makes the next pause `first` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Backoff {
    /// From half a second up to half a minute.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), max: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The pause after a run of `ran`, when the one before was `last`.
    fn next(self, last: Option<Duration>, ran: Duration) -> Duration {
        match last {
            Some(last) if ran < self.max => last.saturating_mul(2).min(self.max),
            _ => self.first.min(self.max),
        }
    }
}

/// What a thread is given.
#[derive(Clone, Debug)]
pub struct Context {
    stop: Stop,
    record: Arc<Record>,
}

impl Context {
    pub(crate) fn new(stop: Stop, record: Arc<Record>) -> Self {
        Self { stop, record }
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// What asks this thread to end.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Shows that the thread is alive.
    pub fn beat(&self) {
        self.record.beat();
    }

    /// Beats, waits for `time` or until asked to end, and beats again; tells whether it was asked.
    pub fn sleep(&self, time: Duration) -> bool {
        self.beat();
        let stopped = self.stop.sleep(time);
        self.beat();
        stopped
    }
}

/// What a thread does besides its body.
pub(crate) struct Runner {
    pub(crate) context: Context,
    pub(crate) policy: Policy,
    pub(crate) everything: Stop,
    pub(crate) death: Arc<Mutex<Option<Death>>>,
}

impl Runner {
    /// Runs the body until it ends for good.
    pub(crate) fn run<E>(&self, mut body: impl FnMut(&Context) -> Result<(), E>)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let record = &self.context.record;
        let mut pause = None;
        loop {
            let started = Instant::now();
            record.beat();
            record.enter(Phase::Running);
            let exit = run_once(&self.context, &mut body);
            record.exited(exit.clone());
            if self.context.stop.is_stopped() {
                break;
            }
            let Policy::Restart(backoff) = self.policy else {
                self.die(exit);
                break;
            };
            if exit == Exit::Finished {
                break;
            }
            let next = backoff.next(pause, started.elapsed());
            pause = Some(next);
            let pause_ms = next.as_millis() as u64;
            warn!(thread = self.context.name(), %exit, pause_ms, "a thread is started again");
            record.enter(Phase::BackingOff);
            if self.context.stop.sleep(next) {
                break;
            }
            record.restarted();
        }
        record.enter(Phase::Ended);
    }

    fn die(&self, exit: Exit) {
        let death = Death { thread: self.context.name().to_owned(), exit };
        error!(%death, "an essential thread ended: everything stops");
        self.death.lock().get_or_insert(death);
        self.everything.stop();
    }
}

fn run_once<E>(context: &Context, body: &mut impl FnMut(&Context) -> Result<(), E>) -> Exit
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // a body that panicked is run again only under `Restart`, whose bodies begin from nothing
    match catch_unwind(AssertUnwindSafe(|| body(context))) {
        Ok(Ok(())) => Exit::Finished,
        Ok(Err(error)) => Exit::failed(error.into().as_ref()),
        Err(payload) => Exit::panicked(payload.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over_after_a_good_run() {
        let ms = Duration::from_millis;
        let backoff = Backoff { first: ms(10), max: ms(35) };
        assert_eq!(backoff.next(None, ms(0)), ms(10));
        assert_eq!(backoff.next(Some(ms(10)), ms(0)), ms(20));
        assert_eq!(backoff.next(Some(ms(20)), ms(0)), ms(35));
        assert_eq!(backoff.next(Some(ms(35)), ms(0)), ms(35));
        assert_eq!(backoff.next(Some(ms(35)), ms(40)), ms(10));
    }
}
