//! A reader that takes the newest snapshot over and over while ticks go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use state::{FlowSnapshot, Snapshot, Store};

/// Pause between two readings, so that the reader does not take a CPU from the tick.
const PAUSE: Duration = Duration::from_micros(100);

/// A reader at work.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Reader {
    pub(super) fn start(snapshots: Arc<Store>, flows: Arc<Store<FlowSnapshot>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut loads = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let start = Instant::now();
                let taken = (snapshots.latest(), flows.latest());
                loads.push(start.elapsed());
                drop::<(Arc<Snapshot>, Arc<FlowSnapshot>)>(taken);
                thread::sleep(PAUSE);
            }
            loads
        });
        Self { stop, thread }
    }

    /// Microseconds that 99 of 100 readings took at most.
    pub(super) fn p99_us(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut loads = self.thread.join().unwrap_or_default();
        loads.sort_unstable();
        loads.get(loads.len() * 99 / 100).map_or(f64::NAN, |load| load.as_secs_f64() * 1e6)
    }
}
