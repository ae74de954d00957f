//! What leaves count beyond what all qdiscs do (`include/uapi/linux/pkt_sched.h`).

use units::{IfIndex, TcHandle};

use super::dump::TC_MESSAGE;
use super::stats::Stats;
use crate::netlink::{attributes, u32_at, u64_at};

/// `TCA_CAKE_STATS_*`.
mod cake {
    pub(super) const CAPACITY: u16 = 2;
    pub(super) const MEMORY_LIMIT: u16 = 3;
    pub(super) const MEMORY_USED: u16 = 4;
    pub(super) const TINS: u16 = 10;
}

/// `TCA_CAKE_TIN_STATS_*`.
mod tin {
    pub(super) const SENT_PACKETS: u16 = 2;
    pub(super) const SENT_BYTES: u16 = 3;
    pub(super) const DROPPED_PACKETS: u16 = 4;
    pub(super) const ACKS_DROPPED_PACKETS: u16 = 6;
    pub(super) const ECN_MARKED_PACKETS: u16 = 8;
    pub(super) const BACKLOG_BYTES: u16 = 11;
    pub(super) const THRESHOLD_RATE: u16 = 12;
    pub(super) const TARGET_US: u16 = 13;
    pub(super) const PEAK_DELAY_US: u16 = 18;
    pub(super) const AVG_DELAY_US: u16 = 19;
    pub(super) const BASE_DELAY_US: u16 = 20;
    pub(super) const SPARSE_FLOWS: u16 = 21;
    pub(super) const BULK_FLOWS: u16 = 22;
    pub(super) const UNRESPONSIVE_FLOWS: u16 = 23;
}

/// `TCA_FQ_CODEL_XSTATS_QDISC`.
const FQ_CODEL_QDISC: u32 = 0;

/// A qdisc under a class, as one answer of a dump tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafStats<'a> {
    /// The NIC.
    pub nic: IfIndex,
    /// Its handle.
    pub handle: TcHandle,
    /// The class that it is under.
    pub parent: TcHandle,
    /// Its name, as `tc` and the kernel call it, in ASCII.
    pub kind: &'a [u8],
    /// What every qdisc counts.
    pub stats: Stats,
    /// What only its kind does.
    pub own: OwnStats<'a>,
}

/// What only one kind of qdisc counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnStats<'a> {
    /// Nothing, or nothing that is known.
    None,
    /// FQ-CoDel.
    FqCodel(FqCodelStats),
    /// CAKE.
    Cake(CakeStats<'a>),
}

/// FQ-CoDel's own statistics. Counters have 32 bits and wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FqCodelStats {
    /// Packets marked as congested by CoDel.
    pub ecn_marks: u32,
    /// Packets marked as congested for waiting longer than a fixed threshold.
    pub ce_marks: u32,
    /// Packets dropped because the qdisc was full.
    pub overlimit_drops: u32,
    /// Packets dropped because its memory was used up.
    pub overmemory_drops: u32,
    /// Flows that began.
    pub flows_begun: u32,
    /// Flows now that are served first, as they are sparse.
    pub new_flows: u32,
    /// Flows now that take turns.
    pub old_flows: u32,
    /// Bytes of memory held now.
    pub memory_used: u32,
}

/// CAKE's own statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CakeStats<'a> {
    /// The capacity that it estimates, where it is told to.
    pub capacity_bytes_per_sec: u64,
    /// Bytes of memory that it may hold.
    pub memory_limit: u32,
    /// The most that it held.
    pub memory_used_max: u32,
    tins: &'a [u8],
}

/// One of CAKE's tins. Counters of packets have 32 bits and wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TinStats {
    /// The rate above which it yields to the others.
    pub threshold_bytes_per_sec: u64,
    /// Let through.
    pub sent_bytes: u64,
    /// Let through.
    pub sent_packets: u32,
    /// Dropped, filtered acknowledgements not among them.
    pub drops: u32,
    /// Marked as congested.
    pub ecn_marks: u32,
    /// Acknowledgements filtered out, as a later one says the same.
    pub ack_drops: u32,
    /// Bytes held now.
    pub backlog_bytes: u32,
    /// The delay that it aims at.
    pub target_us: u32,
    /// How long packets wait: the longest times, smoothed.
    pub peak_delay_us: u32,
    /// On average.
    pub avg_delay_us: u32,
    /// The shortest times: what sparse flows wait.
    pub base_delay_us: u32,
    /// Flows now that send less than their share.
    pub sparse_flows: u32,
    /// Flows now that fill their share.
    pub bulk_flows: u32,
    /// Flows now that do not slow down when told to.
    pub unresponsive_flows: u32,
}

impl<'a> LeafStats<'a> {
    /// Decodes an `RTM_NEWQDISC`; nothing for a truncated one, one of a NIC that is not `wanted`, or
    /// one that is under no class or is a tree itself.
    pub(super) fn decode(body: &'a [u8], wanted: impl Fn(IfIndex) -> bool) -> Option<Self> {
        let (head, rest) = body.split_at_checked(TC_MESSAGE)?;
        let nic = IfIndex::new(u32_at(head, 4));
        let parent = TcHandle::from_raw(u32_at(head, 12));
        if parent == TcHandle::ROOT || parent.minor() == 0 || !wanted(nic) {
            return None;
        }
        let mut kind: &[u8] = &[];
        for (attribute, payload) in attributes(rest) {
            match attribute {
                libc::TCA_KIND => kind = payload.strip_suffix(&[0]).unwrap_or(payload),
                // all that matters is in front of it or in it
                libc::TCA_STATS2 => {
                    let (stats, own) = Stats::decode(payload);
                    let handle = TcHandle::from_raw(u32_at(head, 8));
                    let own = match kind {
                        b"htb" | b"clsact" | b"ingress" => return None,
                        b"cake" => OwnStats::Cake(CakeStats::decode(own)),
                        b"fq_codel" => FqCodelStats::decode(own),
                        _ => OwnStats::None,
                    };
                    return Some(Self { nic, handle, parent, kind, stats, own });
                }
                _ => {}
            }
        }
        None
    }
}

impl FqCodelStats {
    /// `struct tc_fq_codel_xstats`.
    fn decode(bytes: &[u8]) -> OwnStats<'static> {
        if bytes.len() < 4 || u32_at(bytes, 0) != FQ_CODEL_QDISC {
            return OwnStats::None;
        }
        OwnStats::FqCodel(Self {
            overlimit_drops: u32_at(bytes, 8),
            ecn_marks: u32_at(bytes, 12),
            flows_begun: u32_at(bytes, 16),
            new_flows: u32_at(bytes, 20),
            old_flows: u32_at(bytes, 24),
            ce_marks: u32_at(bytes, 28),
            memory_used: u32_at(bytes, 32),
            overmemory_drops: u32_at(bytes, 36),
        })
    }
}

impl<'a> CakeStats<'a> {
    fn decode(bytes: &'a [u8]) -> Self {
        let mut stats =
            Self { capacity_bytes_per_sec: 0, memory_limit: 0, memory_used_max: 0, tins: &[] };
        for (kind, payload) in attributes(bytes) {
            match kind {
                cake::CAPACITY => stats.capacity_bytes_per_sec = u64_at(payload, 0),
                cake::MEMORY_LIMIT => stats.memory_limit = u32_at(payload, 0),
                cake::MEMORY_USED => stats.memory_used_max = u32_at(payload, 0),
                cake::TINS => stats.tins = payload,
                _ => {}
            }
        }
        stats
    }

    /// Its tins, the lowest priority first.
    pub fn tins(&self) -> impl Iterator<Item = TinStats> + use<'a> {
        attributes(self.tins).map(|(_, tin)| TinStats::decode(tin))
    }
}

impl TinStats {
    fn decode(bytes: &[u8]) -> Self {
        let mut stats = Self::default();
        for (kind, payload) in attributes(bytes) {
            let place = match kind {
                tin::THRESHOLD_RATE => {
                    stats.threshold_bytes_per_sec = u64_at(payload, 0);
                    continue;
                }
                tin::SENT_BYTES => {
                    stats.sent_bytes = u64_at(payload, 0);
                    continue;
                }
                tin::SENT_PACKETS => &mut stats.sent_packets,
                tin::DROPPED_PACKETS => &mut stats.drops,
                tin::ECN_MARKED_PACKETS => &mut stats.ecn_marks,
                tin::ACKS_DROPPED_PACKETS => &mut stats.ack_drops,
                tin::BACKLOG_BYTES => &mut stats.backlog_bytes,
                tin::TARGET_US => &mut stats.target_us,
                tin::PEAK_DELAY_US => &mut stats.peak_delay_us,
                tin::AVG_DELAY_US => &mut stats.avg_delay_us,
                tin::BASE_DELAY_US => &mut stats.base_delay_us,
                tin::SPARSE_FLOWS => &mut stats.sparse_flows,
                tin::BULK_FLOWS => &mut stats.bulk_flows,
                tin::UNRESPONSIVE_FLOWS => &mut stats.unresponsive_flows,
                _ => continue,
            };
            *place = u32_at(payload, 0);
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::tc_message;
    use super::*;
    use crate::netlink::{Message, Messages};

    const NIC: IfIndex = IfIndex::new(7);
    const HANDLE: TcHandle = TcHandle::new(0x100, 0);
    const CLASS: TcHandle = TcHandle::new(1, 42);

    /// An answer as the kernel composes it, with `own` as the qdisc's own statistics.
    fn answer(parent: TcHandle, kind: &str, own: impl FnOnce(&mut Message<'_>)) -> Vec<u8> {
        let mut messages = Messages::new();
        {
            let body = tc_message(NIC, HANDLE, parent);
            let mut message = messages.start(libc::RTM_NEWQDISC, 0, &body);
            message.attribute(libc::TCA_KIND, format!("{kind}\0").as_bytes());
            message.nest(libc::TCA_OPTIONS, |_| {});
            message.nest(libc::TCA_STATS2, |stats| {
                own(stats);
                stats.attribute(3, &words(&[2, 3_000, 5, 6, 7]));
                let mut basic = 123_456_u64.to_ne_bytes().to_vec();
                basic.extend(words(&[99, 0]));
                stats.attribute(1, &basic);
            });
            message.attribute(libc::TCA_STATS, &[0; 40]);
        }
        messages.bodies().next().unwrap().to_vec()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn decode(body: &[u8]) -> Option<LeafStats<'_>> {
        LeafStats::decode(body, |nic| nic == NIC)
    }

    fn append_tin(tins: &mut Message<'_>, number: u16, base: u32) {
        tins.nest(number, |tin| {
            // in the order in which the kernel writes them
            for (kind, offset) in [(12, 1), (3, 2)] {
                tin.attribute(kind, &u64::from(base + offset).to_ne_bytes());
            }
            for (kind, offset) in [(11, 3), (13, 4), (14, 99), (2, 5), (4, 6), (8, 7), (6, 8)] {
                tin.attribute(kind, &(base + offset).to_ne_bytes());
            }
            for (kind, offset) in [(18, 9), (19, 10), (20, 11), (15, 99), (21, 12), (22, 13)] {
                tin.attribute(kind, &(base + offset).to_ne_bytes());
            }
            tin.attribute(23, &(base + 14).to_ne_bytes());
        });
    }

    fn cake() -> Vec<u8> {
        answer(CLASS, "cake", |stats| {
            stats.nest(4, |app| {
                app.attribute(2, &1_000_000_u64.to_ne_bytes());
                app.attribute(3, &4_194_304_u32.to_ne_bytes());
                app.attribute(4, &200_000_u32.to_ne_bytes());
                app.attribute(5, &14_u32.to_ne_bytes());
                app.nest(10, |tins| {
                    for number in 1..=4 {
                        append_tin(tins, number, u32::from(number) * 100);
                    }
                });
            });
        })
    }

    #[test]
    fn a_fifo_counts_what_all_do() {
        let body = answer(CLASS, "bfifo", |_| {});
        let leaf = decode(&body).unwrap();
        assert_eq!((leaf.nic, leaf.handle, leaf.parent), (NIC, HANDLE, CLASS));
        assert_eq!((leaf.kind, leaf.own), (&b"bfifo"[..], OwnStats::None));
        assert_eq!((leaf.stats.bytes.get(), leaf.stats.packets.get()), (123_456, 99));
        assert_eq!((leaf.stats.backlog_packets, leaf.stats.backlog_bytes), (2, 3_000));
        assert_eq!((leaf.stats.drops, leaf.stats.requeues, leaf.stats.overlimits), (5, 6, 7));
    }

    #[test]
    fn fq_codel_tells_marks_and_flows() {
        let own = words(&[0, 1_514, 3, 40, 50, 6, 7, 8, 900, 10]);
        let body = answer(CLASS, "fq_codel", |stats| stats.attribute(4, &own));
        let leaf = decode(&body).unwrap();
        let OwnStats::FqCodel(stats) = leaf.own else { panic!("{leaf:?}") };
        assert_eq!((stats.overlimit_drops, stats.overmemory_drops), (3, 10));
        assert_eq!((stats.flows_begun, stats.new_flows, stats.old_flows), (50, 6, 7));
        assert_eq!((stats.memory_used, stats.ecn_marks, stats.ce_marks), (900, 40, 8));
    }

    #[test]
    fn cake_tells_of_each_tin() {
        let body = cake();
        let leaf = decode(&body).unwrap();
        let OwnStats::Cake(stats) = leaf.own else { panic!("{leaf:?}") };
        assert_eq!(stats.capacity_bytes_per_sec, 1_000_000);
        assert_eq!((stats.memory_limit, stats.memory_used_max), (4_194_304, 200_000));
        let tins: Vec<_> = stats.tins().collect();
        assert_eq!(tins.len(), 4);
        let bulk = TinStats {
            threshold_bytes_per_sec: 101,
            sent_bytes: 102,
            backlog_bytes: 103,
            target_us: 104,
            sent_packets: 105,
            drops: 106,
            ecn_marks: 107,
            ack_drops: 108,
            peak_delay_us: 109,
            avg_delay_us: 110,
            base_delay_us: 111,
            sparse_flows: 112,
            bulk_flows: 113,
            unresponsive_flows: 114,
        };
        assert_eq!(tins[0], bulk);
        assert_eq!((tins[3].sent_bytes, tins[3].unresponsive_flows), (402, 414));
    }

    #[test]
    fn only_leaves_of_wanted_nics_count() {
        for (parent, kind) in [
            (TcHandle::ROOT, "cake"),
            (TcHandle::new(1, 0), "cake"),
            (TcHandle::new(0xfff0, 1), "htb"),
            (TcHandle::from_raw(0xffff_fff1), "clsact"),
        ] {
            assert_eq!(decode(&answer(parent, kind, |_| {})), None, "{kind} at {parent}");
        }
        assert_eq!(LeafStats::decode(&cake(), |_| false), None);
    }

    #[test]
    fn truncated_answers_never_panic() {
        let whole = cake();
        for end in 0..whole.len() {
            if let Some(OwnStats::Cake(stats)) = decode(&whole[..end]).map(|leaf| leaf.own) {
                assert!(stats.tins().count() <= 4);
            }
        }
    }
}
