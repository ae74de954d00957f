//! `tidegate circuits --id`: all about one circuit.

use bus::{CircuitRow, CircuitsPage, LeafView, View};
use schemars::JsonSchema;
use serde::Serialize;
use units::PerDirection;

use crate::figures::{bytes, count, exact_rate, pair, percent, percent_of, rate};
use crate::lines::wrapped;
use crate::output::{Look, Tone};
use crate::quality::rtts;
use crate::reading::Shown;
use crate::table::{Head, figure, fitted, text};

/// A page with the circuit, or with none.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct One(CircuitsPage);

impl Shown for One {
    fn of(view: View) -> Option<Self> {
        CircuitsPage::of(view).map(Self)
    }

    fn text(&self, look: &Look) -> String {
        let rows = self.0.rows.iter().map(|circuit| shown(circuit, self.0.window_ms, look));
        match rows.collect::<Vec<_>>() {
            shown if shown.is_empty() => "no circuit with this id is in force\n".to_owned(),
            shown => shown.join("\n"),
        }
    }
}

const HEADS: [Head; 3] = [Head::Text(""), Head::Figure("download"), Head::Figure("upload")];

fn shown(circuit: &CircuitRow, window_ms: u64, look: &Look) -> String {
    let line = |label: &str, text: &str| wrapped(label, "  ", text, look);
    let mut shown = line("circuit ", &format!("{}: {}", circuit.id, circuit.name));
    shown +=
        &line("below ", circuit.node.as_deref().unwrap_or("no node: it is spread over the queues"));
    shown += &line("addresses: ", &addresses(circuit));
    let class = circuit.class.map(|class| class.map_or("none".to_owned(), |it| it.to_string()));
    let place = format!(
        "queues {}, classes {}, CPU {}",
        pair(circuit.queue, |queue| queue.to_string()),
        pair(class, |class| class),
        circuit.cpu
    );
    shown += &line("download / upload: ", &place);
    if circuit.asleep {
        let asleep = "asleep: it was silent, and gets its class back with the next packets";
        shown += &format!("{}\n", look.paint(Tone::Notable, asleep));
    }
    shown.push('\n');
    let rows = figures(circuit)
        .into_iter()
        .map(|(what, it)| vec![text(what), figure(it.down), figure(it.up)]);
    shown += &fitted(&HEADS, &[], rows, look);
    shown.push('\n');
    shown.extend(rtts(circuit.rtt, window_ms).iter().map(|told| line("", told)));
    shown
}

fn addresses(circuit: &CircuitRow) -> String {
    if circuit.addresses.is_empty() {
        return "none, so nothing of it is shaped".to_owned();
    }
    circuit.addresses.join(", ")
}

/// What is told of both directions, in the order of the packets' way.
fn figures(circuit: &CircuitRow) -> [(&'static str, PerDirection<String>); 13] {
    let leaf = circuit.leaf.as_ref().map(Option::as_ref);
    let of_leaf = |tell: fn(&LeafView) -> String| leaf.map(|it| it.map_or("-".to_owned(), tell));
    let packets = circuit.offered_packets_per_sec;
    [
        ("plan, at least", circuit.min_bps.map(exact_rate)),
        ("plan, at most", circuit.plan_bps.map(exact_rate)),
        ("arrives", circuit.offered_bps.map(rate)),
        ("packets/s", packets.map(count)),
        ("let through", circuit.sent_bps.map(|it| it.map_or("not measured".to_owned(), rate))),
        ("share of the plan", circuit.share_percent.map(percent)),
        ("queue", of_leaf(|leaf| bus::inert(&leaf.kind).into_owned())),
        ("waiting", circuit.backlog_bytes.map(bytes)),
        ("drops/s", circuit.drops_per_sec.map(count)),
        ("drops in all", circuit.drops.map(count)),
        ("marks/s", of_leaf(|leaf| count(leaf.marks_per_sec))),
        ("marks in all", of_leaf(|leaf| count(leaf.marks))),
        ("TCP sent again", circuit.retransmits.map(|it| percent_of(it.share_percent))),
    ]
}
