//! What the kernel programs know of circuits' connections.

use abi::{Direction, RTT_BINS, Segment};
use kernel::datapath::Quality;
use state::QualityReading;
use units::{CircuitSlot, PerDirection, PerSegment};

/// Reads the first `circuits` slots: those to which something happened since they were read before.
/// The RTT samples among it are taken away from the kernel, so each comes but once.
pub fn read(source: &mut Quality, circuits: u32) -> Vec<(CircuitSlot, QualityReading)> {
    (0..circuits)
        .map(CircuitSlot::new)
        .filter_map(|slot| source.take(slot).map(|quality| (slot, reading(&quality))))
        .collect()
}

fn reading(quality: &abi::Quality) -> QualityReading {
    QualityReading {
        retransmits: directions(quality.retransmits),
        reordered: directions(quality.reordered),
        rtt: PerSegment {
            customer: bins(quality, Segment::CustomerSide),
            internet: bins(quality, Segment::InternetSide),
        },
    }
}

const fn directions(counts: [u64; Direction::COUNT]) -> PerDirection<u64> {
    PerDirection {
        down: counts[Direction::Download as usize],
        up: counts[Direction::Upload as usize],
    }
}

fn bins(quality: &abi::Quality, segment: Segment) -> Vec<(u8, u32)> {
    let bins = RTT_BINS as usize;
    let own = &quality.bins[segment as usize * bins..][..bins];
    let filled = own.iter().enumerate().filter(|(_, samples)| **samples > 0);
    filled.map(|(bin, samples)| (bin as u8, *samples)).collect()
}

const _: () = assert!(RTT_BINS <= 256, "a bin's number fits a byte");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_go_to_their_segment() {
        let mut quality = abi::Quality { retransmits: [3, 4], ..abi::Quality::default() };
        quality.bins[0] = 5;
        quality.bins[145] = 6;
        quality.bins[146 + 40] = 7;
        let reading = reading(&quality);
        assert_eq!(reading.retransmits, PerDirection { down: 3, up: 4 });
        assert_eq!(reading.rtt.customer, [(0, 5), (145, 6)]);
        assert_eq!(reading.rtt.internet, [(40, 7)]);
    }
}
