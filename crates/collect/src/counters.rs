//! What the kernel programs count.

use abi::{Direction, Egress, Event, Protocol, Verdict};
use kernel::datapath::{Counters, DatapathError};
use state::{ByProtocol, Counter, Sample, Traffic, UnknownHost};
use units::{Bytes, CircuitSlot, Packets, PerDirection};

use crate::clock::monotonic_ns;

/// Reads the counters of the first `circuits` slots and of the box. This is a memory read.
pub fn read(source: &Counters, circuits: u32) -> Sample {
    let totals = source.totals();
    Sample {
        taken_ns: monotonic_ns(),
        circuits: (0..circuits)
            .map(|slot| directions(&source.traffic(CircuitSlot::new(slot))))
            .collect(),
        total: directions(&totals.counts),
        verdicts: counters(Verdict::ALL.iter().map(|code| code.name()), &totals.verdicts),
        events: counters(Event::ALL.iter().map(|code| code.name()), &totals.events),
        total_retransmits: packets(totals.retransmits),
        total_reordered: packets(totals.reordered),
        egress: counters(Egress::ALL.iter().map(|code| code.name()), &totals.egress),
        ..Sample::default()
    }
}

/// Reads the unknown hosts.
///
/// # Errors
/// When their map cannot be read.
pub fn read_unknown(source: &Counters) -> Result<Vec<UnknownHost>, DatapathError> {
    Ok(source.unknown_hosts()?.into_iter().map(unknown_host).collect())
}

fn directions(counts: &[abi::Count; 8]) -> PerDirection<ByProtocol<Traffic>> {
    let one = |direction: Direction, protocol: Protocol| {
        traffic(counts[direction as usize * Protocol::COUNT + protocol as usize])
    };
    let all = |direction| ByProtocol {
        tcp: one(direction, Protocol::Tcp),
        udp: one(direction, Protocol::Udp),
        icmp: one(direction, Protocol::Icmp),
        other: one(direction, Protocol::Other),
    };
    PerDirection { down: all(Direction::Download), up: all(Direction::Upload) }
}

const fn packets(counts: [u64; Direction::COUNT]) -> PerDirection<Packets> {
    PerDirection {
        down: Packets::new(counts[Direction::Download as usize]),
        up: Packets::new(counts[Direction::Upload as usize]),
    }
}

const fn traffic(count: abi::Count) -> Traffic {
    Traffic { bytes: Bytes::new(count.bytes), packets: Packets::new(count.packets) }
}

fn counters(names: impl Iterator<Item = &'static str>, counts: &[u64]) -> Vec<Counter> {
    names.zip(counts).map(|(name, count)| Counter { name, count: Packets::new(*count) }).collect()
}

fn unknown_host(host: kernel::datapath::UnknownHost) -> UnknownHost {
    UnknownHost {
        addr: host.address,
        first_seen_ns: host.first_seen_ns,
        last_seen_ns: host.last_seen_ns,
        traffic: host.counts.map(traffic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_to_their_direction_and_protocol() {
        let mut counts = [abi::Count::default(); 8];
        for (index, count) in counts.iter_mut().enumerate() {
            *count = abi::Count { bytes: 100 + index as u64, packets: index as u64 };
        }
        let traffic = directions(&counts);
        assert_eq!(traffic.down.tcp.bytes, Bytes::new(100));
        assert_eq!(traffic.down.other.packets, Packets::new(3));
        assert_eq!(traffic.up.tcp.bytes, Bytes::new(104));
        assert_eq!(traffic.up.icmp.packets, Packets::new(6));
    }
}
