//! TCP segments that were sent again, one by one.

use kernel::datapath::{DatapathError, Ring, RingReader};
use state::RetransmitReading;
use units::Direction;

use crate::ends::{flow_key, owner};

/// A reader that hands over each of them, in the order in which the programs saw them.
///
/// # Errors
/// When the kernel does not let their ring be mapped.
pub fn reader<'each>(
    source: &Ring<abi::Retransmit>,
    mut each: impl FnMut(RetransmitReading) + 'each,
) -> Result<RingReader<'each>, DatapathError> {
    source.reader(move |event| each(reading(event)))
}

fn reading(event: &abi::Retransmit) -> RetransmitReading {
    RetransmitReading {
        seen_ns: event.seen_ns,
        flow: flow_key(&event.key),
        owner: owner(event.target),
        direction: if u32::from(event.direction) == abi::Direction::Upload as u32 {
            Direction::Upload
        } else {
            Direction::Download
        },
        sequence: event.sequence,
        length: event.length,
    }
}

#[cfg(test)]
mod tests {
    use state::Owner;
    use units::CircuitSlot;

    use super::*;

    #[test]
    fn an_event_becomes_a_reading() {
        let event = abi::Retransmit {
            seen_ns: 5,
            target: 9,
            sequence: 0xffff_fff0,
            length: 1_448,
            direction: 1,
            ..abi::Retransmit::default()
        };
        let reading = reading(&event);
        assert_eq!((reading.seen_ns, reading.owner), (5, Owner::Circuit(CircuitSlot::new(9))));
        assert_eq!((reading.sequence, reading.length), (0xffff_fff0, 1_448));
        assert_eq!(reading.direction, Direction::Upload);
        let download = abi::Retransmit { direction: 0, ..event };
        assert_eq!(super::reading(&download).direction, Direction::Download);
    }
}
