//! The hardware transmit queues.

use std::sync::Arc;

use bus::{QueueRow, QueuesView};
use state::Snapshot;

use super::leaves::tins;

pub(super) fn view(snapshot: &Snapshot) -> QueuesView {
    let queues = snapshot.layout.queues.iter().zip(&snapshot.queues).enumerate();
    let row = |(index, (layout, figures)): (usize, (&state::QueueLayout, &state::QueueFigures))| {
        let leaves = snapshot.leaves.queue(index).copied().unwrap_or_default();
        QueueRow {
            nic: Arc::clone(&layout.nic_name),
            ifindex: layout.nic.get(),
            queue: layout.queue.get(),
            cpu: layout.cpu.get(),
            direction: layout.direction,
            classes: layout.classes,
            leaves: layout.leaves,
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
    QueuesView { tick: snapshot.tick, queues: queues.map(row).collect() }
}
