//! What the leaves did: kept from one dump to the next, and derived.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;

use units::{Bytes, Direction, Packets, PerDirection};

use crate::layout::{ClassOwner, Layout};
use crate::leaf::{LeafKind, LeafReading, TinReading};
use crate::rate::{Interval, Rate, grown_wrapping};
use crate::sample::ClassSample;

/// What the leaves did, by one dump of their statistics. Never changed once published.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    circuits: Vec<PerDirection<Option<LeafFigures>>>,
    queues: Vec<LeafFigures>,
    tins: Vec<TinFigures>,
}

/// What one leaf did, or several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeafFigures {
    /// Which qdisc it is.
    pub kind: LeafKind,
    /// Let through.
    pub sent: Rate,
    /// Packets dropped, a second.
    pub drops_per_sec: u64,
    /// Packets dropped since this leaf was seen first.
    pub drops: Packets,
    /// Packets marked as congested, a second.
    pub marks_per_sec: u64,
    /// Packets marked as congested since this leaf was seen first.
    pub marks: Packets,
    /// Times that a limit of its own was met, since this leaf was seen first.
    pub overlimits: u64,
    /// Packets that the NIC gave back, likewise.
    pub requeues: u64,
    /// Bytes waiting.
    pub backlog: Bytes,
    /// Packets waiting.
    pub backlog_packets: Packets,
    /// Memory in use, where the qdisc tells; for CAKE the most so far.
    pub memory: Bytes,
    /// Flows that are served first, as they are sparse, where the qdisc tells.
    pub sparse_flows: u64,
    /// Flows that take turns, likewise.
    pub bulk_flows: u64,
    first_tin: u32,
    tins: u8,
}

/// What one of CAKE's tins did, or that of several leaves together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TinFigures {
    /// Bytes let through since its leaf was seen first.
    pub sent: Bytes,
    /// Packets dropped, likewise.
    pub drops: Packets,
    /// Packets marked as congested, likewise.
    pub marks: Packets,
    /// Acknowledgements filtered out, likewise.
    pub ack_drops: Packets,
    /// Bytes waiting.
    pub backlog: Bytes,
    /// The delay that it aims at. Of several leaves the largest, as are the next two.
    pub target_us: u32,
    /// How long packets wait: the longest times, smoothed.
    pub peak_delay_us: u32,
    /// On average.
    pub avg_delay_us: u32,
    /// The shortest times. Of several leaves the least.
    pub base_delay_us: u32,
}

impl Leaves {
    /// What the leaf of the circuit at `index` did; none when there is none to ask.
    pub fn circuit(&self, index: usize, direction: Direction) -> Option<&LeafFigures> {
        self.circuits.get(index)?[direction].as_ref()
    }

    /// What the leaves of the queue at `index` did together.
    pub fn queue(&self, index: usize) -> Option<&LeafFigures> {
        self.queues.get(index)
    }

    /// The tins of a leaf, or of a queue's leaves by position: the lowest priority first; none
    /// where there is no CAKE.
    pub fn tins(&self, figures: &LeafFigures) -> &[TinFigures] {
        let first = figures.first_tin as usize;
        self.tins.get(first..first + usize::from(figures.tins)).unwrap_or_default()
    }
}

impl AddAssign for LeafFigures {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.drops_per_sec += other.drops_per_sec;
        self.drops += other.drops;
        self.marks_per_sec += other.marks_per_sec;
        self.marks += other.marks;
        self.overlimits += other.overlimits;
        self.requeues += other.requeues;
        self.backlog += other.backlog;
        self.backlog_packets += other.backlog_packets;
        self.memory += other.memory;
        self.sparse_flows += other.sparse_flows;
        self.bulk_flows += other.bulk_flows;
    }
}

impl AddAssign for TinFigures {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.drops += other.drops;
        self.marks += other.marks;
        self.ack_drops += other.ack_drops;
        self.backlog += other.backlog;
        self.target_us = self.target_us.max(other.target_us);
        self.peak_delay_us = self.peak_delay_us.max(other.peak_delay_us);
        self.avg_delay_us = self.avg_delay_us.max(other.avg_delay_us);
        self.base_delay_us = self.base_delay_us.min(other.base_delay_us);
    }
}

/// What is kept of all leaves, in the layout's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeafTracks {
    circuits: Vec<PerDirection<TrackedLeaf>>,
    unclaimed: Vec<TrackedLeaf>,
    dump: u64,
    taken_ns: Option<u64>,
    published: Arc<Leaves>,
}

/// What is kept of one leaf.
#[derive(Clone, Debug, Default)]
struct TrackedLeaf {
    before: Option<LeafReading>,
    /// The dump that `before` comes from.
    dump: u64,
    figures: LeafFigures,
    tins: Vec<(TinReading, TinFigures)>,
}

impl LeafTracks {
    /// Carries what is kept over to another layout: by identity, and only as far as the circuit
    /// still has the same class.
    pub(crate) fn carry_over(&mut self, from: &Layout, to: &Layout) {
        let mut before: HashMap<_, _> = from
            .circuits
            .iter()
            .zip(std::mem::take(&mut self.circuits))
            .map(|(circuit, kept)| (&circuit.id, (circuit.class, kept)))
            .collect();
        let carried = to.circuits.iter().map(|circuit| {
            let Some((class, kept)) = before.remove(&circuit.id) else {
                return PerDirection::default();
            };
            let PerDirection { down, up } = kept;
            let same = |direction: Direction| class[direction] == circuit.class[direction];
            PerDirection {
                down: if same(Direction::Download) { down } else { TrackedLeaf::default() },
                up: if same(Direction::Upload) { up } else { TrackedLeaf::default() },
            }
        });
        self.circuits = carried.collect();
        let mut before: HashMap<_, _> = from
            .queues
            .iter()
            .zip(std::mem::take(&mut self.unclaimed))
            .map(|(queue, kept)| ((queue.nic, queue.unclaimed), kept))
            .collect();
        let carried =
            to.queues.iter().map(|q| before.remove(&(q.nic, q.unclaimed)).unwrap_or_default());
        self.unclaimed = carried.collect();
        self.publish(to);
    }

    /// Takes over the statistics of all leaves, unless they are the ones it has, and gives what
    /// follows from them.
    pub(crate) fn take(&mut self, layout: &Layout, sample: Option<&ClassSample>) -> Arc<Leaves> {
        let taken_ns = sample.map(|sample| sample.taken_ns);
        let interval =
            self.taken_ns.zip(taken_ns).and_then(|(before, now)| Interval::between(before, now));
        // the same sample again, or one too early for rates: the next one covers this time too
        if self.taken_ns == taken_ns
            || self.taken_ns.is_some() && sample.is_some() && interval.is_none()
        {
            return Arc::clone(&self.published);
        }
        self.taken_ns = taken_ns;
        self.dump += 1;
        if let Some(sample) = sample {
            for reading in &sample.leaves.leaves {
                let leaf = match layout.owner(reading.nic, reading.class) {
                    Some(ClassOwner::Circuit(index, direction)) => {
                        &mut self.circuits[index][direction]
                    }
                    Some(ClassOwner::Unclaimed(queue)) => &mut self.unclaimed[queue],
                    None => continue,
                };
                leaf.take(self.dump, interval, reading, sample.leaves.tins_of(reading));
            }
        }
        self.forget_absent();
        self.publish(layout);
        Arc::clone(&self.published)
    }

    /// A leaf that the dump lacks begins anew when it is back.
    fn forget_absent(&mut self) {
        let dump = self.dump;
        let circuits = self.circuits.iter_mut().flat_map(|pair| [&mut pair.down, &mut pair.up]);
        for leaf in circuits.chain(&mut self.unclaimed) {
            if leaf.before.is_some() && leaf.dump != dump {
                *leaf = TrackedLeaf::default();
            }
        }
    }

    fn publish(&mut self, layout: &Layout) {
        let mut tins = Vec::with_capacity(self.published.tins.len());
        let mut queues = vec![QueueSum::default(); layout.queues.len()];
        let mut circuits = Vec::with_capacity(layout.circuits.len());
        for (circuit, tracked) in layout.circuits.iter().zip(&self.circuits) {
            circuits.push(PerDirection::from_fn(|direction| {
                let figures = tracked[direction].publish(&mut tins)?;
                let queue = circuit.class[direction].and_then(|class| layout.queue_of(class));
                if let Some(queue) = queue.and_then(|queue| queues.get_mut(queue)) {
                    queue.add(&tracked[direction]);
                }
                Some(figures)
            }));
        }
        for (queue, unclaimed) in queues.iter_mut().zip(&self.unclaimed) {
            queue.add(unclaimed);
        }
        let queues = queues.into_iter().map(|queue| queue.publish(&mut tins)).collect();
        self.published = Arc::new(Leaves { circuits, queues, tins });
    }
}

impl TrackedLeaf {
    fn take(
        &mut self,
        dump: u64,
        interval: Option<Interval>,
        now: &LeafReading,
        tins: &[TinReading],
    ) {
        let (figures, counters) = (&mut self.figures, &now.counters);
        // a leaf that was made anew starts from nothing in all its counters
        let before = self.before.filter(|before| {
            before.kind == now.kind
                && before.handle == now.handle
                && before.counters.sent.bytes <= counters.sent.bytes
        });
        (figures.sent, figures.drops_per_sec, figures.marks_per_sec) = (Rate::default(), 0, 0);
        if let Some((before, interval)) = before.map(|before| before.counters).zip(interval) {
            let dropped = grown_wrapping(before.drops, counters.drops);
            let marked = grown_wrapping(before.marks, counters.marks);
            figures.sent = interval.rate(before.sent, counters.sent);
            figures.drops_per_sec = interval.per_sec(dropped);
            figures.drops += Packets::new(dropped);
            figures.marks_per_sec = interval.per_sec(marked);
            figures.marks += Packets::new(marked);
            figures.overlimits += grown_wrapping(before.overlimits, counters.overlimits);
            figures.requeues += grown_wrapping(before.requeues, counters.requeues);
        }
        figures.kind = now.kind;
        figures.backlog = Bytes::new(counters.backlog_bytes.into());
        figures.backlog_packets = Packets::new(counters.backlog_packets.into());
        figures.memory = Bytes::new(counters.memory_bytes.into());
        figures.sparse_flows = counters.sparse_flows.into();
        figures.bulk_flows = counters.bulk_flows.into();
        if before.is_none() || self.tins.len() != tins.len() {
            self.tins = tins.iter().map(|tin| (*tin, TinFigures::default())).collect();
        }
        for ((before, figures), now) in self.tins.iter_mut().zip(tins) {
            figures.take(before, now);
            *before = *now;
        }
        (self.before, self.dump) = (Some(*now), dump);
    }

    fn publish(&self, tins: &mut Vec<TinFigures>) -> Option<LeafFigures> {
        self.before?;
        let first_tin = tins.len() as u32;
        tins.extend(self.tins.iter().map(|(_, figures)| figures));
        Some(LeafFigures { first_tin, tins: self.tins.len() as u8, ..self.figures })
    }
}

impl TinFigures {
    fn take(&mut self, before: &TinReading, now: &TinReading) {
        self.sent += now.sent_bytes.since(before.sent_bytes);
        self.drops += Packets::new(grown_wrapping(before.drops, now.drops));
        self.marks += Packets::new(grown_wrapping(before.marks, now.marks));
        self.ack_drops += Packets::new(grown_wrapping(before.ack_drops, now.ack_drops));
        self.backlog = Bytes::new(now.backlog_bytes.into());
        self.target_us = now.target_us;
        self.peak_delay_us = now.peak_delay_us;
        self.avg_delay_us = now.avg_delay_us;
        self.base_delay_us = now.base_delay_us;
    }
}

/// What the leaves of a queue did together.
#[derive(Clone, Debug, Default)]
struct QueueSum {
    figures: LeafFigures,
    tins: Vec<TinFigures>,
}

impl QueueSum {
    fn add(&mut self, leaf: &TrackedLeaf) {
        if leaf.before.is_none() {
            return;
        }
        self.figures += leaf.figures;
        self.figures.kind = leaf.figures.kind;
        for (position, (_, tin)) in leaf.tins.iter().enumerate() {
            match self.tins.get_mut(position) {
                Some(sum) => *sum += *tin,
                None => self.tins.push(*tin),
            }
        }
    }

    fn publish(self, tins: &mut Vec<TinFigures>) -> LeafFigures {
        let first_tin = tins.len() as u32;
        tins.extend(&self.tins);
        LeafFigures { first_tin, tins: self.tins.len() as u8, ..self.figures }
    }
}

#[cfg(test)]
mod tests;
