//! What qdiscs and classes of all kinds count (`include/uapi/linux/gen_stats.h`).

use units::{Bytes, Packets};

use crate::netlink::{attributes, u32_at, u64_at};

const BASIC: u16 = 1;
const QUEUE: u16 = 3;
const APP: u16 = 4;
const PACKETS_64: u16 = 8;

/// What passed through a qdisc or class since it was made, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sent.
    pub bytes: Bytes,
    /// Sent. The kernel sends 64 bits where 32 do not do.
    pub packets: Packets,
    /// Dropped. The kernel counts 32 bits and wraps.
    pub drops: u32,
    /// Times that the limit was met. The kernel counts 32 bits and wraps.
    pub overlimits: u32,
    /// Packets that the NIC gave back. The kernel counts 32 bits and wraps.
    pub requeues: u32,
    /// Bytes held now.
    pub backlog_bytes: u32,
    /// Packets held now.
    pub backlog_packets: u32,
}

impl Stats {
    /// Decodes `TCA_STATS2`; what only that kind of qdisc counts comes along undecoded.
    pub(super) fn decode(nested: &[u8]) -> (Self, &[u8]) {
        let mut stats = Self::default();
        let mut own: &[u8] = &[];
        for (kind, payload) in attributes(nested) {
            match kind {
                BASIC => {
                    stats.bytes = Bytes::new(u64_at(payload, 0));
                    stats.packets = stats.packets.max(Packets::new(u32_at(payload, 8).into()));
                }
                PACKETS_64 => stats.packets = Packets::new(u64_at(payload, 0)),
                QUEUE => {
                    stats.backlog_packets = u32_at(payload, 0);
                    stats.backlog_bytes = u32_at(payload, 4);
                    stats.drops = u32_at(payload, 8);
                    stats.requeues = u32_at(payload, 12);
                    stats.overlimits = u32_at(payload, 16);
                }
                APP => own = payload,
                _ => {}
            }
        }
        (stats, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_take_the_wide_counter_in_any_order() {
        let mut bytes = vec![12, 0, 8, 0];
        bytes.extend_from_slice(&(1_u64 << 33).to_ne_bytes());
        bytes.extend_from_slice(&[20, 0, 1, 0]);
        bytes.extend_from_slice(&5_u64.to_ne_bytes());
        bytes.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0]);
        let (read, _) = Stats::decode(&bytes);
        assert_eq!((read.bytes.get(), read.packets.get()), (5, 1 << 33));
    }

    #[test]
    fn queues_tell_five_numbers() {
        let mut bytes = vec![24, 0, 3, 0];
        for number in 1_u32..=5 {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        let (read, own) = Stats::decode(&bytes);
        assert_eq!((read.backlog_packets, read.backlog_bytes), (1, 2));
        assert_eq!((read.drops, read.requeues, read.overlimits), (3, 4, 5));
        assert!(own.is_empty());
    }
}
