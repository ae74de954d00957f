//! Which captures run, and where their packets go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::CapturedPacket;
use collect::clock::monotonic_ns;
use crossbeam_channel::{Receiver, Sender, bounded};
use kernel::datapath::{CaptureCounts, CaptureTarget, Captures};
use tokio::sync::mpsc;

/// Batches that may wait for a client that reads slowly; what comes then is lost to it, and counted.
const BATCHES_WAITING_MAX: usize = 64;

/// The captures that run. Starting and ending one is a few memory writes.
#[derive(Debug)]
pub struct CaptureDesk {
    kernel: Captures,
    sinks: Mutex<Vec<Option<Sink>>>,
    bell: (Sender<()>, Receiver<()>),
    /// Packets that all captures lost on their way to clients.
    dropped: Arc<AtomicU64>,
}

/// Where the packets of one capture go.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    /// Packets seen before are another capture's, which had the same number.
    pub(super) since_ns: u64,
    pub(super) snap_length: usize,
    pub(super) batches: mpsc::Sender<Vec<CapturedPacket>>,
    pub(super) lost: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
}

/// What a session is given of a capture that was started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) number: u32,
    pub(super) batches: mpsc::Receiver<Vec<CapturedPacket>>,
    pub(super) lost: Arc<AtomicU64>,
}

impl CaptureDesk {
    /// A desk at which nothing runs.
    pub fn new(kernel: Captures) -> Self {
        let none = (0..abi::CAPTURES_MAX).map(|_| None).collect();
        Self { kernel, sinks: Mutex::new(none), bell: bounded(1), dropped: Arc::default() }
    }

    /// How many captures run.
    pub fn running(&self) -> usize {
        self.sinks().iter().flatten().count()
    }

    /// How many packets all captures lost on their way to clients.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Starts one, unless `at_once` are running.
    pub(super) fn start(
        &self,
        target: CaptureTarget,
        snap_length: u16,
        at_once: u8,
    ) -> Option<Started> {
        let mut sinks = self.sinks();
        if sinks.iter().flatten().count() >= usize::from(at_once) {
            return None;
        }
        let (sender, batches) = mpsc::channel(BATCHES_WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let since_ns = monotonic_ns();
        let number = self.kernel.start(target, snap_length.into())?;
        sinks[number as usize] = Some(Sink {
            since_ns,
            snap_length: snap_length.into(),
            batches: sender,
            lost: Arc::clone(&lost),
            dropped: Arc::clone(&self.dropped),
        });
        // a bell that has been rung is enough
        let _ = self.bell.0.try_send(());
        Some(Started { number, batches, lost })
    }

    pub(super) fn stop(&self, number: u32) {
        let mut sinks = self.sinks();
        self.kernel.stop(number);
        sinks[number as usize] = None;
    }

    pub(super) fn counts(&self, number: u32) -> CaptureCounts {
        self.kernel.counts(number)
    }

    pub(super) const fn kernel(&self) -> &Captures {
        &self.kernel
    }

    /// Rung when a capture starts.
    pub(super) const fn bell(&self) -> &Receiver<()> {
        &self.bell.1
    }

    /// The sinks as they are now, by number.
    pub(super) fn open_sinks(&self) -> Vec<Option<Sink>> {
        self.sinks().clone()
    }

    /// Whoever panicked while holding them left them whole: each change is one assignment.
    fn sinks(&self) -> MutexGuard<'_, Vec<Option<Sink>>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    /// Hands a batch over, or counts it as lost.
    pub(super) fn send(&self, batch: Vec<CapturedPacket>) {
        let packets = batch.len() as u64;
        if self.batches.try_send(batch).is_err() {
            self.lost.fetch_add(packets, Ordering::Relaxed);
            self.dropped.fetch_add(packets, Ordering::Relaxed);
        }
    }
}
