//! One client's capture, from its request to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::{
    CaptureEnd, CaptureEnded, CaptureInterface, CaptureRequest, CapturedPacket, Capturing, Cause,
    ErrorCode, EventKind, Refusal, Severity,
};
use kernel::datapath::CaptureTarget;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use units::CircuitSlot;

use crate::serve::{no_circuit, side};
use crate::shared::{Current, Shared};

/// A client hears of its capture at least this often.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// A capture that runs. Dropping it ends it, and tells of its end.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    /// The request that it answers.
    pub id: u64,
    number: u32,
    batches: mpsc::Receiver<Vec<CapturedPacket>>,
    lost: Arc<AtomicU64>,
    target: bus::CaptureTarget,
    /// Who asked for it.
    cause: Cause,
    slot: Option<CircuitSlot>,
    generation: u64,
    packets_left: u64,
    began: Instant,
    until: Instant,
    /// When the client last heard of it.
    told: Instant,
    sent: u64,
    /// Why it is over; none while it goes on, and when its client has gone.
    ended: Option<CaptureEnd>,
}

/// What comes of a capture next.
#[derive(Debug)]
pub enum Step {
    /// Packets; none when none came for a while.
    Packets(Vec<CapturedPacket>),
    /// It is over.
    Over(CaptureEnd),
}

impl Running {
    /// Starts what the client asks for, within the configured bounds, and tells of it.
    ///
    /// # Errors
    /// When there is no such circuit, or too many captures run.
    pub fn start(
        shared: &Arc<Shared>,
        id: u64,
        request: CaptureRequest,
        cause: Cause,
    ) -> Result<(Self, Capturing), Refusal> {
        let current = shared.current.load_full();
        let bounds = current.capture;
        let (kernel_target, slot) = resolve(&current, &request.target)?;
        let seconds = request.seconds.min(CaptureRequest::MAX_SECONDS);
        // whole ones, as the client is told
        let seconds = u64::from(seconds).min(bounds.seconds_max.as_secs());
        let packets = request.packets.min(bounds.packets_max).min(CaptureRequest::MAX_PACKETS);
        let snap_length = request.snap_length.min(bounds.snap_length_max);
        let snap_length = snap_length.min(CaptureRequest::MAX_SNAP_LENGTH);
        if seconds == 0 || packets == 0 || snap_length == 0 {
            let text = "a capture takes at least one second, one packet and one byte of each";
            return Err(Refusal::new(ErrorCode::Invalid, text));
        }
        let started = shared
            .captures
            .start(kernel_target, snap_length, bounds.at_once)
            .ok_or_else(|| too_many(bounds.at_once))?;
        let now = Instant::now();
        let capturing = Capturing {
            interfaces: interfaces(shared),
            seconds: seconds as u32,
            packets,
            snap_length,
        };
        let text = format!(
            "capture of {}: {} s, {packets} packets, {snap_length} bytes of each at most",
            request.target, capturing.seconds
        );
        shared.events.tell(EventKind::Capture, Severity::Info, cause.clone(), text);
        let running = Self {
            shared: Arc::clone(shared),
            id,
            number: started.number,
            batches: started.batches,
            lost: started.lost,
            target: request.target,
            cause,
            slot,
            generation: current.generation,
            packets_left: packets.into(),
            began: now,
            until: now + Duration::from_secs(seconds),
            told: now,
            sent: 0,
            ended: None,
        };
        Ok((running, capturing))
    }

    /// Waits for what comes next. It may be given up and asked again.
    pub async fn next(&mut self) -> Step {
        if self.packets_left == 0 {
            return Step::Over(CaptureEnd::Packets);
        }
        if !self.is_still_its_circuit() {
            return Step::Over(CaptureEnd::Stopped);
        }
        let now = Instant::now();
        if now >= self.until {
            return Step::Over(CaptureEnd::Seconds);
        }
        let patience = self.until.min(self.told + SILENCE_MAX);
        let heard = tokio::select! {
            heard = timeout_at(patience, self.batches.recv()) => heard,
            () = self.shared.stop.stopped() => return Step::Over(CaptureEnd::Stopped),
        };
        self.told = Instant::now();
        match heard {
            Ok(Some(batch)) => Step::Packets(self.within_bounds(batch)),
            Ok(None) => Step::Over(CaptureEnd::Stopped),
            Err(_) => Step::Packets(Vec::new()),
        }
    }

    /// Packets that are there already, when the client has asked for the end.
    pub fn under_way(&mut self) -> Vec<Vec<CapturedPacket>> {
        let mut batches = Vec::new();
        while let Ok(batch) = self.batches.try_recv() {
            batches.push(self.within_bounds(batch));
        }
        batches
    }

    /// Ends it, and tells what became of it.
    pub fn end(mut self, reason: CaptureEnd) -> CaptureEnded {
        self.ended = Some(reason);
        CaptureEnded { captured: self.sent, lost: self.lost(), reason }
    }

    /// Packets that found no room on their way.
    fn lost(&self) -> u64 {
        let kernel = self.shared.captures.counts(self.number);
        self.lost.load(Ordering::Relaxed) + kernel.lost
    }

    fn within_bounds(&mut self, mut batch: Vec<CapturedPacket>) -> Vec<CapturedPacket> {
        batch.truncate(usize::try_from(self.packets_left).unwrap_or(usize::MAX));
        self.packets_left -= batch.len() as u64;
        self.sent += batch.len() as u64;
        batch
    }

    /// Under another configuration the row in the kernel may be another circuit's.
    fn is_still_its_circuit(&mut self) -> bool {
        let current = self.shared.current.load();
        if current.generation == self.generation {
            return true;
        }
        self.generation = current.generation;
        resolve(&current, &self.target).is_ok_and(|(_, slot)| slot == self.slot)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let why = match self.ended {
            Some(CaptureEnd::Seconds) => "its time is up",
            Some(CaptureEnd::Packets) => "it has all its packets",
            Some(CaptureEnd::Asked) => "its client ended it",
            Some(CaptureEnd::Stopped) => "the daemon ended it",
            None => "its client has gone",
        };
        let Self { target, sent, .. } = &*self;
        let (seconds, lost) = (self.began.elapsed().as_secs(), self.lost());
        let text = format!(
            "capture of {target} is over, as {why}: {sent} packets, {lost} lost, in {seconds} s"
        );
        self.shared.events.tell(EventKind::Capture, Severity::Info, self.cause.clone(), text);
        self.shared.captures.stop(self.number);
    }
}

fn resolve(
    current: &Current,
    target: &bus::CaptureTarget,
) -> Result<(CaptureTarget, Option<CircuitSlot>), Refusal> {
    match target {
        bus::CaptureTarget::Host(host) => Ok((CaptureTarget::Host(*host), None)),
        bus::CaptureTarget::Circuit(id) => {
            let circuits = &current.layout.circuits;
            let slot = circuits
                .binary_search_by(|circuit| circuit.id.as_str().cmp(id))
                .map(|index| circuits[index].slot)
                .map_err(|_| no_circuit(id))?;
            Ok((CaptureTarget::Circuit(slot), Some(slot)))
        }
    }
}

fn too_many(at_once: u8) -> Refusal {
    let text = format!(
        "{at_once} captures are running, as many as [capture] at_once allows; wait for one to end"
    );
    Refusal::new(ErrorCode::Busy, text)
}

fn interfaces(shared: &Shared) -> Vec<CaptureInterface> {
    let nics = shared.attachments.iter();
    nics.map(|nic| CaptureInterface {
        ifindex: nic.ifindex.get(),
        name: nic.nic.clone(),
        side: side(nic.side),
    })
    .collect()
}
