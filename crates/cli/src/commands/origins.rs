//! `tidegate origins`: the networks or countries that customers speak with.

use std::path::Path;

use bus::{Origin, OriginGroup, OriginRow, OriginSort, OriginsPage, OriginsQuery, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, milliseconds, pair, rate};
use crate::output::{Look, Output};
use crate::paging::{By, Order, Page, footer};
use crate::quality::sent_again;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text};

use super::flows::origin;

/// Which origins, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What flows are added up by.
    #[arg(value_enum, value_name = "GROUP", default_value = "asn")]
    group: Group,

    /// What orders them. Origins ascend, figures descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "rate")]
    sort: SortKey,

    #[command(flatten)]
    by: By,

    #[command(flatten)]
    order: Order,

    /// Only origins with this text in the number, the name or the country's code.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// What flows are added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Autonomous system.
    Asn,
    /// Country.
    Country,
}

/// What orders origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// The rate now.
    Rate,
    /// Bytes of all its flows since its file was loaded.
    Bytes,
    /// Flows that go on.
    Flows,
    /// RTT of the Internet side, mean of its flows.
    Rtt,
    /// Share of TCP segments sent again.
    Retransmits,
    /// Number or code.
    Origin,
}

impl From<SortKey> for OriginSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Rate => Self::Rate,
            SortKey::Bytes => Self::Bytes,
            SortKey::Flows => Self::Flows,
            SortKey::Rtt => Self::Rtt,
            SortKey::Retransmits => Self::Retransmits,
            SortKey::Origin => Self::Origin,
        }
    }
}

/// Shows origins.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = OriginsQuery {
        group: match options.group {
            Group::Asn => OriginGroup::Asn,
            Group::Country => OriginGroup::Country,
        },
        filter: options.filter.clone(),
        sort: options.sort.into(),
        by: options.by.direction(),
        descending: options.order.descending(options.sort != SortKey::Origin),
        offset: options.page.offset,
        limit: options.page.limit,
    };
    read::<OriginsPage>(socket, Topic::Origins(query), options.watch.watch, output)
}

const HEADS: [Head; 6] = [
    Head::Text("origin"),
    Head::Figure("down / up now"),
    Head::Figure("bytes down / up"),
    Head::Figure("flows"),
    Head::Figure("mean RTT Internet"),
    Head::Figure("sent again in all down / up"),
];

impl Shown for OriginsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Origins(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown = fitted(&HEADS, &["bytes down / up"], self.rows.iter().map(row), look);
        shown.push('\n');
        if self.rows.iter().all(|row| row.origin == Origin::default()) {
            shown.push_str("No origin is known: [files] origins names the tables that tell.\n");
        }
        shown.push_str(&footer("origin", self.rows.len(), self.matched, self.total));
        shown
    }
}

fn row(it: &OriginRow) -> Vec<Cell> {
    vec![
        text(&origin(&it.origin)),
        figure(pair(it.rate_bps, rate)),
        figure(pair(it.bytes, bytes)),
        figure(count(it.flows.into())),
        figure(milliseconds(it.rtt.map(|rtt| rtt.mean_us))),
        sent_again(&it.retransmits),
    ]
}
