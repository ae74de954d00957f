//! Starts threads, and ends them in order.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use parking_lot::Mutex;

use crate::exit::Death;
use crate::heart::Heart;
use crate::report::{Monitor, Record};
use crate::stop::{Never, Stop};
use crate::thread::{Context, Policy, Runner};

/// Starts threads, watches them, and ends them in order.
#[derive(Debug, Default)]
pub struct Supervisor {
    stop: Stop,
    death: Arc<Mutex<Option<Death>>>,
    monitor: Monitor,
    threads: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    name: String,
    stop: Stop,
    /// Disconnects when the thread has ended.
    ended: Receiver<Never>,
    handle: JoinHandle<()>,
}

/// The kernel did not give a thread.
#[derive(Debug, thiserror::Error)]
#[error("could not start thread {name}")]
pub struct SpawnError {
    /// Its name.
    pub name: String,
    /// What the kernel says.
    pub source: io::Error,
}

/// What came of shutting down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShutDown {
    /// Threads that ended, in the order in which they did.
    pub ended: Vec<String>,
    /// Threads that had not ended at the deadline. They were left behind, asked to end.
    pub stuck: Vec<String>,
}

impl Supervisor {
    /// One without threads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raised when everything has to stop: by an essential thread's end, or by whoever wants to.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The essential thread to blame for the stop, if one is.
    pub fn death(&self) -> Option<Death> {
        self.death.lock().clone()
    }

    /// Tells how the threads are.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Reports a heartbeat among those of the threads, as essential, that something else than a thread of ours
    /// shows. One older than `heartbeat_max` is late.
    pub fn heart(&self, name: &str, heartbeat_max: Duration) -> Heart {
        let record = Arc::new(Record::new(name, true, heartbeat_max));
        self.monitor.add(Arc::clone(&record));
        Heart::new(record)
    }

    /// Starts a thread. `heartbeat_max` is the age from which its heartbeat is late; `body` is run
    /// again from the start under [`Policy::Restart`], so it keeps nothing between runs that a
    /// panic could leave half done.
    ///
    /// # Errors
    /// When the kernel gives no thread, or the name contains a zero byte.
    pub fn spawn<E>(
        &mut self,
        name: &str,
        policy: Policy,
        heartbeat_max: Duration,
        body: impl FnMut(&Context) -> Result<(), E> + Send + 'static,
    ) -> Result<(), SpawnError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let failed = |source| SpawnError { name: name.to_owned(), source };
        if name.contains('\0') {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        let record = Arc::new(Record::new(name, policy == Policy::Essential, heartbeat_max));
        let stop = Stop::new();
        let runner = Runner {
            context: Context::new(stop.clone(), Arc::clone(&record)),
            policy,
            everything: self.stop.clone(),
            death: Arc::clone(&self.death),
        };
        let (alive, ended) = bounded::<Never>(0);
        let run = move || {
            let _alive = alive;
            runner.run(body);
        };
        let handle = Builder::new().name(name.to_owned()).spawn(run).map_err(failed)?;
        self.monitor.add(record);
        self.threads.push(Running { name: name.to_owned(), stop, ended, handle });
        Ok(())
    }

    /// Ends the threads one after the other, the last started first, in `time` altogether. A thread
    /// that is stuck takes up what is left; those before it are then asked to end all at once.
    pub fn shut_down(self, time: Duration) -> ShutDown {
        let deadline = Instant::now() + time;
        self.stop.stop();
        let mut outcome = ShutDown::default();
        for thread in self.threads.into_iter().rev() {
            thread.stop.stop();
            match thread.ended.recv_deadline(deadline) {
                Err(RecvTimeoutError::Disconnected) => {
                    // its last act is over, and its panics were caught: this neither waits nor fails
                    let _ = thread.handle.join();
                    outcome.ended.push(thread.name);
                }
                Err(RecvTimeoutError::Timeout) => outcome.stuck.push(thread.name),
                Ok(never) => match never {},
            }
        }
        outcome
    }
}
