//! `tidegate unknown`: hosts that no device covers.

use std::path::Path;

use bus::{Topic, UnknownPage, UnknownQuery, UnknownRow, UnknownSort, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, duration};
use crate::output::{Look, Output};
use crate::paging::{Order, Page, footer};
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted};

/// Which hosts, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What orders them. Addresses ascend, the others descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "last-seen")]
    sort: SortKey,

    #[command(flatten)]
    order: Order,

    /// Only hosts whose address contains this text.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// What orders unknown hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// When a packet was seen last.
    LastSeen,
    /// When a packet was seen first.
    FirstSeen,
    /// Bytes of both directions.
    Bytes,
    /// The address, IPv4 before IPv6.
    Address,
}

impl From<SortKey> for UnknownSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::LastSeen => Self::LastSeen,
            SortKey::FirstSeen => Self::FirstSeen,
            SortKey::Bytes => Self::Bytes,
            SortKey::Address => Self::Address,
        }
    }
}

/// Shows unknown hosts.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = UnknownQuery {
        filter: options.filter.clone(),
        sort: options.sort.into(),
        descending: options.order.descending(options.sort != SortKey::Address),
        offset: options.page.offset,
        limit: options.page.limit,
    };
    read::<UnknownPage>(socket, Topic::Unknown(query), options.watch.watch, output)
}

const HEADS: [Head; 7] = [
    Head::Whole("address"),
    Head::Figure("first seen"),
    Head::Figure("last seen"),
    Head::Figure("bytes down"),
    Head::Figure("bytes up"),
    Head::Figure("packets down"),
    Head::Figure("packets up"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 3] = ["packets up", "packets down", "first seen"];

impl Shown for UnknownPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Unknown(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown = fitted(&HEADS, &SPARE, self.rows.iter().map(row), look);
        shown.push('\n');
        shown.push_str(&footer("unknown host", self.rows.len(), self.matched, self.total));
        shown
    }
}

fn row(host: &UnknownRow) -> Vec<Cell> {
    let ago = |ms| format!("{} ago", duration(ms));
    vec![
        figure(host.addr),
        figure(ago(host.first_seen_ms_ago)),
        figure(ago(host.last_seen_ms_ago)),
        figure(bytes(host.bytes.down)),
        figure(bytes(host.bytes.up)),
        figure(count(host.packets.down)),
        figure(count(host.packets.up)),
    ]
}
