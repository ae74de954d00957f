//! Filtered, ordered pages of flows and hosts.

use std::fmt::Write;
use std::net::IpAddr;

use units::{Direction, IpPrefix, Segment};

use crate::flow_snapshot::FlowSnapshot;
use crate::flows::{FlowRow, of_protocol};
use crate::hosts::HostRow;
use crate::origins::{Origin, OriginFigures, OriginId};
use crate::query::Page;
use crate::reading::{FlowKey, Owner, StreamReading};
use crate::recent::RecentFlow;
use crate::top::{Cut, Key, page};

/// Which flows or hosts. What is empty or none lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkerFilter {
    /// A whole address or prefix: what is in it, by either end of a flow. Otherwise a part of an
    /// address as it is written, of the circuit's id or name, or of the origin's name.
    pub text: String,
    /// Whose.
    pub owner: Option<Owner>,
    /// Whether a device covers it.
    pub known: Option<bool>,
    /// The address of either end.
    pub host: Option<IpAddr>,
    /// IANA's number. Of a host it chooses whose bytes and rates order it, and passes only hosts
    /// that have some; 1 and 58 are the same there, and all but TCP, UDP and those are one.
    pub protocol: Option<u8>,
    /// The autonomous system of a flow's Internet side.
    pub asn: Option<u32>,
    /// The country of a flow's Internet side.
    pub country: Option<[u8; 2]>,
}

/// What orders flows, hosts and origins. What lacks the figure comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of figures")]
pub enum TalkerSort {
    #[default]
    Rate,
    Bytes,
    Packets,
    /// Flows in the table.
    Flows,
    /// The smoothed one.
    Rtt(Segment),
    RetransmitShare,
    Retransmits,
    /// Segments that were sent again, a second.
    RetransmitRate,
    Reordered,
    FirstSeen,
    LastSeen,
    /// A host's address, an origin's number or code.
    Identity,
}

/// Which flows or hosts, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkerQuery {
    /// Which.
    pub filter: TalkerFilter,
    /// In which order.
    pub sort: TalkerSort,
    /// The direction that is compared; none: the sum of both (the larger of both shares).
    pub by: Option<Direction>,
    /// Which part.
    pub cut: Cut,
}

impl FlowSnapshot {
    /// The page of flows that `query` asks for, as indices into [`FlowSnapshot::flows`].
    pub fn flows_page(&self, query: &TalkerQuery) -> Page {
        let mut matcher = Matcher::new(self, &query.filter);
        let keys = self.flows.iter().enumerate();
        let keys = keys
            .filter(|(_, flow)| matcher.flow(&flow.key, flow.owner(), flow.origin))
            .map(|(index, flow)| (index, self.flow_key(flow, query)));
        page(self.flows.len(), keys, query.cut)
    }

    /// The page of flows that left that `query` asks for, as indices into [`FlowSnapshot::recent`].
    /// They have no rates; the last seen ones are the last to have left.
    pub fn recent_page(&self, query: &TalkerQuery) -> Page {
        let mut matcher = Matcher::new(self, &query.filter);
        let keys = self.recent.iter().enumerate();
        let keys = keys
            .filter(|(_, flow)| matcher.flow(&flow.key, flow.owner(), flow.origin))
            .map(|(index, flow)| (index, recent_key(flow, query)));
        page(self.recent.len(), keys, query.cut)
    }

    /// The page of hosts that `query` asks for, as indices into [`FlowSnapshot::hosts`]. The filter's
    /// autonomous system and country do not apply.
    pub fn hosts_page(&self, query: &TalkerQuery) -> Page {
        let mut matcher = Matcher::new(self, &query.filter);
        let hosts = self.hosts.iter().enumerate();
        let matched = hosts
            .filter_map(|(index, host)| Some((index, host.as_ref()?)))
            .filter(|(_, host)| matcher.host(host));
        if query.sort == TalkerSort::Identity {
            return by_address(self.hosts_count, matched, query.cut);
        }
        let keys = matched.map(|(index, host)| (index, self.host_key(host, query)));
        page(self.hosts_count, keys, query.cut)
    }

    fn flow_key(&self, flow: &FlowRow, query: &TalkerQuery) -> Key {
        let of = |figure: fn(&StreamReading) -> u64| {
            of_both(query.by, |direction| figure(&flow.streams[direction]))
        };
        match query.sort {
            TalkerSort::Rate => {
                of_both(query.by, |direction| flow.rate(self.tick, direction).bits.get())
            }
            TalkerSort::RetransmitRate => {
                of_both(query.by, |direction| flow.retransmits_per_sec(self.tick, direction))
            }
            TalkerSort::Bytes => of(|stream| stream.traffic.bytes.get()),
            TalkerSort::Packets => of(|stream| stream.traffic.packets.get()),
            TalkerSort::Retransmits => of(|stream| stream.retransmits.into()),
            TalkerSort::Reordered => of(|stream| stream.reordered.into()),
            TalkerSort::Rtt(segment) => flow.rtt(segment).map(|rtt| rtt.smoothed_ns),
            TalkerSort::RetransmitShare => {
                larger(query.by, |direction| flow.retransmit_share_percent(direction))
            }
            TalkerSort::FirstSeen => Some(flow.first_seen_ns),
            TalkerSort::LastSeen => Some(flow.last_seen_ns()),
            TalkerSort::Flows | TalkerSort::Identity => None,
        }
    }

    fn host_key(&self, host: &HostRow, query: &TalkerQuery) -> Key {
        let protocol = query.filter.protocol;
        let traffic = |direction: Direction| {
            let mut traffic = host.traffic[direction];
            match protocol {
                Some(protocol) => *of_protocol(&mut traffic, protocol),
                None => traffic.sum(),
            }
        };
        match query.sort {
            TalkerSort::Rate => of_both(query.by, |direction| {
                let mut rates = host.rates(self.tick, self.interval, direction);
                let rate = match protocol {
                    Some(protocol) => *of_protocol(&mut rates, protocol),
                    None => rates.sum(),
                };
                rate.bits.get()
            }),
            TalkerSort::Bytes => of_both(query.by, |direction| traffic(direction).bytes.get()),
            TalkerSort::Packets => of_both(query.by, |direction| traffic(direction).packets.get()),
            TalkerSort::Flows => Some(host.flows.into()),
            TalkerSort::Rtt(segment) => {
                let rtt = host.rtt[segment];
                (rtt.samples > 0).then_some(rtt.smoothed_ns)
            }
            TalkerSort::RetransmitShare => {
                larger(query.by, |direction| host.resent[direction].share_percent())
            }
            TalkerSort::Retransmits => {
                of_both(query.by, |direction| host.resent[direction].retransmits)
            }
            TalkerSort::RetransmitRate => of_both(query.by, |direction| {
                host.retransmits_per_sec(self.tick, self.interval, direction)
            }),
            TalkerSort::Reordered => {
                of_both(query.by, |direction| host.resent[direction].reordered)
            }
            TalkerSort::FirstSeen => Some(host.first_seen_ns),
            TalkerSort::LastSeen => Some(host.last_seen_ns),
            TalkerSort::Identity => None,
        }
    }
}

/// The page of autonomous systems or countries in the order asked for, of those whose number, name
/// or code contains the filter's text; the rest of the filter does not apply. Their RTTs are those
/// of the Internet's side, whichever segment is asked for.
pub fn origins_page(origins: &[OriginFigures], query: &TalkerQuery) -> Page {
    let key = |origin: &OriginFigures| match query.sort {
        TalkerSort::Rate => of_both(query.by, |direction| origin.rates[direction].bits.get()),
        TalkerSort::Bytes => of_both(query.by, |direction| origin.traffic[direction].bytes.get()),
        TalkerSort::Packets => {
            of_both(query.by, |direction| origin.traffic[direction].packets.get())
        }
        TalkerSort::Flows => Some(origin.flows.into()),
        TalkerSort::Rtt(_) => (origin.rtt.samples > 0).then_some(origin.rtt.smoothed_ns),
        TalkerSort::RetransmitShare => {
            larger(query.by, |direction| origin.resent[direction].share_percent())
        }
        TalkerSort::Retransmits => {
            of_both(query.by, |direction| origin.resent[direction].retransmits)
        }
        TalkerSort::RetransmitRate => {
            of_both(query.by, |direction| origin.retransmits_per_sec[direction])
        }
        TalkerSort::Reordered => of_both(query.by, |direction| origin.resent[direction].reordered),
        TalkerSort::Identity => identity(&origin.origin),
        TalkerSort::FirstSeen | TalkerSort::LastSeen => None,
    };
    let text = query.filter.text.trim().to_lowercase();
    let keys = origins.iter().enumerate();
    let keys = keys
        .filter(|(_, figures)| text.is_empty() || written(&figures.origin).contains(&text))
        .map(|(index, origin)| (index, key(origin)));
    page(origins.len(), keys, query.cut)
}

/// An origin as a filter's text may name it: `AS64500`, name and country's code, in lower case.
fn written(origin: &Origin) -> String {
    let mut text = String::new();
    if let Some(asn) = origin.asn {
        text = format!("as{asn}\n");
    }
    if let Some(name) = &origin.name {
        text.push_str(&name.to_lowercase());
    }
    if let Some(country) = origin.country {
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(&country).to_lowercase());
    }
    text
}

fn identity(origin: &Origin) -> Key {
    let code = origin.country.map(|code| u64::from(u16::from_be_bytes(code)));
    origin.asn.map(u64::from).or(code)
}

fn by_address<'a>(
    total: usize,
    hosts: impl Iterator<Item = (usize, &'a HostRow)>,
    cut: Cut,
) -> Page {
    let mut matched: Vec<(IpAddr, usize)> =
        hosts.map(|(index, host)| (host.address, index)).collect();
    matched.sort_unstable();
    if !cut.ascending {
        matched.reverse();
    }
    let rows = matched.iter().skip(cut.offset).take(cut.limit).map(|(_, index)| *index);
    Page { total, matched: matched.len(), rows: rows.collect() }
}

fn recent_key(flow: &RecentFlow, query: &TalkerQuery) -> Key {
    let of = |figure: fn(&StreamReading) -> u64| {
        of_both(query.by, |direction| figure(&flow.streams[direction]))
    };
    match query.sort {
        TalkerSort::Bytes => of(|stream| stream.traffic.bytes.get()),
        TalkerSort::Packets => of(|stream| stream.traffic.packets.get()),
        TalkerSort::Retransmits => of(|stream| stream.retransmits.into()),
        TalkerSort::Reordered => of(|stream| stream.reordered.into()),
        TalkerSort::Rtt(segment) => flow.rtt(segment).map(|rtt| rtt.smoothed_ns),
        TalkerSort::RetransmitShare => larger(query.by, |direction| {
            flow.streams[direction].retransmit_share_percent(flow.key.protocol)
        }),
        TalkerSort::FirstSeen => Some(flow.first_seen_ns),
        TalkerSort::LastSeen => Some(flow.left_ns),
        TalkerSort::Rate
        | TalkerSort::RetransmitRate
        | TalkerSort::Flows
        | TalkerSort::Identity => None,
    }
}

fn of_both(by: Option<Direction>, figure: impl Fn(Direction) -> u64) -> Key {
    Some(match by {
        Some(direction) => figure(direction),
        None => figure(Direction::Download).saturating_add(figure(Direction::Upload)),
    })
}

/// Of shares in percent: they order by the millionth.
fn larger(by: Option<Direction>, share: impl Fn(Direction) -> Option<f64>) -> Key {
    let key = |direction| share(direction).map(|share| (share * 1e4) as u64);
    match by {
        Some(direction) => key(direction),
        None => key(Direction::Download).max(key(Direction::Upload)),
    }
}

/// A filter, made ready to be asked half a million times.
struct Matcher<'a> {
    snapshot: &'a FlowSnapshot,
    filter: &'a TalkerFilter,
    text: Text,
    /// Whose id or name contains the text, by circuit.
    named: Vec<bool>,
    /// Whether the filter wants one, by origin; none: all match.
    origins: Option<Vec<bool>>,
    /// Whose name contains the text, by origin.
    named_origins: Vec<bool>,
}

impl<'a> Matcher<'a> {
    fn new(snapshot: &'a FlowSnapshot, filter: &'a TalkerFilter) -> Self {
        let origins = || snapshot.origins.iter().map(|row| &row.origin);
        let wanted = (filter.asn.is_some() || filter.country.is_some()).then(|| {
            let is_wanted = |origin: &Origin| {
                filter.asn.is_none_or(|asn| origin.asn == Some(asn))
                    && filter.country.is_none_or(|country| origin.country == Some(country))
            };
            origins().map(is_wanted).collect()
        });
        let text = Text::new(&filter.text);
        let (mut named, mut named_origins) = (Vec::new(), Vec::new());
        if let Text::Part(part, _) = &text {
            let has = |text: &str| text.to_lowercase().contains(part.as_str());
            let circuits = snapshot.layout.circuits.iter();
            named = circuits.map(|it| has(it.id.as_str()) || has(&it.name)).collect();
            named_origins =
                origins().map(|it| it.name.as_ref().is_some_and(|name| has(name))).collect();
        }
        Self { snapshot, filter, text, named, origins: wanted, named_origins }
    }

    fn flow(&mut self, key: &FlowKey, owner: Owner, origin: OriginId) -> bool {
        let at = |of: &[bool]| of.get(origin.index()).copied().unwrap_or(false);
        let ends = [key.customer, key.internet];
        self.owned(owner)
            && self.filter.protocol.is_none_or(|protocol| protocol == key.protocol)
            && self.origins.as_ref().is_none_or(|origins| at(origins))
            && self.filter.host.is_none_or(|host| ends.contains(&host))
            && (ends.iter().any(|end| self.text.matches(*end))
                || self.is_named(owner)
                || at(&self.named_origins))
    }

    fn host(&mut self, host: &HostRow) -> bool {
        let has = |protocol: u8| {
            let mut traffic = host.traffic;
            Direction::ALL
                .iter()
                .any(|direction| of_protocol(&mut traffic[*direction], protocol).packets.get() > 0)
        };
        self.owned(host.owner())
            && self.filter.protocol.is_none_or(has)
            && self.filter.host.is_none_or(|address| address == host.address)
            && (self.text.matches(host.address) || self.is_named(host.owner()))
    }

    fn owned(&self, owner: Owner) -> bool {
        self.filter.owner.is_none_or(|wanted| wanted == owner)
            && self.filter.known.is_none_or(|known| known == (owner != Owner::Unknown))
    }

    fn is_named(&self, owner: Owner) -> bool {
        let Owner::Circuit(slot) = owner else { return false };
        !self.named.is_empty()
            && self.snapshot.layout.circuit_at(slot).is_some_and(|circuit| self.named[circuit])
    }
}

/// What an address is compared with.
enum Text {
    Any,
    Prefix(IpPrefix),
    /// The part, and room for the address to be written into.
    Part(String, String),
}

impl Text {
    fn new(text: &str) -> Self {
        match text.trim() {
            "" => Self::Any,
            text => match text.parse() {
                Ok(prefix) => Self::Prefix(prefix),
                Err(_) => Self::Part(text.to_lowercase(), String::new()),
            },
        }
    }

    fn matches(&mut self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => prefix.contains(address),
            Self::Part(part, written) => {
                written.clear();
                write!(written, "{address}").is_ok() && written.contains(part.as_str())
            }
        }
    }
}
