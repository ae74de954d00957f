//! The hardware transmit queues.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bus::{QueueRow, QueuesView};
use plan::{Owner, Plan};
use units::{CircuitId, CircuitSlot, IfIndex, QueueId};

use super::Moment;
use super::leaves::tins;

pub(super) fn view(moment: &Moment<'_>) -> QueuesView {
    let Moment { shared, snapshot, .. } = moment;
    let missing = missing(&shared.current.load().plan, &shared.asleep.load());
    let queues = snapshot.layout.queues.iter().zip(&snapshot.queues).enumerate();
    let row = |(index, (layout, figures)): (usize, (&state::QueueLayout, &state::QueueFigures))| {
        let leaves = snapshot.leaves.queue(index).copied().unwrap_or_default();
        let missing = missing.get(&(layout.nic, layout.queue)).copied().unwrap_or_default();
        QueueRow {
            nic: Arc::clone(&layout.nic_name),
            ifindex: layout.nic.get(),
            queue: layout.queue.get(),
            cpu: layout.cpu.get(),
            direction: layout.direction,
            classes: layout.classes.saturating_sub(missing.classes),
            leaves: layout.leaves.saturating_sub(missing.leaves),
            link_bps: layout.link.get(),
            sent_bps: figures.sum.sent.bits.get(),
            share_percent: snapshot.queue_share_percent(index) as f32,
            drops_per_sec: figures.sum.drops_per_sec,
            drops: figures.sum.drops.get(),
            marks_per_sec: leaves.marks_per_sec,
            marks: leaves.marks.get(),
            overlimits: leaves.overlimits,
            backlog_bytes: figures.sum.backlog.get(),
            backlog_packets: leaves.backlog_packets.get(),
            tins: tins(&snapshot.leaves, &leaves),
        }
    };
    QueuesView { tick: snapshot.tick, bypass: snapshot.bypass, queues: queues.map(row).collect() }
}

/// What the kernel lacks of a queue's plan.
#[derive(Clone, Copy, Default)]
struct Missing {
    classes: u32,
    leaves: u32,
}

/// What the kernel lacks of each queue's plan as its circuits are asleep.
fn missing(plan: &Plan, asleep: &BTreeSet<CircuitSlot>) -> HashMap<(IfIndex, QueueId), Missing> {
    let mut missing: HashMap<_, Missing> = HashMap::new();
    if asleep.is_empty() {
        return missing;
    }
    let sleeps = plan.circuits.iter().filter(|circuit| asleep.contains(&circuit.slot));
    let sleeps: HashSet<&CircuitId> = sleeps.map(|circuit| &circuit.id).collect();
    for nic in &plan.nics {
        for queue in &nic.queues {
            let of_queue = missing.entry((nic.ifindex, queue.queue)).or_default();
            for class in &queue.classes {
                if matches!(&class.owner, Owner::Circuit(id) if sleeps.contains(id)) {
                    of_queue.classes += 1;
                    of_queue.leaves += u32::from(class.leaf.is_some());
                }
            }
        }
    }
    missing
}
