//! Which packets' headers the programs capture.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use libbpf_rs::Object;
use units::CircuitSlot;

use super::load::mapped;
use super::mapped::Mapped;
use super::{Control, DatapathError, Ring};

/// Words of a row before its counters, and those.
const CAPTURED: usize = 4;
const LOST: usize = 5;

/// Whose packets a capture takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureTarget {
    /// Those of a circuit.
    Circuit(CircuitSlot),
    /// Those from or to a host.
    Host(IpAddr),
}

/// The captures that the programs carry out, and the ring that they fill. There is one writer.
#[derive(Debug)]
pub struct Captures {
    rows: Mapped<abi::Capture>,
    control: Control,
    ring: Ring<abi::Captured>,
}

/// What a capture's counters say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Packets that went into the ring.
    pub captured: u64,
    /// Packets that found no room there.
    pub lost: u64,
}

impl Captures {
    pub(super) fn new(object: &Object, control: Control) -> Result<Self, DatapathError> {
        // a daemon before may have had some
        control.set_captures(0);
        Ok(Self {
            rows: mapped(object, "tg_captures", abi::CAPTURES_MAX as usize)?,
            control,
            ring: Ring::new(object, "tg_captured")?,
        })
    }

    /// The ring with the captured headers.
    pub const fn ring(&self) -> &Ring<abi::Captured> {
        &self.ring
    }

    /// Begins to capture and tells the number of the capture, which is its bit in
    /// [`abi::Captured::captures`]; none when [`abi::CAPTURES_MAX`] are running.
    pub fn start(&self, target: CaptureTarget, snap_length: u32) -> Option<u32> {
        let running = self.control.captures();
        let number = (0..abi::CAPTURES_MAX).find(|number| running & 1 << number == 0)?;
        let mut row = abi::Capture {
            snap_length: snap_length.min(abi::CAPTURE_BYTES),
            ..abi::Capture::default()
        };
        match target {
            CaptureTarget::Circuit(slot) => row.slot = slot.get(),
            CaptureTarget::Host(host) => {
                row.by_host = 1;
                row.host = host.into();
            }
        }
        self.rows.write(number as usize, &row);
        self.control.set_captures(running | 1 << number);
        Some(number)
    }

    /// Ends a capture. Packets that are on their way may still bear its bit.
    pub fn stop(&self, number: u32) {
        self.control.set_captures(self.control.captures() & !(1 << number));
    }

    /// What became of the capture's packets so far.
    pub fn counts(&self, number: u32) -> CaptureCounts {
        let word = |word| self.rows.word(number as usize, word).load(Ordering::Acquire);
        CaptureCounts { captured: word(CAPTURED), lost: word(LOST) }
    }
}
