//! How the threads are, for others to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::exit::Exit;

/// How one thread is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadReport {
    /// Its name.
    pub name: String,
    /// Everything stops when it ends by itself.
    pub essential: bool,
    /// How it is.
    pub state: ThreadState,
    /// Since its last heartbeat.
    pub heartbeat_age: Duration,
    /// Times that it was started again.
    pub restarts: u32,
    /// Why its last run ended; none while the first one lasts.
    pub last_exit: Option<Exit>,
}

/// How a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// It runs and its heartbeat is in time.
    Running,
    /// It runs, but its heartbeat is late.
    Stale,
    /// It failed and waits to be started again.
    BackingOff,
    /// It ended for good.
    Ended,
}

/// Tells how all threads of a supervisor are. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    records: Arc<Mutex<Vec<Arc<Record>>>>,
}

impl Monitor {
    pub(crate) fn add(&self, record: Arc<Record>) {
        self.records.lock().push(record);
    }

    /// How the threads are now, in the order of their start.
    pub fn report(&self) -> Vec<ThreadReport> {
        self.records.lock().iter().map(|record| record.report()).collect()
    }
}

/// Where in its life a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    BackingOff,
    Ended,
}

/// What a thread leaves for others to read.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    essential: bool,
    /// An older heartbeat is late.
    heartbeat_max: Duration,
    born: Instant,
    /// Nanoseconds after `born`.
    beat_ns: AtomicU64,
    restarts: AtomicU32,
    life: Mutex<(Phase, Option<Exit>)>,
}

impl Record {
    pub(crate) fn new(name: &str, essential: bool, heartbeat_max: Duration) -> Self {
        Self {
            name: name.to_owned(),
            essential,
            heartbeat_max,
            born: Instant::now(),
            beat_ns: AtomicU64::new(0),
            restarts: AtomicU32::new(0),
            life: Mutex::new((Phase::Running, None)),
        }
    }

    pub(crate) fn beat(&self) {
        self.beat_ns.store(self.born.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.life.lock().0 = phase;
    }

    pub(crate) fn exited(&self, exit: Exit) {
        self.life.lock().1 = Some(exit);
    }

    pub(crate) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    fn report(&self) -> ThreadReport {
        let beat = Duration::from_nanos(self.beat_ns.load(Ordering::Relaxed));
        let heartbeat_age = self.born.elapsed().saturating_sub(beat);
        let (phase, last_exit) = self.life.lock().clone();
        let state = match phase {
            Phase::Running if heartbeat_age > self.heartbeat_max => ThreadState::Stale,
            Phase::Running => ThreadState::Running,
            Phase::BackingOff => ThreadState::BackingOff,
            Phase::Ended => ThreadState::Ended,
        };
        ThreadReport {
            name: self.name.clone(),
            essential: self.essential,
            state,
            heartbeat_age,
            restarts: self.restarts.load(Ordering::Relaxed),
            last_exit,
        }
    }
}
