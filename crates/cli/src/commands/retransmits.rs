//! `tidegate retransmits`: TCP segments that were sent again.

use std::path::Path;

use bus::{
    RetransmitEvent, RetransmitGroup, RetransmitRow, RetransmitSort, RetransmitsPage,
    RetransmitsQuery, Topic, View,
};
use clap::{Args, ValueEnum};
use comfy_table::Cell;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{count, duration, pair};
use crate::output::{Look, Output};
use crate::paging::{By, Order, Page, footer};
use crate::quality::sent_again;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, table, text};

use super::flows::ends;

/// Whose retransmissions, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whose.
    #[arg(value_enum, value_name = "GROUP", default_value = "circuits")]
    group: Group,

    /// What orders them. They descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "share")]
    sort: SortKey,

    #[command(flatten)]
    by: By,

    #[command(flatten)]
    order: Order,

    /// Only those with this text in the circuit's id or name or an address.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only those of the circuit with this id, events too.
    #[arg(long, value_name = "CIRCUIT")]
    circuit: Option<String>,

    /// Also show so many of the newest events.
    #[arg(long, value_name = "COUNT", default_value = "0",
        value_parser = clap::value_parser!(u32).range(0..=i64::from(RetransmitsQuery::MAX_EVENTS)))]
    events: u32,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// Whose retransmissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Of each circuit.
    Circuits,
    /// Of each host on the customers' side.
    Hosts,
    /// Of each flow.
    Flows,
}

/// What orders retransmissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// Share of TCP segments sent again.
    Share,
    /// Segments sent again, a second.
    Rate,
    /// Segments sent again, in all.
    Count,
    /// Segments overtaken, in all.
    Reordered,
}

impl From<SortKey> for RetransmitSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Share => Self::Share,
            SortKey::Rate => Self::Rate,
            SortKey::Count => Self::Count,
            SortKey::Reordered => Self::Reordered,
        }
    }
}

/// Shows retransmissions.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = RetransmitsQuery {
        group: match options.group {
            Group::Circuits => RetransmitGroup::Circuits,
            Group::Hosts => RetransmitGroup::Hosts,
            Group::Flows => RetransmitGroup::Flows,
        },
        filter: options.filter.clone(),
        circuit: options.circuit.clone(),
        sort: options.sort.into(),
        by: options.by.direction(),
        descending: options.order.descending(true),
        offset: options.page.offset,
        limit: options.page.limit,
        events: options.events,
    };
    read::<RetransmitsPage>(socket, Topic::Retransmits(query), options.watch.watch, output)
}

const HEADS: [Head; 7] = [
    Head::Text("circuit"),
    Head::Text("name"),
    Head::Whole("host or flow"),
    Head::Figure("sent again now down / up"),
    Head::Figure("a second down / up"),
    Head::Figure("in all down / up"),
    Head::Figure("overtaken in all down / up"),
];

impl Shown for RetransmitsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Retransmits(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut heads = HEADS;
        if self.rows.iter().any(|row| row.host.is_some() || row.flow.is_some()) {
            heads[3] = Head::Figure("sent again in all down / up");
        }
        let spare = ["name", "overtaken in all down / up", "a second down / up"];
        let mut shown = fitted(&heads, &spare, self.rows.iter().map(row), look);
        shown.push('\n');
        shown.push_str(&footer("row", self.rows.len(), self.matched, self.total));
        if !self.events.is_empty() {
            shown.push_str("\nNewest\n");
            shown.push_str(&table(&EVENT_HEADS, self.events.iter().map(event), look));
        }
        if self.events_lost > 0 {
            shown.push_str(&format!("\nevents lost: {}\n", count(self.events_lost)));
        }
        shown
    }
}

fn row(it: &RetransmitRow) -> Vec<Cell> {
    let subject = match (&it.flow, &it.host) {
        (Some(flow), _) => between(flow),
        (None, Some(host)) => host.to_string(),
        (None, None) => "-".to_owned(),
    };
    let figures = it.retransmits.as_ref();
    vec![
        text(it.circuit.as_deref().unwrap_or("-")),
        text(it.name.as_deref().unwrap_or("-")),
        text(&subject),
        sent_again(&it.retransmits),
        figure(pair(figures.map(|it| it.per_sec), count)),
        figure(pair(figures.map(|it| it.count), count)),
        figure(pair(figures.map(|it| it.reordered), count)),
    ]
}

const EVENT_HEADS: [Head; 6] = [
    Head::Figure("seen"),
    Head::Text("direction"),
    Head::Text("circuit"),
    Head::Whole("flow"),
    Head::Figure("sequence"),
    Head::Figure("bytes"),
];

fn event(it: &RetransmitEvent) -> Vec<Cell> {
    vec![
        figure(format!("{} ago", duration(it.seen_ms_ago))),
        text(&it.direction.to_string()),
        text(it.circuit.as_deref().unwrap_or("-")),
        text(&between(&it.flow)),
        figure(it.sequence),
        figure(count(it.length.into())),
    ]
}

fn between(flow: &bus::FlowKey) -> String {
    let (customer, internet) = ends(flow);
    format!("{customer} - {internet}")
}
