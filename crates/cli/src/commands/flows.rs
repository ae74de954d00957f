//! `tidegate flows`: who speaks with whom, how fast, with which RTT.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use bus::{FlowKey, FlowRow, FlowSort, FlowState, FlowsPage, FlowsQuery, Origin, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{bytes, count, duration, milliseconds, pair, protocol, rate};
use crate::output::{Look, Output};
use crate::paging::{By, Order, Page, footer};
use crate::quality::shares;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text};

/// Which flows, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What orders them: rate without it, last-seen of recent ones. They descend unless said
    /// otherwise.
    #[arg(long, value_enum, value_name = "KEY")]
    sort: Option<SortKey>,

    #[command(flatten)]
    by: By,

    #[command(flatten)]
    order: Order,

    /// Only flows with this text in an address, the circuit's id or name or the origin's name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only flows of the circuit with this id.
    #[arg(long, value_name = "CIRCUIT")]
    circuit: Option<String>,

    /// Only flows with this address at either end.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,

    /// Only flows of this protocol: tcp, udp, icmp, icmpv6 or IANA's number.
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol_number)]
    protocol: Option<u8>,

    /// Only flows with the autonomous system of this number.
    #[arg(long, value_name = "NUMBER", value_parser = asn)]
    asn: Option<u32>,

    /// Only flows with the country of this code.
    #[arg(long, value_name = "CODE")]
    country: Option<String>,

    /// Instead of the flows that go on, those that ended lately ([flows] recent, 5 min by default).
    #[arg(long)]
    recent: bool,

    /// Show more of each: packets, least RTT, TCP flags, DSCP, ECN, age.
    #[arg(long)]
    long: bool,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// What orders flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// The rate now.
    Rate,
    /// Bytes since it began.
    Bytes,
    /// Packets since it began.
    Packets,
    /// RTT of the customer's side, smoothed.
    RttCustomer,
    /// RTT of the Internet side, smoothed.
    RttInternet,
    /// Share of TCP segments sent again.
    Retransmits,
    /// When its first packet was seen.
    FirstSeen,
    /// When its last packet was seen.
    LastSeen,
}

impl From<SortKey> for FlowSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Rate => Self::Rate,
            SortKey::Bytes => Self::Bytes,
            SortKey::Packets => Self::Packets,
            SortKey::RttCustomer => Self::RttCustomer,
            SortKey::RttInternet => Self::RttInternet,
            SortKey::Retransmits => Self::Retransmits,
            SortKey::FirstSeen => Self::FirstSeen,
            SortKey::LastSeen => Self::LastSeen,
        }
    }
}

fn protocol_number(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Ok(6),
        "udp" => Ok(17),
        "icmp" => Ok(1),
        "icmpv6" => Ok(58),
        other => other.parse().map_err(|_| "not tcp, udp, icmp, icmpv6 or 0 to 255".to_owned()),
    }
}

/// `64500` or `AS64500`.
fn asn(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
    digits.parse().map_err(|_| "not a number of an autonomous system".to_owned())
}

/// Shows flows.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let topic = Topic::Flows(FlowsQuery {
        filter: options.filter.clone(),
        circuit: options.circuit.clone(),
        host: options.host,
        protocol: options.protocol,
        asn: options.asn,
        country: options.country.clone(),
        recent: options.recent,
        sort: options
            .sort
            .unwrap_or(if options.recent { SortKey::LastSeen } else { SortKey::Rate })
            .into(),
        by: options.by.direction(),
        descending: options.order.descending(true),
        offset: options.page.offset,
        limit: options.page.limit,
    });
    if options.long {
        read::<Long>(socket, topic, options.watch.watch, output)
    } else {
        read::<FlowsPage>(socket, topic, options.watch.watch, output)
    }
}

const HEADS: [Head; 11] = [
    Head::Whole("customer"),
    Head::Whole("Internet"),
    Head::Text("protocol"),
    Head::Text("circuit"),
    Head::Text("origin"),
    Head::Figure("down / up now"),
    Head::Figure("bytes down / up"),
    Head::Figure("smoothed RTT customer"),
    Head::Figure("smoothed RTT Internet"),
    Head::Figure("sent again in all down / up"),
    Head::Text("state"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 6] =
    ["state", "origin", "bytes down / up", "protocol", "circuit", "smoothed RTT Internet"];

/// The same where all is shown that is known of them.
const LONG_SPARE: [&str; 7] = [
    "DSCP down / up",
    "congested down / up",
    "flags down / up",
    "least RTT Internet",
    "least RTT customer",
    "packets down / up",
    "age",
];

impl Shown for FlowsPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Flows(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        with_footer(fitted(&HEADS, &SPARE, self.rows.iter().map(row), look), self)
    }
}

/// Flows with all that is known of them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
struct Long(FlowsPage);

const MORE_HEADS: [Head; 7] = [
    Head::Figure("age"),
    Head::Figure("packets down / up"),
    Head::Figure("least RTT customer"),
    Head::Figure("least RTT Internet"),
    Head::Figure("flags down / up"),
    Head::Figure("DSCP down / up"),
    Head::Figure("congested down / up"),
];

impl Shown for Long {
    fn of(view: View) -> Option<Self> {
        FlowsPage::of(view).map(Self)
    }

    fn text(&self, look: &Look) -> String {
        let heads = [&HEADS as &[Head], &MORE_HEADS].concat();
        let rows = self.0.rows.iter().map(|flow| [row(flow), more(flow)].concat());
        with_footer(fitted(&heads, &[&SPARE as &[&str], &LONG_SPARE].concat(), rows, look), &self.0)
    }
}

fn with_footer(mut table: String, page: &FlowsPage) -> String {
    table.push('\n');
    table.push_str(&footer("flow", page.rows.len(), page.matched, page.total));
    table
}

fn row(flow: &FlowRow) -> Vec<Cell> {
    let (customer, internet) = ends(&flow.key);
    let streams = flow.streams.as_ref();
    let rtt = flow.rtt.map(|rtt| milliseconds(rtt.map(|rtt| rtt.smoothed_us)));
    let gone = |how: &str| format!("{how} {} ago", duration(flow.last_seen_ms_ago));
    let state = match flow.state {
        FlowState::Open => "open".to_owned(),
        FlowState::Ended => gone("ended"),
        FlowState::Idle => gone("idle since"),
    };
    vec![
        text(&customer),
        text(&internet),
        text(&protocol(flow.key.protocol)),
        text(flow.circuit.as_deref().unwrap_or("-")),
        text(&origin(&flow.origin)),
        figure(pair(streams.map(|stream| stream.rate_bps), rate)),
        figure(pair(streams.map(|stream| stream.bytes), bytes)),
        figure(rtt.customer),
        figure(rtt.internet),
        shares(streams.map(|stream| stream.retransmit_percent)),
        text(&state),
    ]
}

fn more(flow: &FlowRow) -> Vec<Cell> {
    let streams = flow.streams.as_ref();
    let least = flow.rtt.map(|rtt| milliseconds(rtt.map(|rtt| rtt.min_us)));
    let flags =
        |flags: bus::TcpFlags| if flags.0 == 0 { "-".to_owned() } else { flags.to_string() };
    // how many of those that could be marked were
    let congested = streams.map(|it| match it.ect_packets {
        0 => "-".to_owned(),
        capable => format!("{} of {}", count(it.ce_packets), count(capable)),
    });
    vec![
        figure(duration(flow.first_seen_ms_ago)),
        figure(pair(streams.map(|stream| stream.packets), count)),
        figure(least.customer),
        figure(least.internet),
        figure(pair(streams.map(|stream| stream.tcp_flags), flags)),
        figure(pair(streams.map(|stream| stream.dscp), |dscp| dscp.to_string())),
        figure(pair(congested, |it| it)),
    ]
}

/// Both ends with their ports, where the protocol has some.
pub(super) fn ends(key: &FlowKey) -> (String, String) {
    let end = |addr: IpAddr, port: u16| match key.protocol {
        6 | 17 => SocketAddr::new(addr, port).to_string(),
        _ => addr.to_string(),
    };
    (end(key.customer, key.customer_port), end(key.internet, key.internet_port))
}

/// `AS64500 EXAMPLE, NL`, as far as it is known.
pub(super) fn origin(origin: &Origin) -> String {
    let asn = origin.asn.map(|asn| format!("AS{asn}"));
    let system: Vec<&str> = asn.as_deref().into_iter().chain(origin.name.as_deref()).collect();
    let system = (!system.is_empty()).then(|| system.join(" "));
    let parts: Vec<&str> = system.as_deref().into_iter().chain(origin.country.as_deref()).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_and_systems_are_read_as_people_write_them() {
        assert_eq!(["TCP", "icmpv6", "132"].map(protocol_number), [Ok(6), Ok(58), Ok(132)]);
        assert!(protocol_number("sctp").is_err());
        assert_eq!(["64500", "AS64500", "as1"].map(asn), [Ok(64_500), Ok(64_500), Ok(1)]);
        assert!(asn("ASX").is_err());
    }

    #[test]
    fn an_origin_is_as_long_as_what_is_known() {
        let known = Origin { asn: Some(1), name: Some("X".into()), country: Some("NL".into()) };
        assert_eq!(origin(&known), "AS1 X, NL");
        assert_eq!(origin(&Origin { asn: None, name: None, ..known }), "NL");
        assert_eq!(origin(&Origin::default()), "-");
    }
}
