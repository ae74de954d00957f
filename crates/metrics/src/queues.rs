//! Hardware transmit queues: sums of leaves that come and go, and so rates, no counters.

use bus::{QueueRow, QueuesView};

use crate::page::{Kind, Page};
use crate::traffic::name;

pub(super) fn write(page: &mut Page, queues: &QueuesView) {
    let mut figures = |kind, metric: &str, help: &str, figure: &dyn Fn(&QueueRow) -> u64| {
        page.family(kind, metric, help, |samples| {
            for row in &queues.queues {
                let (queue, cpu) = (row.queue.to_string(), row.cpu.to_string());
                let labels = [
                    ("nic", &*row.nic),
                    ("queue", &*queue),
                    ("cpu", &*cpu),
                    ("direction", name(row.direction)),
                ];
                samples.add(&labels, figure(row));
            }
        });
    };
    figures(
        Kind::Gauge,
        "queue_limit_bytes_per_second",
        "The rate that a queue is held to",
        &|row| row.link_bps / 8,
    );
    figures(
        Kind::Gauge,
        "queue_throughput_bytes_per_second",
        "What a queue's leaves let through",
        &|row| row.sent_bps / 8,
    );
    figures(Kind::Gauge, "queue_drops_per_second", "Packets dropped by a queue's leaves", &|row| {
        row.drops_per_sec
    });
    figures(
        Kind::Gauge,
        "queue_marks_per_second",
        "Packets marked as congested by a queue's leaves",
        &|row| row.marks_per_sec,
    );
    figures(Kind::Gauge, "queue_backlog_bytes", "Bytes waiting in a queue's leaves", &|row| {
        row.backlog_bytes
    });
    figures(Kind::Gauge, "queue_classes", "HTB classes of a queue", &|row| row.classes.into());
}
