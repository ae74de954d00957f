//! NICs, queues, handles and the shape of trees.

use std::collections::{HashMap, HashSet};

use config::Mode;
use units::Direction;

use super::{Rule, Shelf, View};
use crate::model::{NicPlan, Owner};

pub(super) fn check(view: &mut View<'_>) {
    nics(view);
    let nics = &view.plan.nics;
    if !view.shapes() {
        for nic in nics {
            view.expect(nic.queues.is_empty(), Rule::Nics, &nic.name, || {
                "has trees although nothing is shaped".to_owned()
            });
        }
        return;
    }
    for nic in nics {
        queues(view, nic);
    }
    shards(view);
}

/// The NICs are those of the mode, customers' first.
fn nics(view: &mut View<'_>) {
    let stick = matches!(view.config.interfaces.mode, Mode::Stick { .. });
    let mut wanted = vec![&view.facts.customers];
    wanted.extend((!stick).then_some(&view.facts.internet));
    let wanted: Vec<_> = wanted.iter().map(|nic| (nic.name.as_str(), nic.ifindex)).collect();
    let planned: Vec<_> = view.plan.nics.iter().map(|n| (n.name.as_str(), n.ifindex)).collect();
    view.expect(planned == wanted, Rule::Nics, "plan", || {
        format!("has NICs {planned:?}, not {wanted:?}")
    });
    let mode = view.plan.mode;
    view.expect(mode == view.config.interfaces.mode, Rule::Nics, "plan", || {
        format!("is for mode {mode:?}")
    });
}

/// Handles and numbers of one NIC's queues.
fn queues(view: &mut View<'_>, nic: &NicPlan) {
    let facts = view.nic_facts(nic);
    let mq = if facts.tx_queues > 1 { (0x0fff, 0) } else { (0, 0) };
    view.expect((nic.mq.major(), nic.mq.minor()) == mq, Rule::Handles, &nic.name, || {
        format!("has mq handle {}", nic.mq)
    });
    let ascending = nic.queues.windows(2).all(|pair| pair[0].queue < pair[1].queue);
    view.expect(ascending, Rule::Queues, &nic.name, || "queues do not ascend".to_owned());
    for queue in &nic.queues {
        let subject = format!("{} queue {}", nic.name, queue.queue);
        let number = u32::from(queue.queue.get());
        view.expect(number < u32::from(facts.tx_queues), Rule::Queues, &subject, || {
            format!("the NIC has {} transmit queues", facts.tx_queues)
        });
        let htb = (u32::from(queue.htb.major()), queue.htb.minor());
        let fits = htb == (number + 1, 0) && htb.0 < 0x0fff;
        view.expect(fits, Rule::Handles, &subject, || format!("has HTB handle {}", queue.htb));
        view.expect(view.facts.cpus.contains(&queue.cpu), Rule::Queues, &subject, || {
            format!("CPU {} is not online", queue.cpu)
        });
        let stick = matches!(view.config.interfaces.mode, Mode::Stick { .. });
        let right = match queue.direction {
            Direction::Download => nic.ifindex == view.facts.customers.ifindex,
            Direction::Upload => stick || nic.ifindex == view.facts.internet.ifindex,
        };
        view.expect(right, Rule::Queues, &subject, || {
            format!("{} does not leave by this NIC", queue.direction)
        });
    }
}

/// Each shard has a queue in both directions, on one CPU.
fn shards(view: &mut View<'_>) {
    let down = view.queues(Direction::Download);
    let up = view.queues(Direction::Upload);
    view.expect(!down.is_empty() && down.len() == up.len(), Rule::Queues, "plan", || {
        format!("has {} queues for downloads, {} for uploads", down.len(), up.len())
    });
    if let Some(count) = view.config.queues.count {
        view.expect(down.len() == usize::from(count), Rule::Queues, "plan", || {
            format!("has {} shards, {count} are configured", down.len())
        });
    }
    for (i, ((_, d), (_, u))) in down.iter().zip(&up).enumerate() {
        view.expect(d.cpu == u.cpu, Rule::Queues, format!("shard {i}"), || {
            format!("downloads are on CPU {}, uploads on CPU {}", d.cpu, u.cpu)
        });
    }
}

/// Handles, order, depth and fixed classes of one HTB.
pub(super) fn check_queue(view: &mut View<'_>, shelf: &Shelf<'_>) {
    let queue = shelf.queue;
    let subject = format!("{} queue {}", shelf.nic.name, queue.queue);
    let mut depth = HashMap::new();
    let mut owners = HashSet::new();
    for class in &queue.classes {
        let name = shelf.name(class);
        let fits = class.handle.major() == queue.htb.major() && class.handle.minor() != 0;
        view.expect(fits, Rule::Handles, name, || "is not a class of its HTB".to_owned());
        view.expect(owners.insert(&class.owner), Rule::Owners, name, || {
            "has a second class in the queue".to_owned()
        });
        let levels = match (&class.owner, depth.get(&class.parent)) {
            (Owner::Link, None) if class.parent == queue.htb => 1,
            (Owner::Link, _) => {
                view.expect(false, Rule::Tree, name, || "is not at the root".to_owned());
                1
            }
            (_, Some(above)) => above + 1,
            (_, None) => {
                let parent = class.parent;
                view.expect(false, Rule::Tree, name, || format!("parent {parent} is not before"));
                1
            }
        };
        // Eight levels: the link, six of nodes, the circuit. A node has to leave room for one.
        let most = if matches!(class.owner, Owner::Node(_)) { 7 } else { 8 };
        view.expect(levels <= most, Rule::Tree, name, || format!("is on level {levels}"));
        view.expect(depth.insert(class.handle, levels).is_none(), Rule::Handles, name, || {
            "another class has this handle".to_owned()
        });
        let closed = shelf
            .parent(class)
            .is_none_or(|parent| matches!(parent.owner, Owner::Link | Owner::Node(_)));
        view.expect(closed, Rule::Tree, name, || "hangs from a leaf class".to_owned());
    }
    view.expect(owners.contains(&Owner::Link), Rule::Tree, &subject, || {
        "has no class for the link".to_owned()
    });
    let default = queue.classes.iter().find(|c| c.handle.minor() == queue.default_class);
    let unclaimed = default.is_some_and(|class| {
        class.owner == Owner::Unclaimed
            && shelf.parent(class).is_some_and(|parent| parent.owner == Owner::Link)
    });
    view.expect(unclaimed, Rule::Tree, &subject, || {
        format!("default class {:x} is not the one for unclaimed traffic", queue.default_class)
    });
}
