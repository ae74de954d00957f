//! What is kept of RTTs and retransmissions from one tick to the next.

use std::collections::HashMap;

use units::{CircuitSlot, Direction, Packets, PerDirection, PerSegment, Segment};

use crate::histogram::Histogram;
use crate::layout::Layout;
use crate::rate::Interval;
use crate::reading::QualityReading;
use crate::sample::Sample;
use crate::snapshot::{CountFigures, TcpFigures};
use crate::window::{RttFigures, RttWindow};

/// No circuit has the row.
const NOBODY: u32 = u32::MAX;

/// What is kept of everything, in the layout's order.
///
/// Samples of a node are those that were taken below it while they were: a circuit that moves takes
/// none of them along.
#[derive(Clone, Debug, Default)]
pub(crate) struct Qualities {
    circuits: Vec<Tracked>,
    nodes: Vec<Tracked>,
    total: Tracked,
    /// Whose each row is, as an index into `circuits`.
    owners: Vec<u32>,
    /// Each row's counters as they were last read.
    rows: Vec<PerDirection<Counts>>,
    /// The samples that came in since the last tick, by node; then those of the box.
    fresh: Vec<Option<Box<PerSegment<Histogram>>>>,
    /// When the last readings were taken.
    now_ns: u64,
}

/// What is kept of one circuit, or of one node or the box, whose counts are sums of others'.
#[derive(Clone, Debug, Default)]
struct Tracked {
    window: RttWindow,
    rtt: PerSegment<Option<RttFigures>>,
    rtt_changed: bool,
    /// Whether its row was its own at the tick before.
    settled: bool,
    /// Since it was seen first.
    counts: PerDirection<Counts>,
    /// Since the tick before.
    grown: PerDirection<Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    retransmits: Packets,
    reordered: Packets,
}

impl Counts {
    fn since(self, before: Self) -> Self {
        Self {
            retransmits: self.retransmits.since(before.retransmits),
            reordered: self.reordered.since(before.reordered),
        }
    }

    fn add(&mut self, more: Self) {
        self.retransmits += more.retransmits;
        self.reordered += more.reordered;
    }
}

impl Tracked {
    /// Takes the counters' growth into the counts, and gives both.
    fn settle(&mut self, interval: Option<Interval>) -> PerDirection<TcpFigures> {
        self.settled = true;
        let grown = std::mem::take(&mut self.grown);
        PerDirection::from_fn(|direction| {
            let (grown, counts) = (grown[direction], &mut self.counts[direction]);
            counts.add(grown);
            let figures = |count, grown: Packets| CountFigures {
                count,
                per_sec: interval.map_or(0, |interval| interval.per_sec(grown.get())),
            };
            TcpFigures {
                retransmits: figures(counts.retransmits, grown.retransmits),
                reordered: figures(counts.reordered, grown.reordered),
            }
        })
    }

    /// The window's percentiles, made anew only when it has changed.
    fn rtt(&mut self) -> PerSegment<Option<RttFigures>> {
        if std::mem::take(&mut self.rtt_changed) {
            self.rtt = self.window.figures();
        }
        self.rtt
    }

    fn advance(&mut self, now_ns: u64) {
        self.rtt_changed |= self.window.advance(now_ns);
    }
}

impl Qualities {
    /// Carries what is kept over to another layout, by identity. A circuit with another row than
    /// before, or a new one, begins with what comes after the next tick.
    pub(crate) fn carry_over(&mut self, from: &Layout, to: &Layout) {
        let mut before: HashMap<_, _> = from
            .circuits
            .iter()
            .zip(std::mem::take(&mut self.circuits))
            .map(|(circuit, kept)| (&circuit.id, (circuit.slot, kept)))
            .collect();
        let carried = to.circuits.iter().map(|circuit| match before.remove(&circuit.id) {
            Some((slot, kept)) => Tracked { settled: kept.settled && slot == circuit.slot, ..kept },
            None => Tracked::default(),
        });
        self.circuits = carried.collect();
        let nodes = std::mem::take(&mut self.nodes);
        let mut before: HashMap<_, _> = from.nodes.iter().map(|node| &node.id).zip(nodes).collect();
        let carried = to.nodes.iter().map(|node| before.remove(&node.id).unwrap_or_default());
        self.nodes = carried.collect();
        self.fresh.clear();
        self.fresh.resize_with(to.nodes.len() + 1, || None);
        let rows = to.circuits.iter().map(|circuit| circuit.slot.index() + 1).max().unwrap_or(0);
        self.owners = vec![NOBODY; rows];
        for (index, circuit) in to.circuits.iter().enumerate() {
            self.owners[circuit.slot.index()] = index as u32;
        }
        self.rows.resize_with(rows, PerDirection::default);
    }

    /// Takes in what has changed. Rows that no circuit has are passed over.
    pub(crate) fn take(&mut self, layout: &Layout, sample: &Sample) {
        self.now_ns = self.now_ns.max(sample.taken_ns);
        for (slot, reading) in &sample.quality {
            self.take_row(layout, *slot, reading);
        }
    }

    fn take_row(&mut self, layout: &Layout, slot: CircuitSlot, reading: &QualityReading) {
        let Some(&owner) = self.owners.get(slot.index()) else { return };
        let now = PerDirection::from_fn(|direction| Counts {
            retransmits: Packets::new(reading.retransmits[direction]),
            reordered: Packets::new(reading.reordered[direction]),
        });
        let before = std::mem::replace(&mut self.rows[slot.index()], now);
        let Some(circuit) = self.circuits.get_mut(owner as usize) else { return };
        if !circuit.settled {
            return;
        }
        for direction in Direction::ALL {
            circuit.grown[direction].add(now[direction].since(before[direction]));
        }
        let node = layout.circuits[owner as usize].node.filter(|node| *node < self.nodes.len());
        let fresh = &mut self.fresh[node.unwrap_or(layout.nodes.len())];
        circuit.window.advance(self.now_ns);
        for segment in Segment::ALL {
            let bins = &reading.rtt[segment];
            if !bins.is_empty() {
                circuit.rtt_changed = true;
                circuit.window.add(segment, bins.iter().copied());
                fresh.get_or_insert_default()[segment].add_sparse(bins.iter().copied());
            }
        }
    }

    /// Adds up the samples that came in since the last tick: from nodes to their parents, the last
    /// first as parents come before their children, and at the top to the box.
    pub(crate) fn roll_up(&mut self, layout: &Layout) {
        let total = layout.nodes.len();
        for (index, node) in self.nodes.iter_mut().enumerate().rev() {
            node.advance(self.now_ns);
            if let Some(fresh) = self.fresh[index].take() {
                node.add(&fresh);
                add_fresh(&mut self.fresh[layout.parent(index).unwrap_or(total)], fresh);
            }
        }
        self.total.advance(self.now_ns);
        if let Some(fresh) = self.fresh.get_mut(total).and_then(Option::take) {
            self.total.add(&fresh);
        }
    }

    /// The figures of the circuit at `index`. To be asked for once a tick.
    pub(crate) fn circuit(
        &mut self,
        index: usize,
        interval: Option<Interval>,
    ) -> (PerDirection<TcpFigures>, PerSegment<Option<RttFigures>>) {
        let now_ns = self.now_ns;
        let circuit = &mut self.circuits[index];
        circuit.advance(now_ns);
        (circuit.settle(interval), circuit.rtt())
    }

    /// The percentiles of the node at `index`.
    pub(crate) fn node_rtt(&mut self, index: usize) -> PerSegment<Option<RttFigures>> {
        self.nodes[index].rtt()
    }

    /// The figures of the box, whose counters are in `sample`; `before` is the sample before.
    pub(crate) fn total(
        &mut self,
        sample: &Sample,
        before: Option<&Sample>,
        interval: Option<Interval>,
    ) -> (PerDirection<TcpFigures>, PerSegment<Option<RttFigures>>) {
        let counts = |sample: &Sample, direction| Counts {
            retransmits: sample.total_retransmits[direction],
            reordered: sample.total_reordered[direction],
        };
        if let Some(before) = before {
            for direction in Direction::ALL {
                let grown = counts(sample, direction).since(counts(before, direction));
                self.total.grown[direction].add(grown);
            }
        }
        (self.total.settle(interval), self.total.rtt())
    }
}

impl Tracked {
    fn add(&mut self, fresh: &PerSegment<Histogram>) {
        self.rtt_changed = true;
        for segment in Segment::ALL {
            self.window.add(segment, fresh[segment].filled());
        }
    }
}

fn add_fresh(into: &mut Option<Box<PerSegment<Histogram>>>, fresh: Box<PerSegment<Histogram>>) {
    match into {
        Some(sum) => {
            sum.customer += &fresh.customer;
            sum.internet += &fresh.internet;
        }
        None => *into = Some(fresh),
    }
}
