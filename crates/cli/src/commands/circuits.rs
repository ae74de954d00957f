//! `tidegate circuits`: what each circuit is sold, what it gets, what is dropped.

use std::path::Path;

use bus::{CircuitRow, CircuitSort, CircuitsPage, CircuitsQuery, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;
use schemars::JsonSchema;
use serde::Serialize;
use units::{PerDirection, PerSegment};

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, duration, exact_rate, milliseconds, pair, percent, rate, sum};
use crate::output::{Look, Output, Tone};
use crate::paging::{By, Order, Page, footer};
use crate::quality::sent_again;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text, toned};

use super::circuit::One;

/// Which circuits, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What orders them. Texts ascend and figures descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "id")]
    sort: SortKey,

    /// The slowest first: those whose customers' side has the highest RTT (90th percentile), of
    /// circuits with at least 20 samples there; shows retransmissions and what waits beside it.
    #[arg(long, conflicts_with_all = ["sort", "by"])]
    slow: bool,

    #[command(flatten)]
    by: By,

    #[command(flatten)]
    order: Order,

    /// Only circuits whose id, name or an address contains this text, whatever its letter case, or
    /// that have this address.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only the circuit with this id, as it is in force: all about it, with addresses and queues.
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Only circuits at or below this node, given by name or id.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// What orders circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// Stable identity.
    Id,
    /// Name.
    Name,
    /// Parent node's name.
    Node,
    /// The plan's max rate.
    Plan,
    /// The rate that arrived.
    Offered,
    /// The rate that was let through.
    Sent,
    /// Share of the plan in use.
    Share,
    /// Drops a second.
    Drops,
    /// Bytes waiting.
    Backlog,
    /// RTT of the customers' side, 90th percentile.
    RttCustomer,
    /// RTT of the Internet side, 90th percentile.
    RttInternet,
    /// Share of TCP segments sent again.
    Retransmits,
    /// Packets marked as congested, a second.
    Marks,
}

impl From<SortKey> for CircuitSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Id => Self::Id,
            SortKey::Name => Self::Name,
            SortKey::Node => Self::Node,
            SortKey::Plan => Self::Plan,
            SortKey::Offered => Self::Offered,
            SortKey::Sent => Self::Sent,
            SortKey::Share => Self::Share,
            SortKey::Drops => Self::Drops,
            SortKey::Backlog => Self::Backlog,
            SortKey::RttCustomer => Self::RttCustomer,
            SortKey::RttInternet => Self::RttInternet,
            SortKey::Retransmits => Self::Retransmits,
            SortKey::Marks => Self::Marks,
        }
    }
}

/// Shows circuits.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let topic = Topic::Circuits(query(options));
    if options.slow {
        read::<Slow>(socket, topic, options.watch.watch, output)
    } else if options.id.is_some() {
        read::<One>(socket, topic, options.watch.watch, output)
    } else {
        read::<CircuitsPage>(socket, topic, options.watch.watch, output)
    }
}

fn query(options: &Options) -> CircuitsQuery {
    let sort = if options.slow { SortKey::RttCustomer } else { options.sort };
    let is_text = matches!(sort, SortKey::Id | SortKey::Name | SortKey::Node);
    CircuitsQuery {
        filter: options.filter.clone(),
        id: options.id.clone(),
        node: options.node.clone(),
        rtt_samples_min: if options.slow { SLOW_SAMPLES_MIN } else { 0 },
        sort: sort.into(),
        by: options.by.direction(),
        descending: options.order.descending(!is_text),
        offset: options.page.offset,
        limit: options.page.limit,
    }
}

/// A circuit with fewer RTT samples is not called slow.
const SLOW_SAMPLES_MIN: u32 = 20;

const HEADS: [Head; 11] = [
    Head::Text("id"),
    Head::Text("name"),
    Head::Text("node"),
    Head::Figure("plan down / up"),
    Head::Figure("down / up now"),
    Head::Figure("share down / up"),
    Head::Figure("waiting"),
    Head::Figure("drops/s"),
    Head::Figure("drops in all"),
    Head::Figure("p90 RTT customer"),
    Head::Figure("p90 RTT Internet"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 5] = ["drops in all", "p90 RTT Internet", "waiting", "node", "drops/s"];

impl Shown for CircuitsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Circuits(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown = fitted(&HEADS, &SPARE, self.rows.iter().map(row), look);
        shown.push('\n');
        shown.push_str(&footer("circuit", self.rows.len(), self.matched, self.total));
        shown
    }
}

fn row(circuit: &CircuitRow) -> Vec<Cell> {
    // where no class tells what was let through, nothing is held back
    let now = PerDirection::from_fn(|d| circuit.sent_bps[d].unwrap_or(circuit.offered_bps[d]));
    let p90 = p90(circuit);
    vec![
        text(&circuit.id),
        text(&circuit.name),
        text(circuit.node.as_deref().unwrap_or("-")),
        figure(pair(circuit.plan_bps, exact_rate)),
        figure(if circuit.asleep { "asleep".to_owned() } else { pair(now, rate) }),
        toned(figure(pair(circuit.share_percent, percent)), share_tone(circuit.share_percent)),
        figure(bytes(sum(circuit.backlog_bytes))),
        toned(figure(count(sum(circuit.drops_per_sec))), drops_tone(circuit.drops_per_sec)),
        figure(count(sum(circuit.drops))),
        figure(p90.customer),
        figure(p90.internet),
    ]
}

/// The 90th percentiles of the last minute.
fn p90(circuit: &CircuitRow) -> PerSegment<String> {
    circuit.rtt.map(|rtt| milliseconds(rtt.map(|rtt| rtt.p90_us)))
}

/// Circuits as they are shown when it is asked who is slow.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
struct Slow(CircuitsPage);

const SLOW_HEADS: [Head; 10] = [
    Head::Text("id"),
    Head::Text("name"),
    Head::Text("node"),
    Head::Figure("p90 RTT customer"),
    Head::Figure("samples"),
    Head::Figure("p90 RTT Internet"),
    Head::Figure("sent again now down / up"),
    Head::Figure("share down / up"),
    Head::Figure("waiting"),
    Head::Figure("marks/s"),
];

impl Shown for Slow {
    fn of(view: View) -> Option<Self> {
        CircuitsPage::of(view).map(Self)
    }

    fn text(&self, look: &Look) -> String {
        let page = &self.0;
        let mut shown = fitted(
            &SLOW_HEADS,
            &["marks/s", "node", "waiting"],
            page.rows.iter().map(slow_row),
            look,
        );
        let window = duration(page.window_ms);
        shown.push_str(&format!(
            "\nRTT: 90th percentile of the last {window}, of circuits with at least {SLOW_SAMPLES_MIN} \
             samples on the customers' side.\nThe Internet side, where uploads wait: tidegate rtt \
             circuits --side internet\n"
        ));
        shown.push_str(&footer("circuit", page.rows.len(), page.matched, page.total));
        shown
    }
}

fn slow_row(circuit: &CircuitRow) -> Vec<Cell> {
    let marks =
        circuit.leaf.as_ref().map(|leaf| leaf.as_ref().map_or(0, |leaf| leaf.marks_per_sec));
    let p90 = p90(circuit);
    let samples = circuit.rtt.customer.map_or(0, |rtt| rtt.samples);
    vec![
        text(&circuit.id),
        text(&circuit.name),
        text(circuit.node.as_deref().unwrap_or("-")),
        figure(p90.customer),
        figure(count(samples)),
        figure(p90.internet),
        sent_again(&circuit.retransmits),
        toned(figure(pair(circuit.share_percent, percent)), share_tone(circuit.share_percent)),
        figure(bytes(sum(circuit.backlog_bytes))),
        figure(count(sum(marks))),
    ]
}

/// A limit that is nearly used up is worth a look.
pub(super) fn share_tone(share: PerDirection<f32>) -> Tone {
    if share.down.max(share.up) >= 95.0 { Tone::Notable } else { Tone::Plain }
}

/// So are drops now.
pub(super) fn drops_tone(drops_per_sec: PerDirection<u64>) -> Tone {
    if sum(drops_per_sec) > 0 { Tone::Notable } else { Tone::Plain }
}
