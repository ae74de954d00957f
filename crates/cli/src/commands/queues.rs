//! `tidegate queues`: the hardware transmit queues. The delay is the worst of any CAKE tin.

use std::path::Path;

use bus::{QueueRow, QueuesView, Topic, View};
use comfy_table::Cell;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, exact_rate, milliseconds, percent, rate};
use crate::output::{Look, Output, Tone};
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text, toned};

/// Shows the queues.
pub(super) fn run(socket: &Path, watch: &Watch, output: Output) -> Result<(), Failure> {
    read::<QueuesView>(socket, Topic::Queues, watch.watch, output)
}

const HEADS: [Head; 14] = [
    Head::Text("NIC"),
    Head::Figure("queue"),
    Head::Figure("CPU"),
    Head::Text("direction"),
    Head::Figure("classes"),
    Head::Figure("leaves"),
    Head::Figure("link"),
    Head::Figure("now"),
    Head::Figure("share"),
    Head::Figure("waiting"),
    Head::Figure("drops/s"),
    Head::Figure("drops in all"),
    Head::Figure("marks/s"),
    Head::Figure("delay"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 6] = ["leaves", "classes", "drops in all", "marks/s", "link", "delay"];

impl Shown for QueuesView {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Queues(queues) => Some(queues),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        if self.queues.is_empty() {
            return "no queues: nothing is shaped\n".to_owned();
        }
        fitted(&HEADS, &SPARE, self.queues.iter().map(row), look)
    }
}

fn row(queue: &QueueRow) -> Vec<Cell> {
    let busy = if queue.share_percent >= 95.0 { Tone::Notable } else { Tone::Plain };
    let dropping = if queue.drops_per_sec > 0 { Tone::Notable } else { Tone::Plain };
    vec![
        text(&queue.nic),
        figure(queue.queue),
        figure(queue.cpu),
        figure(queue.direction),
        figure(count(queue.classes.into())),
        figure(count(queue.leaves.into())),
        figure(exact_rate(queue.link_bps)),
        figure(rate(queue.sent_bps)),
        toned(figure(percent(queue.share_percent)), busy),
        figure(bytes(queue.backlog_bytes)),
        toned(figure(count(queue.drops_per_sec)), dropping),
        figure(count(queue.drops)),
        figure(count(queue.marks_per_sec)),
        figure(milliseconds(queue.tins.iter().map(|tin| tin.peak_delay_us).max())),
    ]
}
