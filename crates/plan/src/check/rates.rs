//! Ceilings, guarantees, quanta and bursts.

use std::collections::HashMap;

use config::Config;
use units::{Bytes, Direction, TcHandle};

use super::{Rule, Shelf, View};
use crate::model::{ClassPlan, Owner};

/// A rate below which HTB's counters of a burst would overflow, in bits per second.
const LEAST: u64 = 1_000;

pub(super) fn check(view: &mut View<'_>, shelf: &Shelf<'_>, wanted: &Wanted) {
    let below = sums_below(shelf);
    for class in &shelf.queue.classes {
        ceiling(view, shelf, class, wanted);
        guarantee(view, shelf, class, wanted, &below);
        sizes(view, shelf, class);
    }
    quanta(view, shelf, wanted);
}

/// What the configuration says of each owner in one direction, in bits per second.
pub(super) struct Wanted {
    /// Limits before squashing; nothing for nodes without one.
    limit: HashMap<Owner, Option<u128>>,
    /// Min rates of circuits, with the framing allowance.
    min: HashMap<Owner, u128>,
}

impl Wanted {
    pub(super) fn new(config: &Config, direction: Direction) -> Self {
        let network = &config.network;
        let percent = 100 + u128::from(config.queues.framing_percent);
        let framed = |bits: u64| (u128::from(bits) * percent / 100).min(u64::MAX.into());
        let link = config.queues.link[direction].get();
        let mut limit = HashMap::from([(Owner::Link, Some(link.into())), (Owner::Unclaimed, None)]);
        let mut min = HashMap::new();
        for node in network.nodes.iter().filter(|node| !node.is_virtual) {
            let rate = node.rate[direction].map(|rate| rate.get().into());
            limit.insert(Owner::Node(node.id.clone()), rate);
        }
        for circuit in &network.circuits {
            let owner = Owner::Circuit(circuit.id.clone());
            min.insert(owner.clone(), framed(circuit.min[direction].get()));
            limit.insert(owner, Some(framed(circuit.max[direction].get())));
        }
        Self { limit, min }
    }
}

/// For each class the sum of its children's guaranteed rates.
fn sums_below(shelf: &Shelf<'_>) -> HashMap<TcHandle, u128> {
    let mut below: HashMap<TcHandle, u128> = HashMap::new();
    for class in &shelf.queue.classes {
        *below.entry(class.parent).or_default() += u128::from(class.rate.get());
    }
    below
}

/// The ceiling is the least of the owner's limit and those of all classes above.
fn ceiling(view: &mut View<'_>, shelf: &Shelf<'_>, class: &ClassPlan, wanted: &Wanted) {
    let name = shelf.name(class);
    if let Some(parent) = shelf.parent(class) {
        view.expect(class.ceil <= parent.ceil, Rule::Ceilings, name, || {
            format!("ceiling {} exceeds its parent's {}", class.ceil, parent.ceil)
        });
    }
    let owners = std::iter::once(class).chain(shelf.above(class)).map(|class| &class.owner);
    let least = owners.filter_map(|owner| wanted.limit.get(owner).copied().flatten()).min();
    view.expect(least == Some(class.ceil.get().into()), Rule::Ceilings, name, || {
        format!("ceiling is {} bps, its limits allow {least:?}", class.ceil.get())
    });
}

fn guarantee(
    view: &mut View<'_>,
    shelf: &Shelf<'_>,
    class: &ClassPlan,
    wanted: &Wanted,
    below: &HashMap<TcHandle, u128>,
) {
    let name = shelf.name(class);
    let rate = u128::from(class.rate.get());
    view.expect(class.rate <= class.ceil, Rule::Guarantees, name, || {
        format!("rate {} exceeds its ceiling {}", class.rate, class.ceil)
    });
    view.expect(rate >= LEAST.into(), Rule::Guarantees, name, || {
        format!("rate {} is less than HTB can take", class.rate)
    });
    let sum = below.get(&class.handle).copied().unwrap_or_default();
    view.expect(sum <= rate, Rule::Guarantees, name, || {
        format!("children are guaranteed {sum} bps of {rate}: the limit would not hold")
    });
    match &class.owner {
        Owner::Link => view.expect(class.rate == class.ceil, Rule::Guarantees, name, || {
            format!("is guaranteed {}, not the link", class.rate)
        }),
        Owner::Unclaimed => {}
        Owner::Node(_) => {
            view.expect(rate <= sum.max(LEAST.into()), Rule::Guarantees, name, || {
                format!("is guaranteed {rate} bps, its children {sum}")
            });
        }
        Owner::Circuit(_) => {
            let min = wanted.min.get(&class.owner).copied().unwrap_or(0);
            let min = min.clamp(LEAST.into(), u128::from(class.ceil.get()).max(LEAST.into()));
            view.expect(rate <= min, Rule::Guarantees, name, || {
                format!("is guaranteed {rate} bps, its min rate is {min}")
            });
            let cut = exhausted_above(shelf, class, below);
            view.expect(rate == min || cut, Rule::Guarantees, name, || {
                format!("is guaranteed {rate} bps of {min}, and nothing above it is exhausted")
            });
        }
    }
}

/// Whether a class above gives its children nearly all that it may carry: at least seven eighths.
fn exhausted_above(shelf: &Shelf<'_>, class: &ClassPlan, below: &HashMap<TcHandle, u128>) -> bool {
    shelf.above(class).any(|above| {
        let sum = below.get(&above.handle).copied().unwrap_or_default();
        8 * sum >= 7 * u128::from(above.ceil.get())
    })
}

/// What HTB takes as quantum and burst.
fn sizes(view: &mut View<'_>, shelf: &Shelf<'_>, class: &ClassPlan) {
    let name = shelf.name(class);
    let quantum = class.quantum.get();
    // HTB warns outside of 1,000 to 200,000; one turn has to be enough for one frame.
    let frame = u64::from(shelf.facts.mtu) + 22;
    let fits = (1_000..=200_000.max(frame)).contains(&quantum) && quantum >= frame;
    view.expect(fits, Rule::Quanta, name, || format!("quantum is {quantum}"));
    for (burst, rate) in [(class.burst, class.rate), (class.cburst, class.ceil)] {
        let bytes_per_second = rate.get() / 8;
        // In 32 bits of 64 ns HTB counts 274 s.
        let representable = burst.get() <= bytes_per_second.saturating_mul(274);
        // A millisecond's worth has to fit, or late timers cost rate; 10 ms, or one turn, is plenty.
        let ms = bytes_per_second / 1_000;
        let sensible = burst.get() >= ms.min(256 * 1024)
            && burst.get() <= ms.saturating_mul(10).max(frame).max(quantum)
            && burst > Bytes::new(0);
        view.expect(representable && sensible, Rule::Bursts, name, || {
            format!("bursts of {burst} bytes at {rate}")
        });
    }
}

/// Circuits under one class have quanta in the order of their min rates.
fn quanta(view: &mut View<'_>, shelf: &Shelf<'_>, wanted: &Wanted) {
    let mut siblings: HashMap<TcHandle, Vec<(u128, u64, &ClassPlan)>> = HashMap::new();
    for class in &shelf.queue.classes {
        if let Some(min) = wanted.min.get(&class.owner) {
            let min = (*min).clamp(LEAST.into(), u128::from(class.ceil.get()).max(LEAST.into()));
            let group = siblings.entry(class.parent).or_default();
            group.push((min, class.quantum.get(), class));
        }
    }
    for (_, mut group) in siblings {
        group.sort_by_key(|(min, quantum, _)| (*min, *quantum));
        for pair in group.windows(2) {
            let ((min_a, quantum_a, _), (min_b, quantum_b, class)) = (pair[0], pair[1]);
            let fair = quantum_a <= quantum_b && (min_a != min_b || quantum_a == quantum_b);
            view.expect(fair, Rule::Quanta, shelf.name(class), || {
                format!("quantum {quantum_b} for {min_b} bps beside {quantum_a} for {min_a} bps")
            });
        }
    }
}
