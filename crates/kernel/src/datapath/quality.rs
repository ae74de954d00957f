//! What the programs know of circuits' connections.

use std::sync::atomic::Ordering;

use libbpf_rs::Object;
use units::CircuitSlot;

use super::load::mapped;
use super::mapped::Mapped;
use super::{DatapathError, MapSizes};

/// Words of a row: retransmits, reordered and samples come first, then the bins in pairs.
const HEAD_WORDS: usize = 5;
const BIN_WORDS: usize = abi::RTT_BINS as usize;

/// Retransmissions and RTT histograms by circuit. There is one reader, since it takes the bins away.
#[derive(Debug)]
pub struct Quality {
    rows: Mapped<abi::Quality>,
    heads: Vec<[u64; HEAD_WORDS]>,
}

impl Quality {
    pub(super) fn new(object: &Object, sizes: &MapSizes) -> Result<Self, DatapathError> {
        let rows = sizes.circuits.max(1) as usize;
        Ok(Self { rows: mapped(object, "tg_quality", rows)?, heads: vec![[0; HEAD_WORDS]; rows] })
    }

    /// What happened to the circuit's connections; none when nothing did since the last call. The
    /// bins hold the samples since then, all else counts since load.
    pub fn take(&mut self, slot: CircuitSlot) -> Option<abi::Quality> {
        let row = slot.index();
        let remembered = self.heads.get_mut(row)?;
        let head: [u64; HEAD_WORDS] =
            std::array::from_fn(|word| self.rows.word(row, word).load(Ordering::Acquire));
        if head == *remembered {
            return None;
        }
        let sampled = head[HEAD_WORDS - 1] != remembered[HEAD_WORDS - 1];
        *remembered = head;
        let mut words = [0; HEAD_WORDS + BIN_WORDS];
        words[..HEAD_WORDS].copy_from_slice(&head);
        if sampled {
            for (word, taken) in words.iter_mut().enumerate().skip(HEAD_WORDS) {
                let bins = self.rows.word(row, word);
                // most are empty, and looking is far cheaper than taking
                if bins.load(Ordering::Relaxed) != 0 {
                    *taken = bins.swap(0, Ordering::AcqRel);
                }
            }
        }
        Some(bytemuck::cast(words))
    }
}
