//! Leaf disciplines.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use config::Leaf;
use units::{Direction, IfIndex};

use super::{Name, Rule, View};
use crate::model::{LeafPlan, Owner};

pub(super) fn check(view: &mut View<'_>) {
    let own: HashMap<_, _> =
        view.config.network.circuits.iter().map(|circuit| (circuit.id.clone(), circuit)).collect();
    for nic in &view.plan.nics {
        let mut handles = HashSet::new();
        for queue in &nic.queues {
            for class in &queue.classes {
                let name = Name { nic: &nic.name, class };
                let direction = queue.direction;
                let wanted = match &class.owner {
                    Owner::Link | Owner::Node(_) => Leaf::None,
                    Owner::Unclaimed => general(view, direction, None, None),
                    Owner::Circuit(id) => match own.get(id) {
                        Some(c) => general(
                            view,
                            direction,
                            c.leaf[direction],
                            Some(c.max[direction].get()),
                        ),
                        None => continue,
                    },
                };
                kind(view, name, wanted);
                let Some(leaf) = class.leaf else { continue };
                let major = leaf.handle.major();
                let fits = (0x1000..=0xfffe).contains(&major) && leaf.handle.minor() == 0;
                view.expect(fits && handles.insert(major), Rule::Handles, name, || {
                    format!("leaf handle {} is out of range or taken", leaf.handle)
                });
                limit(view, name, &leaf);
                view.expect(leaf.direction == direction, Rule::Leaves, name, || {
                    format!("leaf is for the {}", leaf.direction)
                });
                codel(view, name, &leaf, nic.ifindex);
            }
        }
    }
}

/// The leaf that a class should have before the kernel is asked.
fn general(view: &View<'_>, direction: Direction, own: Option<Leaf>, max: Option<u64>) -> Leaf {
    let queues = &view.config.queues;
    let max = max.unwrap_or(queues.link[direction].get());
    match (own, queues.fast_leaf) {
        (Some(own), _) => own,
        (None, Some(fast)) if max >= fast.from.get() => fast.leaf,
        (None, _) => queues.leaf,
    }
}

/// The leaf is the wanted one, or the fall-back where the kernel lacks that.
fn kind(view: &mut View<'_>, name: Name<'_>, wanted: Leaf) {
    let lacks = |leaf: Leaf| match leaf {
        Leaf::Cake(_) => !view.facts.qdiscs.contains("cake"),
        Leaf::FqCodel => !view.facts.qdiscs.contains("fq_codel"),
        Leaf::Fifo | Leaf::None => false,
    };
    let class = name.class;
    let planned = class.leaf.map_or(Leaf::None, |leaf| leaf.kind);
    let right = if lacks(wanted) {
        view.config.queues.leaf_fallback == Some(planned) && !lacks(planned)
    } else {
        planned == wanted
    };
    let explicit = class.leaf.is_none_or(|leaf| leaf.kind != Leaf::None);
    view.expect(right && explicit, Rule::Leaves, name, || {
        format!("has leaf {planned:?}, wanted is {wanted:?}")
    });
}

/// Packets may wait for as long as one and a half of them take, for 5 ms at least, and not for much longer.
fn codel(view: &mut View<'_>, name: Name<'_>, leaf: &LeafPlan, nic: IfIndex) {
    let nics = [&view.facts.customers, &view.facts.internet];
    let Some(facts) = nics.into_iter().find(|facts| facts.ifindex == nic) else { return };
    let frame_bits = (f64::from(facts.mtu) + 22.0) * 8.0;
    let packet_ms = frame_bits / name.class.ceil.get() as f64 * 1e3;
    let least = (1.5 * packet_ms).max(5.0);
    let (target, interval) = (ms(leaf.codel.target), ms(leaf.codel.interval));
    let right = (least - 0.01..=least * 1.01 + 1.0).contains(&(target as f64))
        && interval == (target + 95).max(2 * target);
    view.expect(right, Rule::Leaves, name, || {
        format!("leaf drops for {target} ms in {interval} ms")
    });
}

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// A FIFO holds something; the others know their own limits.
fn limit(view: &mut View<'_>, name: Name<'_>, leaf: &LeafPlan) {
    let limit = leaf.limit.get();
    let right = match leaf.kind {
        Leaf::Fifo => (1..=u64::from(u32::MAX)).contains(&limit),
        Leaf::Cake(_) | Leaf::FqCodel | Leaf::None => limit == 0,
    };
    view.expect(right, Rule::Leaves, name, || format!("leaf limit is {limit} bytes"));
}
