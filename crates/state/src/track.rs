//! What is kept of each circuit and class from one tick to the next.

use std::collections::HashMap;

use units::{Direction, Packets, PerDirection};

use crate::layout::{ClassOwner, ClassRef, Layout};
use crate::rate::{Interval, grown_wrapping};
use crate::sample::{ByProtocol, ClassCounters, ClassSample, Sample, Traffic};
use crate::snapshot::{CircuitFigures, ClassFigures};

/// What is kept of one circuit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracked {
    counters: Option<PerDirection<ByProtocol<Traffic>>>,
    pub(crate) class: PerDirection<TrackedClass>,
}

/// What is kept of one class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrackedClass {
    counters: Option<ClassCounters>,
    /// The dump that `counters` come from.
    dump: u64,
    pub(crate) figures: Option<ClassFigures>,
}

/// What is kept of everything, in the layout's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) circuits: Vec<Tracked>,
    pub(crate) unclaimed: Vec<TrackedClass>,
    dump: u64,
    dump_taken_ns: Option<u64>,
}

impl Tracks {
    /// Carries what is kept over to another layout: by identity, and only as far as the circuit
    /// still has the same row and class, since another's counters tell nothing about it.
    pub(crate) fn carried_over(&self, from: &Layout, to: &Layout) -> Self {
        let before: HashMap<_, _> =
            from.circuits.iter().enumerate().map(|(index, circuit)| (&circuit.id, index)).collect();
        let circuits = to.circuits.iter().map(|circuit| {
            let Some(&index) = before.get(&circuit.id) else { return Tracked::default() };
            let (old, kept) = (&from.circuits[index], &self.circuits[index]);
            Tracked {
                counters: kept.counters.filter(|_| old.slot == circuit.slot),
                class: PerDirection::from_fn(|direction| {
                    if old.class[direction] == circuit.class[direction] {
                        kept.class[direction]
                    } else {
                        TrackedClass::default()
                    }
                }),
            }
        });
        let unclaimed = to.queues.iter().map(|queue| {
            let same = |old: &&crate::QueueLayout| {
                (old.nic, old.unclaimed) == (queue.nic, queue.unclaimed)
            };
            let index = from.queues.iter().position(|old| same(&old));
            index.map_or_else(TrackedClass::default, |index| self.unclaimed[index])
        });
        Self { circuits: circuits.collect(), unclaimed: unclaimed.collect(), ..*self }
    }

    /// Takes over the statistics of all classes, unless they are the ones it has. A class that the
    /// dump lacks has no figures until it is seen twice again.
    pub(crate) fn take_classes(&mut self, layout: &Layout, sample: Option<&ClassSample>) {
        let Some(sample) = sample else {
            self.forget_classes();
            return;
        };
        let interval = match self.dump_taken_ns {
            Some(before) if sample.taken_ns == before => return,
            Some(before) => match Interval::between(before, sample.taken_ns) {
                Some(interval) => Some(interval),
                // too early for rates: the next dump covers this time too
                None => return,
            },
            None => None,
        };
        self.dump += 1;
        self.dump_taken_ns = Some(sample.taken_ns);
        for reading in &sample.classes {
            let class = match layout.owner(reading.nic, reading.handle) {
                Some(ClassOwner::Circuit(index, direction)) => {
                    &mut self.circuits[index].class[direction]
                }
                Some(ClassOwner::Unclaimed(queue)) => &mut self.unclaimed[queue],
                None => continue,
            };
            class.take(self.dump, interval, reading.counters);
        }
        let dump = self.dump;
        self.each_class(|class| {
            if class.dump != dump {
                class.counters = None;
                class.figures = None;
            }
        });
    }

    /// Forgets what it has of the classes: their statistics are not to be had.
    pub(crate) fn forget_classes(&mut self) {
        if self.dump_taken_ns.take().is_some() {
            self.each_class(|class| *class = TrackedClass::default());
        }
    }

    fn each_class(&mut self, mut change: impl FnMut(&mut TrackedClass)) {
        for tracked in &mut self.circuits {
            change(&mut tracked.class.down);
            change(&mut tracked.class.up);
        }
        self.unclaimed.iter_mut().for_each(change);
    }

    /// The figures of the circuit at `index`, whose row in `sample` becomes what is kept.
    pub(crate) fn circuit(
        &mut self,
        layout: &Layout,
        index: usize,
        sample: &Sample,
        interval: Option<Interval>,
    ) -> CircuitFigures {
        let tracked = &mut self.circuits[index];
        let now = sample.circuits.get(layout.circuits[index].slot.index()).copied();
        let before = std::mem::replace(&mut tracked.counters, now);
        let offered = match (interval, before, now) {
            (Some(interval), Some(before), Some(now)) => PerDirection::from_fn(|direction| {
                interval.rates(&before[direction], &now[direction])
            }),
            _ => PerDirection::default(),
        };
        CircuitFigures {
            offered,
            class: tracked.class.map(|class| class.figures),
            ..CircuitFigures::default()
        }
    }
}

impl TrackedClass {
    fn take(&mut self, dump: u64, interval: Option<Interval>, now: ClassCounters) {
        let drops_so_far = self.figures.map_or(Packets::default(), |figures| figures.drops);
        let mut figures =
            ClassFigures { drops: drops_so_far, backlog: now.backlog, ..ClassFigures::default() };
        // a class of the same handle that was made anew starts from nothing in all its counters
        let remade = self.counters.is_some_and(|before| now.sent.bytes < before.sent.bytes);
        if let (Some(before), Some(interval), false) = (self.counters, interval, remade) {
            let dropped = grown_wrapping(before.drops, now.drops);
            figures.sent = interval.rate(before.sent, now.sent);
            figures.drops_per_sec = interval.per_sec(dropped);
            figures.drops += Packets::new(dropped);
        }
        *self = Self { counters: Some(now), dump, figures: Some(figures) };
    }
}

/// The classes of the circuit at `index` that `figures` tell about, for adding up by queue.
pub(crate) fn classes_of(
    layout: &Layout,
    index: usize,
    figures: &CircuitFigures,
) -> impl Iterator<Item = (ClassRef, ClassFigures)> {
    let class = layout.circuits[index].class;
    let figures = figures.class;
    Direction::ALL.into_iter().filter_map(move |direction| class[direction].zip(figures[direction]))
}
