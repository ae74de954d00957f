//! `tidegate circuits`: what each circuit is sold, what it gets, what is dropped.

use std::path::Path;

use bus::{CircuitRow, CircuitSort, CircuitsPage, CircuitsQuery, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;
use units::{Direction, PerDirection};

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, exact_rate, pair, percent, rate, sum};
use crate::output::{Look, Output, Tone};
use crate::reading::{Shown, read};
use crate::table::{Head, figure, table, text, toned};

/// Which circuits, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What orders them. Texts ascend and figures descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "id")]
    sort: SortKey,

    /// The direction whose figure is compared; both together unless given.
    #[arg(long, value_enum, value_name = "DIRECTION")]
    by: Option<ByDirection>,

    #[command(flatten)]
    order: Order,

    /// Only circuits whose id, name or an address contains this text, whatever its letter case.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only circuits at or below this node, given by name or id.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// Which end first.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The smallest first.
    #[arg(long, conflicts_with = "descending")]
    ascending: bool,

    /// The largest first.
    #[arg(long)]
    descending: bool,
}

impl Order {
    /// Whether the largest comes first, where `usual` says what does when nothing is asked for.
    pub(crate) fn descending(&self, usual: bool) -> bool {
        self.descending || (usual && !self.ascending)
    }
}

/// Which part of a long table.
#[derive(Debug, Args)]
pub(crate) struct Page {
    /// The most rows to show.
    #[arg(long, value_name = "ROWS", default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CircuitsQuery::MAX_LIMIT)))]
    pub(crate) limit: u32,

    /// How many rows to skip.
    #[arg(long, value_name = "ROWS", default_value = "0")]
    pub(crate) offset: u32,
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
        }
    }
}

/// One of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByDirection {
    /// Towards the customer.
    Download,
    /// Towards the Internet.
    Upload,
}

/// Shows circuits.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let topic = Topic::Circuits(query(options));
    read::<CircuitsPage>(socket, topic, options.watch.watch, output)
}

fn query(options: &Options) -> CircuitsQuery {
    let is_text = matches!(options.sort, SortKey::Id | SortKey::Name | SortKey::Node);
    CircuitsQuery {
        filter: options.filter.clone(),
        node: options.node.clone(),
        sort: options.sort.into(),
        by: options.by.map(|direction| match direction {
            ByDirection::Download => Direction::Download,
            ByDirection::Upload => Direction::Upload,
        }),
        descending: options.order.descending(!is_text),
        offset: options.page.offset,
        limit: options.page.limit,
    }
}

const HEADS: [Head; 9] = [
    Head::Text("id"),
    Head::Text("name"),
    Head::Text("node"),
    Head::Figure("plan down / up"),
    Head::Figure("down / up now"),
    Head::Figure("share down / up"),
    Head::Figure("waiting"),
    Head::Figure("drops/s"),
    Head::Figure("drops"),
];

impl Shown for CircuitsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Circuits(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown = table(&HEADS, self.rows.iter().map(row), look);
        shown.push('\n');
        shown.push_str(&footer("circuits", self.rows.len(), self.matched, self.total));
        shown
    }
}

fn row(circuit: &CircuitRow) -> Vec<Cell> {
    // where no class tells what was let through, nothing is held back
    let now = PerDirection::from_fn(|d| circuit.sent_bps[d].unwrap_or(circuit.offered_bps[d]));
    vec![
        text(&circuit.id),
        text(&circuit.name),
        text(circuit.node.as_deref().unwrap_or("-")),
        figure(pair(circuit.plan_bps, exact_rate)),
        figure(pair(now, rate)),
        toned(figure(pair(circuit.share_percent, percent)), share_tone(circuit.share_percent)),
        figure(bytes(sum(circuit.backlog_bytes))),
        toned(figure(count(sum(circuit.drops_per_sec))), drops_tone(circuit.drops_per_sec)),
        figure(count(sum(circuit.drops))),
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

/// How much of the whole a page shows.
pub(super) fn footer(what: &str, shown: usize, matched: u32, total: u32) -> String {
    let (shown, matched, total) = (shown as u64, u64::from(matched), u64::from(total));
    let of_all = if matched == total {
        String::new()
    } else {
        format!(" that match, {} in all", count(total))
    };
    let more = if shown < matched { " (--limit and --offset show others)" } else { "" };
    format!("{} of {} {what}{of_all}{more}\n", count(shown), count(matched))
}
