//! From samples to snapshots: the single writer.

use std::sync::Arc;

use units::{Packets, PerDirection};

use crate::cpus;
use crate::history::{HISTORY_TICKS, HistoryPoint};
use crate::layout::Layout;
use crate::leaves::LeafTracks;
use crate::quality::Qualities;
use crate::rate::Interval;
use crate::ring::Ring;
use crate::sample::{Counter, Sample};
use crate::snapshot::{
    BoxFigures, CircuitFigures, CounterFigures, NodeFigures, QueueFigures, Snapshot,
};
use crate::store::Store;
use crate::track::{Tracks, classes_of};

/// Statistics of classes that are older than this against the sample's own time are not shown.
const CLASSES_STALE_NS: u64 = 5_000_000_000;

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A snapshot was published.
    Published {
        /// Its tick.
        tick: u64,
    },
    /// The sample was ignored: it is not [`crate::MIN_INTERVAL_NS`] later than the one before, or
    /// even earlier. The next one covers its time too. Only its RTTs and retransmissions were taken
    /// in, as they come but once.
    TooSoon {
        /// When the sample before was read.
        before_ns: u64,
        /// When this one was.
        taken_ns: u64,
    },
}

/// Derives a snapshot from each sample and publishes it.
#[derive(Debug)]
pub struct Engine {
    store: Arc<Store>,
    layout: Arc<Layout>,
    tracks: Tracks,
    leaves: LeafTracks,
    qualities: Qualities,
    /// Of the sample before; its circuits and classes are in `tracks`.
    before: Option<Sample>,
    tick: u64,
    /// The rows of the snapshot before, if nobody reads it any more: to take fresh memory for the
    /// largest part of a snapshot each tick costs more than to fill it.
    spare: Vec<CircuitFigures>,
    history: Ring<HistoryPoint>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with an empty store.
    pub fn new() -> Self {
        Self {
            store: Arc::default(),
            layout: Arc::default(),
            tracks: Tracks::default(),
            leaves: LeafTracks::default(),
            qualities: Qualities::default(),
            before: None,
            tick: 0,
            spare: Vec::new(),
            history: Ring::with_capacity(HISTORY_TICKS),
        }
    }

    /// Where readers find its snapshots.
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Takes the sample in and publishes the snapshot that follows from it. `layout` says whose the
    /// sample's counters are; the same `Arc` as last time means that nothing has changed.
    pub fn update(&mut self, layout: &Arc<Layout>, mut sample: Sample) -> Outcome {
        let mut interval = None;
        if let Some(before) = &self.before {
            interval = Interval::between(before.taken_ns, sample.taken_ns);
            if interval.is_none() {
                let (before_ns, taken_ns) = (before.taken_ns, sample.taken_ns);
                self.qualities.take(&self.layout, &sample);
                return Outcome::TooSoon { before_ns, taken_ns };
            }
        }
        self.adopt(layout);
        let classes = sample.classes.take();
        let fresh = classes
            .as_deref()
            .filter(|classes| sample.taken_ns.saturating_sub(classes.taken_ns) <= CLASSES_STALE_NS);
        self.tracks.take_classes(layout, fresh);
        let leaves = self.leaves.take(layout, fresh);
        self.qualities.take(layout, &sample);
        self.qualities.roll_up(layout);

        self.tick += 1;
        let mut circuits = std::mem::take(&mut self.spare);
        circuits.clear();
        circuits.extend((0..layout.circuits.len()).map(|index| {
            let mut figures = self.tracks.circuit(layout, index, &sample, interval);
            (figures.tcp, figures.rtt) = self.qualities.circuit(index, interval);
            figures
        }));
        let mut nodes = roll_up(layout, &circuits);
        for (index, node) in nodes.iter_mut().enumerate() {
            node.rtt = self.qualities.node_rtt(index);
        }
        let total = self.box_figures(&sample, interval);
        let cpus = self
            .before
            .as_ref()
            .map_or_else(Vec::new, |before| cpus::figures(&before.cpus, &sample.cpus));
        let mut snapshot = Snapshot {
            tick: self.tick,
            taken_ns: sample.taken_ns,
            interval_ns: interval.map(Interval::ns),
            bypass: sample.bypass || self.before.as_ref().is_some_and(|before| before.bypass),
            layout: Arc::clone(layout),
            nodes,
            queues: self.add_queues(&circuits),
            circuits,
            leaves,
            total,
            unknown: std::mem::take(&mut sample.unknown),
            maps: std::mem::take(&mut sample.maps),
            cpus,
            history: Ring::default(),
        };
        self.history.push(HistoryPoint::of(&snapshot));
        snapshot.history = self.history.clone();
        sample.circuits = Vec::new();
        sample.quality = Vec::new();
        self.before = Some(sample);
        let former = self.store.publish(Arc::new(snapshot));
        self.spare = Arc::try_unwrap(former).map(|former| former.circuits).unwrap_or_default();
        Outcome::Published { tick: self.tick }
    }

    fn adopt(&mut self, layout: &Arc<Layout>) {
        if !Arc::ptr_eq(&self.layout, layout) {
            self.tracks = self.tracks.carried_over(&self.layout, layout);
            self.leaves.carry_over(&self.layout, layout);
            self.qualities.carry_over(&self.layout, layout);
            self.layout = Arc::clone(layout);
        }
    }

    fn add_queues(&self, circuits: &[CircuitFigures]) -> Vec<QueueFigures> {
        let mut queues = vec![QueueFigures::default(); self.layout.queues.len()];
        for (queue, unclaimed) in queues.iter_mut().zip(&self.tracks.unclaimed) {
            if let Some(figures) = &unclaimed.figures {
                queue.add(figures);
            }
        }
        for (index, circuit) in circuits.iter().enumerate() {
            for (class, figures) in classes_of(&self.layout, index, circuit) {
                if let Some(queue) = self.layout.queue_of(class) {
                    queues[queue].add(&figures);
                }
            }
        }
        queues
    }

    fn box_figures(&mut self, sample: &Sample, interval: Option<Interval>) -> BoxFigures {
        let before = self.before.as_ref();
        let (tcp, rtt) = self.qualities.total(sample, before, interval);
        let counters = |now: &[Counter], before: Option<&Vec<Counter>>| {
            now.iter()
                .enumerate()
                .map(|(index, counter)| {
                    let before = before
                        .and_then(|counters| counters.get(index))
                        .filter(|before| before.name == counter.name);
                    counter_figures(counter, before.map(|before| before.count), interval)
                })
                .collect()
        };
        let offered = match (interval, before) {
            (Some(interval), Some(before)) => PerDirection::from_fn(|direction| {
                interval.rates(&before.total[direction], &sample.total[direction])
            }),
            _ => PerDirection::default(),
        };
        BoxFigures {
            offered,
            arrived: sample.total,
            tcp,
            rtt,
            rtt_histogram: self.qualities.histogram(),
            verdicts: counters(&sample.verdicts, before.map(|before| &before.verdicts)),
            events: counters(&sample.events, before.map(|before| &before.events)),
            egress: counters(&sample.egress, before.map(|before| &before.egress)),
        }
    }
}

fn counter_figures(
    now: &Counter,
    before: Option<Packets>,
    interval: Option<Interval>,
) -> CounterFigures {
    let per_sec = interval
        .zip(before)
        .map_or(0, |(interval, before)| interval.per_sec(now.count.since(before).get()));
    CounterFigures { name: now.name, count: now.count, per_sec }
}

/// Adds circuits to their nodes, then nodes to their parents, the last first: parents come before
/// their children, so a node is complete when its turn comes.
fn roll_up(layout: &Layout, circuits: &[CircuitFigures]) -> Vec<NodeFigures> {
    let mut nodes = vec![NodeFigures::default(); layout.nodes.len()];
    for (circuit, figures) in layout.circuits.iter().zip(circuits) {
        if let Some(node) = circuit.node.and_then(|node| nodes.get_mut(node)) {
            node.add_circuit(figures);
        }
    }
    for index in (0..nodes.len()).rev() {
        if let Some(parent) = layout.parent(index) {
            let child = nodes[index];
            nodes[parent].add_child(&child);
        }
    }
    nodes
}

#[cfg(test)]
mod tests;
