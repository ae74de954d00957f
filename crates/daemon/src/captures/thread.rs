//! The thread `capture`: from the ring to those who asked.

use std::cell::RefCell;
use std::time::Duration;

use abi::Captured;
use bus::CapturedPacket;
use collect::clock::{monotonic_ns, unix_ns};
use kernel::datapath::{Attachment, DatapathError, Side};
use supervisor::Context;
use units::Direction;

use super::CaptureDesk;
use super::desk::Sink;

/// How often the ring is looked into while captures run: it holds some 7,000 packets.
const DRAIN_INTERVAL: Duration = Duration::from_millis(5);

/// How long the thread waits for a capture at a time.
const PARKED: Duration = Duration::from_millis(250);

/// The most packets of a batch, well within the largest frame of the bus.
const BATCH_PACKETS_MAX: usize = 1_000;

/// Feeds the captures at the desk until asked to end.
///
/// # Errors
/// When the ring cannot be read.
pub fn deliver(
    context: &Context,
    desk: &CaptureDesk,
    attachments: &[Attachment],
) -> Result<(), DatapathError> {
    let drained = RefCell::new(Vec::new());
    let ring = desk.kernel().ring();
    let reader = ring.reader(|packet: &Captured| drained.borrow_mut().push(*packet))?;
    while !context.stop().is_stopped() {
        if desk.running() == 0 {
            // rung or not, the desk tells whether there is something to do
            let _ = desk.bell().recv_timeout(PARKED);
            context.beat();
        } else {
            context.sleep(DRAIN_INTERVAL);
        }
        reader.drain()?;
        hand_out(desk, &drained.borrow(), attachments);
        drained.borrow_mut().clear();
    }
    Ok(())
}

fn hand_out(desk: &CaptureDesk, drained: &[Captured], attachments: &[Attachment]) {
    if drained.is_empty() {
        return;
    }
    let to_unix = unix_ns().wrapping_sub(monotonic_ns());
    for (number, sink) in desk.open_sinks().into_iter().enumerate() {
        let Some(sink) = sink else { continue };
        let wanted = |packet: &&Captured| {
            packet.captures >> number & 1 == 1 && packet.seen_ns >= sink.since_ns
        };
        let packets: Vec<&Captured> = drained.iter().filter(wanted).collect();
        for batch in packets.chunks(BATCH_PACKETS_MAX) {
            let views = batch.iter().map(|packet| view(packet, &sink, to_unix, attachments));
            sink.send(views.collect());
        }
    }
}

fn view(
    packet: &Captured,
    sink: &Sink,
    to_unix: u64,
    attachments: &[Attachment],
) -> CapturedPacket {
    let upload = u32::from(packet.direction) == abi::Direction::Upload as u32;
    let side = if upload { Side::Customers } else { Side::Internet };
    let arrived = attachments.iter().position(|nic| nic.side == side || nic.side == Side::Both);
    let length = usize::from(packet.captured).min(sink.snap_length).min(packet.bytes.len());
    CapturedPacket {
        seen_ns: packet.seen_ns.wrapping_add(to_unix),
        interface: arrived.unwrap_or(0) as u16,
        direction: if upload { Direction::Upload } else { Direction::Download },
        length: packet.length,
        bytes: packet.bytes[..length].to_vec(),
    }
}
