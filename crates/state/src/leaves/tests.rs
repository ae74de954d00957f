use units::{BitsPerSec, CircuitId, CircuitSlot, CpuId, IfIndex, QueueId, TcHandle};

use super::*;
use crate::layout::{CircuitLayout, ClassRef, QueueLayout};
use crate::leaf::{LeafCounters, LeafSample};
use crate::sample::Traffic;

const NIC: IfIndex = IfIndex::new(4);
const SECOND: u64 = 1_000_000_000;

fn circuit(id: &str, slot: u32, minor: u16) -> CircuitLayout {
    CircuitLayout {
        id: CircuitId::from(id),
        name: "".into(),
        node: None,
        slot: CircuitSlot::new(slot),
        min: PerDirection::default(),
        max: PerDirection::default(),
        class: PerDirection {
            down: Some(ClassRef { nic: NIC, handle: TcHandle::new(1, minor) }),
            up: None,
        },
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(0),
        addresses: Vec::new().into(),
    }
}

fn layout(circuits: Vec<CircuitLayout>) -> Layout {
    let queue = QueueLayout {
        nic_name: "eth0".into(),
        nic: NIC,
        queue: QueueId::new(0),
        cpu: CpuId::new(0),
        direction: Direction::Download,
        htb: TcHandle::new(1, 0),
        unclaimed: TcHandle::new(1, 2),
        link: BitsPerSec::from_mbps(1_000),
        classes: 5,
        leaves: 3,
    };
    Layout::new(1, circuits, Vec::new(), vec![queue])
}

struct Leaf {
    minor: u16,
    bytes: u64,
    drops: u32,
    marks: u32,
    tins: Vec<TinReading>,
}

fn fifo(minor: u16, bytes: u64, drops: u32) -> Leaf {
    Leaf { minor, bytes, drops, marks: 0, tins: Vec::new() }
}

fn cake(minor: u16, marks: u32, base_delay_us: u32, peak_delay_us: u32) -> Leaf {
    let tin = |share| TinReading {
        sent_bytes: Bytes::new(u64::from(marks * share)),
        marks: marks * share,
        base_delay_us,
        peak_delay_us,
        ..TinReading::default()
    };
    Leaf { minor, bytes: marks.into(), drops: 0, marks: marks * 3, tins: vec![tin(1), tin(2)] }
}

fn sample(seconds: u64, leaves: Vec<Leaf>) -> ClassSample {
    let mut sample = LeafSample::default();
    for leaf in leaves {
        sample.leaves.push(LeafReading {
            nic: NIC,
            class: TcHandle::new(1, leaf.minor),
            handle: TcHandle::new(0x100 + leaf.minor, 0),
            kind: if leaf.tins.is_empty() { LeafKind::Bfifo } else { LeafKind::Cake },
            counters: LeafCounters {
                sent: Traffic { bytes: Bytes::new(leaf.bytes), packets: Packets::new(leaf.bytes) },
                drops: leaf.drops,
                marks: leaf.marks,
                backlog_bytes: 70,
                ..LeafCounters::default()
            },
            first_tin: sample.tins.len() as u32,
            tins: leaf.tins.len() as u8,
        });
        sample.tins.extend(leaf.tins);
    }
    ClassSample { taken_ns: seconds * SECOND, leaves: sample, ..ClassSample::default() }
}

fn tracks(layout: &Layout) -> LeafTracks {
    let mut tracks = LeafTracks::default();
    tracks.carry_over(&Layout::default(), layout);
    tracks
}

fn down(leaves: &Leaves, index: usize) -> LeafFigures {
    *leaves.circuit(index, Direction::Download).unwrap()
}

#[test]
fn leaves_join_their_circuit_and_queue() {
    let layout = layout(vec![circuit("a", 0, 10), circuit("b", 1, 11), circuit("c", 2, 12)]);
    let mut tracks = tracks(&layout);
    tracks.take(&layout, Some(&sample(1, vec![fifo(10, 0, u32::MAX), fifo(2, 0, 5)])));
    let dump = sample(3, vec![fifo(10, 1_000_000, 9), fifo(2, 0, 7), fifo(99, 0, 1)]);
    let leaves = tracks.take(&layout, Some(&dump));
    let own = down(&leaves, 0);
    assert_eq!(own.sent.bits, BitsPerSec::from_mbps(4));
    assert_eq!((own.drops_per_sec, own.drops.get()), (5, 10), "the counter wrapped");
    assert_eq!((own.kind, own.backlog.get()), (LeafKind::Bfifo, 70));
    assert_eq!(leaves.circuit(0, Direction::Upload), None);
    assert_eq!(leaves.circuit(1, Direction::Download), None);
    let queue = leaves.queue(0).unwrap();
    assert_eq!((queue.drops.get(), queue.backlog.get()), (12, 140), "the unclaimed count too");
    assert!(leaves.tins(queue).is_empty());
}

#[test]
fn tins_are_counted_by_leaf_and_together() {
    let layout = layout(vec![circuit("a", 0, 10), circuit("b", 1, 11)]);
    let mut tracks = tracks(&layout);
    tracks.take(&layout, Some(&sample(1, vec![cake(10, 100, 5, 50), cake(11, 200, 6, 60)])));
    let dump = sample(2, vec![cake(10, 110, 5, 50), cake(11, 230, 6, 60)]);
    let leaves = tracks.take(&layout, Some(&dump));
    let (a, b) = (down(&leaves, 0), down(&leaves, 1));
    assert_eq!((a.marks_per_sec, b.marks.get()), (30, 90));
    let marks = |figures: &LeafFigures| -> Vec<u64> {
        leaves.tins(figures).iter().map(|tin| tin.marks.get()).collect()
    };
    assert_eq!((marks(&a), marks(&b)), (vec![10, 20], vec![30, 60]));
    let queue = leaves.queue(0).unwrap();
    assert_eq!(marks(queue), [40, 80]);
    let tin = leaves.tins(queue)[0];
    assert_eq!((tin.base_delay_us, tin.peak_delay_us), (5, 60));
}

#[test]
fn the_same_dump_is_not_taken_twice_and_none_means_none() {
    let layout = layout(vec![circuit("a", 0, 10)]);
    let mut tracks = tracks(&layout);
    let first = sample(1, vec![fifo(10, 0, 0)]);
    tracks.take(&layout, Some(&first));
    let second = sample(2, vec![fifo(10, 125, 3)]);
    let leaves = tracks.take(&layout, Some(&second));
    let again = tracks.take(&layout, Some(&second));
    assert!(Arc::ptr_eq(&leaves, &again));
    assert_eq!(tracks.take(&layout, None).circuit(0, Direction::Download), None);
    let third = tracks.take(&layout, Some(&sample(3, vec![fifo(10, 250, 9)])));
    assert_eq!(down(&third, 0).drops.get(), 0, "it begins anew");
}

#[test]
fn a_leaf_made_anew_yields_nothing_absurd() {
    let layout = layout(vec![circuit("a", 0, 10)]);
    let mut tracks = tracks(&layout);
    tracks.take(&layout, Some(&sample(1, vec![fifo(10, 5_000, 40)])));
    let leaves = tracks.take(&layout, Some(&sample(2, vec![fifo(10, 10, 1)])));
    let figures = down(&leaves, 0);
    assert_eq!((figures.sent, figures.drops_per_sec, figures.drops.get()), (Rate::default(), 0, 0));
}

#[test]
fn what_is_kept_follows_the_circuit_that_keeps_its_class() {
    let before = layout(vec![circuit("a", 0, 10), circuit("b", 1, 11)]);
    let mut tracks = tracks(&before);
    tracks.take(&before, Some(&sample(1, vec![fifo(10, 0, 0), fifo(11, 0, 0)])));
    tracks.take(&before, Some(&sample(2, vec![fifo(10, 0, 4), fifo(11, 0, 6)])));
    let after = layout(vec![circuit("b", 1, 11), circuit("a", 0, 12)]);
    tracks.carry_over(&before, &after);
    let leaves = tracks.take(&after, Some(&sample(3, vec![fifo(11, 0, 7), fifo(12, 0, 50)])));
    assert_eq!(down(&leaves, 0).drops.get(), 7);
    assert_eq!(down(&leaves, 1).drops.get(), 0, "another class, whose past is not known");
}
