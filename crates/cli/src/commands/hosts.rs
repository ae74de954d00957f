//! `tidegate hosts`: what the flows of each host on the customers' side add up to.

use std::path::Path;

use bus::{HostKind, HostRow, HostSort, HostsPage, HostsQuery, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, duration, milliseconds, pair, rate};
use crate::output::{Look, Output, Tone};
use crate::paging::{By, Order, Page, footer};
use crate::quality::sent_again;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text, toned};

/// Which hosts, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What orders them. Addresses ascend, the others descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "rate")]
    sort: SortKey,

    #[command(flatten)]
    by: By,

    #[command(flatten)]
    order: Order,

    /// Only hosts with this text in the address or the circuit's id or name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only hosts of the circuit with this id.
    #[arg(long, value_name = "CIRCUIT")]
    circuit: Option<String>,

    /// Only hosts of this kind.
    #[arg(long, value_enum, value_name = "KIND", default_value = "all")]
    kind: Kind,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// Whether a device covers a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Both kinds.
    All,
    /// A device covers it.
    Known,
    /// No device covers it: its traffic is not shaped.
    Unknown,
}

/// What orders hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// The rate now.
    Rate,
    /// Bytes since it is remembered.
    Bytes,
    /// Flows that go on.
    Flows,
    /// RTT of the customer's side, mean of its flows.
    RttCustomer,
    /// RTT of the Internet side, mean of its flows.
    RttInternet,
    /// Share of TCP segments sent again.
    Retransmits,
    /// When its last packet was seen.
    LastSeen,
    /// The address, IPv4 before IPv6.
    Address,
}

impl From<SortKey> for HostSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Rate => Self::Rate,
            SortKey::Bytes => Self::Bytes,
            SortKey::Flows => Self::Flows,
            SortKey::RttCustomer => Self::RttCustomer,
            SortKey::RttInternet => Self::RttInternet,
            SortKey::Retransmits => Self::Retransmits,
            SortKey::LastSeen => Self::LastSeen,
            SortKey::Address => Self::Address,
        }
    }
}

/// Shows hosts.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = HostsQuery {
        filter: options.filter.clone(),
        circuit: options.circuit.clone(),
        kind: match options.kind {
            Kind::All => HostKind::All,
            Kind::Known => HostKind::Known,
            Kind::Unknown => HostKind::Unknown,
        },
        sort: options.sort.into(),
        by: options.by.direction(),
        descending: options.order.descending(options.sort != SortKey::Address),
        offset: options.page.offset,
        limit: options.page.limit,
    };
    read::<HostsPage>(socket, Topic::Hosts(query), options.watch.watch, output)
}

const HEADS: [Head; 12] = [
    Head::Whole("address"),
    Head::Text("circuit"),
    Head::Figure("down / up now"),
    Head::Figure("TCP"),
    Head::Figure("UDP"),
    Head::Figure("other"),
    Head::Figure("bytes down / up"),
    Head::Figure("flows"),
    Head::Figure("mean RTT customer"),
    Head::Figure("mean RTT Internet"),
    Head::Figure("sent again in all down / up"),
    Head::Figure("last seen"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 7] =
    ["last seen", "other", "UDP", "TCP", "bytes down / up", "flows", "mean RTT Internet"];

impl Shown for HostsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Hosts(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown = fitted(&HEADS, &SPARE, self.rows.iter().map(row), look);
        shown.push('\n');
        shown.push_str(&footer("host", self.rows.len(), self.matched, self.total));
        shown
    }
}

fn row(host: &HostRow) -> Vec<Cell> {
    let circuit = match &host.circuit {
        Some(circuit) => text(circuit),
        None => toned(text("unknown"), Tone::Notable),
    };
    let (down, up) = (&host.protocols.down, &host.protocols.up);
    let both = |one: u64, other: u64| figure(rate(one.saturating_add(other)));
    let mean = host.rtt.map(|rtt| milliseconds(rtt.map(|rtt| rtt.mean_us)));
    let rest = |it: &bus::ProtocolsView| it.icmp_bps.saturating_add(it.other_bps);
    vec![
        text(&host.addr.to_string()),
        circuit,
        figure(pair(host.rate_bps, rate)),
        both(down.tcp_bps, up.tcp_bps),
        both(down.udp_bps, up.udp_bps),
        both(rest(down), rest(up)),
        figure(pair(host.bytes, bytes)),
        figure(count(host.flows.into())),
        figure(mean.customer),
        figure(mean.internet),
        sent_again(&host.retransmits),
        figure(format!("{} ago", duration(host.last_seen_ms_ago))),
    ]
}
