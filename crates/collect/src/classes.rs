//! Statistics of HTB's classes and of the qdiscs under them: one dump of classes a NIC, and one of
//! qdiscs, which has every NIC's.

use kernel::tc::{CakeStats, ClassStats, Controller, Failed, LeafStats, OwnStats, TinStats};
use state::{
    ClassCounters, ClassReading, ClassSample, LeafCounters, LeafKind, LeafReading, LeafSample,
    TinReading, Traffic,
};
use units::{BitsPerSec, Bytes, IfIndex};

use crate::clock::monotonic_ns;

/// Reads the statistics of all classes on `nics`, and of their leaves.
///
/// # Errors
/// When a dump fails.
pub fn read(source: &mut Controller, nics: &[IfIndex]) -> Result<ClassSample, Failed> {
    let taken_ns = monotonic_ns();
    let mut classes = Vec::new();
    for nic in nics {
        let of_nic = source.class_stats(*nic, Vec::new, |all, class| {
            all.push(class_reading(*nic, class));
        })?;
        // the first NIC's needs no copy
        if classes.is_empty() { classes = of_nic } else { classes.extend(of_nic) }
    }
    let leaves = source.leaf_stats(nics, LeafSample::default, take_leaf)?;
    Ok(ClassSample { taken_ns, classes, leaves })
}

const fn class_reading(nic: IfIndex, class: &ClassStats) -> ClassReading {
    let stats = &class.stats;
    ClassReading {
        nic,
        handle: class.handle,
        counters: ClassCounters {
            sent: Traffic { bytes: stats.bytes, packets: stats.packets },
            drops: stats.drops,
            backlog: Bytes::new(stats.backlog_bytes as u64),
        },
    }
}

fn take_leaf(sample: &mut LeafSample, leaf: &LeafStats<'_>) {
    let stats = &leaf.stats;
    let mut counters = LeafCounters {
        sent: Traffic { bytes: stats.bytes, packets: stats.packets },
        drops: stats.drops,
        overlimits: stats.overlimits,
        requeues: stats.requeues,
        backlog_bytes: stats.backlog_bytes,
        backlog_packets: stats.backlog_packets,
        ..LeafCounters::default()
    };
    let first_tin = sample.tins.len();
    match &leaf.own {
        OwnStats::None => {}
        OwnStats::FqCodel(own) => {
            counters.marks = own.ecn_marks.wrapping_add(own.ce_marks);
            counters.memory_bytes = own.memory_used;
            counters.sparse_flows = own.new_flows;
            counters.bulk_flows = own.old_flows;
        }
        OwnStats::Cake(own) => {
            counters.memory_bytes = own.memory_used_max;
            take_tins(sample, &mut counters, own);
        }
    }
    sample.leaves.push(LeafReading {
        nic: leaf.nic,
        class: leaf.parent,
        handle: leaf.handle,
        kind: kind(leaf.kind),
        counters,
        first_tin: first_tin as u32,
        tins: (sample.tins.len() - first_tin) as u8,
    });
}

/// CAKE counts marks and flows by tin alone.
fn take_tins(sample: &mut LeafSample, counters: &mut LeafCounters, own: &CakeStats<'_>) {
    // CAKE has eight tins at most
    for tin in own.tins().take(u8::MAX.into()) {
        counters.marks = counters.marks.wrapping_add(tin.ecn_marks);
        counters.sparse_flows = counters.sparse_flows.saturating_add(tin.sparse_flows);
        counters.bulk_flows = counters.bulk_flows.saturating_add(tin.bulk_flows);
        sample.tins.push(tin_reading(&tin));
    }
}

const fn tin_reading(tin: &TinStats) -> TinReading {
    TinReading {
        threshold: BitsPerSec::new(tin.threshold_bytes_per_sec.saturating_mul(8)),
        sent_bytes: Bytes::new(tin.sent_bytes),
        sent_packets: tin.sent_packets,
        drops: tin.drops,
        marks: tin.ecn_marks,
        ack_drops: tin.ack_drops,
        backlog_bytes: tin.backlog_bytes,
        target_us: tin.target_us,
        peak_delay_us: tin.peak_delay_us,
        avg_delay_us: tin.avg_delay_us,
        base_delay_us: tin.base_delay_us,
        sparse_flows: tin.sparse_flows,
        bulk_flows: tin.bulk_flows,
        unresponsive_flows: tin.unresponsive_flows,
    }
}

const fn kind(name: &[u8]) -> LeafKind {
    match name {
        b"cake" => LeafKind::Cake,
        b"fq_codel" => LeafKind::FqCodel,
        b"pfifo" => LeafKind::Pfifo,
        b"bfifo" => LeafKind::Bfifo,
        _ => LeafKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use kernel::tc::{FqCodelStats, Stats};
    use units::{Packets, TcHandle};

    use super::*;

    fn leaf<'a>(kind: &'a [u8], own: OwnStats<'a>) -> LeafStats<'a> {
        LeafStats {
            nic: IfIndex::new(3),
            handle: TcHandle::new(0x100, 0),
            parent: TcHandle::new(1, 9),
            kind,
            stats: Stats { packets: Packets::new(70), drops: 5, requeues: 1, ..Stats::default() },
            own,
        }
    }

    #[test]
    fn leaves_are_known_by_the_class_above() {
        let mut sample = LeafSample::default();
        take_leaf(&mut sample, &leaf(b"bfifo", OwnStats::None));
        take_leaf(&mut sample, &leaf(b"tbf", OwnStats::None));
        let [fifo, other] = &sample.leaves[..] else { panic!("{sample:?}") };
        assert_eq!((fifo.nic, fifo.class), (IfIndex::new(3), TcHandle::new(1, 9)));
        assert_eq!((fifo.kind, other.kind), (LeafKind::Bfifo, LeafKind::Other));
        assert_eq!((fifo.counters.drops, fifo.counters.requeues), (5, 1));
        assert!(sample.tins_of(fifo).is_empty());
    }

    #[test]
    fn both_of_fq_codels_marks_count() {
        let own = FqCodelStats { ecn_marks: 3, ce_marks: 4, new_flows: 1, ..Default::default() };
        let mut sample = LeafSample::default();
        take_leaf(&mut sample, &leaf(b"fq_codel", OwnStats::FqCodel(own)));
        let counters = &sample.leaves[0].counters;
        assert_eq!((counters.marks, counters.sparse_flows), (7, 1));
    }
}
