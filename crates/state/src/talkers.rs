//! Filtered, ordered pages of flows and hosts.

use std::fmt::Write;
use std::net::IpAddr;

use units::{Direction, IpPrefix, Segment};

use crate::flow_snapshot::FlowSnapshot;
use crate::flows::{FlowRow, of_protocol, share_percent};
use crate::hosts::HostRow;
use crate::origins::{OriginFigures, OriginId};
use crate::query::Page;
use crate::reading::{FlowKey, Owner};
use crate::recent::RecentFlow;
use crate::top::{Cut, Key, page};

/// Which flows or hosts. What is empty or none lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkerFilter {
    /// A whole address or prefix: what is in it, by either end of a flow. Otherwise a part of an
    /// address as it is written.
    pub text: String,
    /// Whose.
    pub owner: Option<Owner>,
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
    /// The smoothed one.
    Rtt(Segment),
    RetransmitShare,
    LastSeen,
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
        let mut text = Text::new(&query.filter.text);
        let TalkerFilter { owner, protocol, .. } = query.filter;
        let has = |host: &HostRow, protocol: u8| {
            let mut traffic = host.traffic;
            Direction::ALL
                .iter()
                .any(|direction| of_protocol(&mut traffic[*direction], protocol).packets.get() > 0)
        };
        let keys = self.hosts.iter().enumerate();
        let keys = keys
            .filter_map(|(index, host)| Some((index, host.as_ref()?)))
            .filter(|(_, host)| {
                owner.is_none_or(|owner| host.owner() == owner)
                    && protocol.is_none_or(|protocol| has(host, protocol))
                    && text.matches(host.address)
            })
            .map(|(index, host)| (index, self.host_key(host, query)));
        page(self.hosts_count, keys, query.cut)
    }

    fn flow_key(&self, flow: &FlowRow, query: &TalkerQuery) -> Key {
        match query.sort {
            TalkerSort::Rate => {
                of_both(query.by, |direction| flow.rate(self.tick, direction).bits.get())
            }
            TalkerSort::Bytes => {
                of_both(query.by, |direction| flow.streams[direction].traffic.bytes.get())
            }
            TalkerSort::Rtt(segment) => flow.rtt(segment).map(|rtt| rtt.smoothed_ns),
            TalkerSort::RetransmitShare => {
                larger(query.by, |direction| flow.retransmit_share_percent(direction))
            }
            TalkerSort::LastSeen => Some(flow.last_seen_ns()),
        }
    }

    fn host_key(&self, host: &HostRow, query: &TalkerQuery) -> Key {
        let protocol = query.filter.protocol;
        match query.sort {
            TalkerSort::Rate => of_both(query.by, |direction| {
                let mut rates = host.rates(self.tick, self.interval, direction);
                let rate = match protocol {
                    Some(protocol) => *of_protocol(&mut rates, protocol),
                    None => rates.sum(),
                };
                rate.bits.get()
            }),
            TalkerSort::Bytes => of_both(query.by, |direction| {
                let mut traffic = host.traffic[direction];
                let traffic = match protocol {
                    Some(protocol) => *of_protocol(&mut traffic, protocol),
                    None => traffic.sum(),
                };
                traffic.bytes.get()
            }),
            TalkerSort::Rtt(segment) => {
                let rtt = host.rtt[segment];
                (rtt.samples > 0).then_some(rtt.smoothed_ns)
            }
            TalkerSort::RetransmitShare => {
                larger(query.by, |direction| host.retransmit_share_percent(direction))
            }
            TalkerSort::LastSeen => Some(host.last_seen_ns),
        }
    }
}

/// The page of autonomous systems or countries in the order asked for; the filter does not apply.
/// Their RTTs are those of the Internet's side, whichever segment is asked for.
pub fn origins_page(origins: &[OriginFigures], query: &TalkerQuery) -> Page {
    let key = |origin: &OriginFigures| match query.sort {
        TalkerSort::Rate => of_both(query.by, |direction| origin.rates[direction].bits.get()),
        TalkerSort::Bytes => of_both(query.by, |direction| origin.traffic[direction].bytes.get()),
        TalkerSort::Rtt(_) => (origin.rtt.samples > 0).then_some(origin.rtt.smoothed_ns),
        TalkerSort::RetransmitShare | TalkerSort::LastSeen => None,
    };
    let keys = origins.iter().enumerate().map(|(index, origin)| (index, key(origin)));
    page(origins.len(), keys, query.cut)
}

fn recent_key(flow: &RecentFlow, query: &TalkerQuery) -> Key {
    let share = |direction| {
        share_percent(flow.retransmits[direction].into(), flow.traffic[direction].packets)
    };
    match query.sort {
        TalkerSort::Rate => None,
        TalkerSort::Bytes => of_both(query.by, |direction| flow.traffic[direction].bytes.get()),
        TalkerSort::Rtt(segment) => flow.rtt_ns[segment],
        TalkerSort::RetransmitShare => larger(query.by, share),
        TalkerSort::LastSeen => Some(flow.left_ns),
    }
}

fn of_both(by: Option<Direction>, figure: impl Fn(Direction) -> u64) -> Key {
    Some(match by {
        Some(direction) => figure(direction),
        None => figure(Direction::Download).saturating_add(figure(Direction::Upload)),
    })
}

/// Of shares in percent: they order by the millionth.
fn larger(by: Option<Direction>, share: impl Fn(Direction) -> f64) -> Key {
    let share = match by {
        Some(direction) => share(direction),
        None => share(Direction::Download).max(share(Direction::Upload)),
    };
    Some((share * 1e4) as u64)
}

/// A filter, made ready to be asked half a million times.
struct Matcher {
    text: Text,
    owner: Option<Owner>,
    protocol: Option<u8>,
    /// By origin; none: all match.
    origins: Option<Vec<bool>>,
}

impl Matcher {
    fn new(snapshot: &FlowSnapshot, filter: &TalkerFilter) -> Self {
        let origins = (filter.asn.is_some() || filter.country.is_some()).then(|| {
            let origins = snapshot.origins.iter().map(|row| &row.origin);
            origins
                .map(|origin| {
                    filter.asn.is_none_or(|asn| origin.asn == Some(asn))
                        && filter.country.is_none_or(|country| origin.country == Some(country))
                })
                .collect()
        });
        let TalkerFilter { owner, protocol, .. } = *filter;
        Self { text: Text::new(&filter.text), owner, protocol, origins }
    }

    fn flow(&mut self, key: &FlowKey, owner: Owner, origin: OriginId) -> bool {
        self.owner.is_none_or(|wanted| wanted == owner)
            && self.protocol.is_none_or(|protocol| protocol == key.protocol)
            && self
                .origins
                .as_ref()
                .is_none_or(|origins| origins.get(origin.index()).copied().unwrap_or(false))
            && (self.text.matches(key.customer) || self.text.matches(key.internet))
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
