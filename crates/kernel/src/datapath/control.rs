//! The switches that all programs read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use units::{Direction, PerDirection, QueueId};

use super::mapped::Mapped;

/// The switches that all programs read, shared by whoever may turn them.
#[derive(Clone, Debug)]
pub struct Control(pub(super) Arc<Mapped<abi::Control>>);

const BYPASS_AND_EPOCH: usize = 0;
const QUEUES: usize = 1;
const CAPTURES: usize = 2;

impl Control {
    fn head(&self) -> abi::Control {
        self.0.read(0)
    }

    /// Passes everything unshaped, or not, from the next packet on.
    pub fn set_bypass(&self, on: bool) {
        self.update(|control| control.bypass = on.into());
    }

    /// Whether everything is passed unshaped.
    pub fn bypass(&self) -> bool {
        self.head().bypass != 0
    }

    /// The epoch of the address maps.
    pub fn epoch(&self) -> u32 {
        self.head().epoch
    }

    /// Which transmit queues carry a direction's unclaimed packets: a first one and a number.
    pub fn set_queues(&self, queues: PerDirection<(QueueId, u16)>) {
        self.update(|control| {
            control.queues = Direction::ALL.map(|direction| {
                let (first, count) = queues[direction];
                abi::Queues { first: first.get(), count }
            });
        });
    }

    /// The bits of the captures that are running.
    pub(super) fn captures(&self) -> u32 {
        self.head().captures
    }

    pub(super) fn set_captures(&self, captures: u32) {
        self.update(|control| control.captures = captures);
    }

    pub(super) fn advance_epoch(&self) {
        self.update(|control| control.epoch = control.epoch.checked_add(1).unwrap_or(1));
    }

    /// Changes the row; another writer's change of another field in the same word is not lost.
    fn update(&self, change: impl Fn(&mut abi::Control)) {
        for index in [BYPASS_AND_EPOCH, QUEUES, CAPTURES] {
            let word = self.0.word(0, index);
            let changed = |old: u64| {
                let mut control = self.head();
                let bytes = bytemuck::bytes_of_mut(&mut control);
                bytes[index * 8..][..8].copy_from_slice(&old.to_ne_bytes());
                change(&mut control);
                let bytes = bytemuck::bytes_of(&control);
                Some(u64::from_ne_bytes(bytes[index * 8..][..8].try_into().ok()?))
            };
            let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
        }
    }
}
