//! Filtered, ordered pages of a snapshot.
//!
//! A page is found by selecting its borders and ordering only what lies between, so the cost is
//! linear in the circuits however few rows are asked for.

use std::cmp::Ordering;
use std::net::IpAddr;

use units::{Direction, IpPrefix, Segment};

use crate::snapshot::{ClassFigures, Snapshot};

/// Which circuits, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CircuitQuery {
    /// Only circuits whose id, name or an address contains this, whatever its letter case, or one of
    /// whose blocks has this address.
    pub filter: String,
    /// Only circuits at or below this node, by index in the layout.
    pub node: Option<usize>,
    /// Only circuits with at least as many RTT samples on the customer's side.
    pub rtt_samples_min: u64,
    /// What orders them; the layout's order decides between equals.
    pub sort: CircuitSort,
    /// The direction that is compared; none: the sum of both (the larger of both shares; RTTs have none).
    pub by: Option<Direction>,
    /// The largest first.
    pub descending: bool,
    /// How many matches to skip.
    pub offset: usize,
    /// The most rows.
    pub limit: usize,
}

/// What orders circuits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of a circuit's figures")]
pub enum CircuitSort {
    #[default]
    Id,
    Name,
    Node,
    Plan,
    Offered,
    Sent,
    Share,
    Drops,
    Backlog,
    /// The percentile of the last minute that 90 % do not exceed; those without samples come last.
    Rtt(Segment),
    /// The share of TCP packets that were sent again; those without TCP packets come last.
    Retransmits,
    /// Packets marked as congested by the leaf, a second.
    Marks,
}

/// Which unknown hosts, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownQuery {
    /// Only hosts whose address contains this.
    pub filter: String,
    /// What orders them; the address decides between equals.
    pub sort: UnknownSort,
    /// The largest or latest first.
    pub descending: bool,
    /// How many matches to skip.
    pub offset: usize,
    /// The most rows.
    pub limit: usize,
}

/// What orders unknown hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of a host's figures")]
pub enum UnknownSort {
    #[default]
    LastSeen,
    FirstSeen,
    Bytes,
    Address,
}

/// Part of what matches, as indices in the snapshot's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many there are.
    pub total: usize,
    /// How many match.
    pub matched: usize,
    /// This page's, in the order asked for.
    pub rows: Vec<usize>,
}

impl Snapshot {
    /// The page of circuits that `query` asks for.
    pub fn circuits_page(&self, query: &CircuitQuery) -> Page {
        let layout = &self.layout;
        let filter = query.filter.to_lowercase();
        let address: Option<IpAddr> = filter.parse().ok();
        let has_address = |index: usize| {
            address.is_some_and(|address| {
                let holds = |block: &IpPrefix| block.contains(address);
                let blocks = layout.circuits[index].addresses.iter();
                blocks.filter_map(|block| block.parse().ok()).any(|block| holds(&block))
            })
        };
        let below = query.node.map(|node| layout.at_or_below(Some(node)));
        let matches = |index: &usize| {
            let node = layout.circuits[*index].node;
            below.as_ref().is_none_or(|below| {
                node.is_some_and(|node| below.get(node).copied().unwrap_or(false))
            }) && (filter.is_empty()
                || layout.searched(*index).contains(&filter)
                || has_address(*index))
                && (query.rtt_samples_min == 0
                    || self.circuits[*index].rtt.customer.map_or(0, |rtt| rtt.samples)
                        >= query.rtt_samples_min)
        };
        let matched: Vec<usize> = (0..self.circuits.len()).filter(matches).collect();
        let id = |index: usize| &layout.circuits[index].id;
        let total = self.circuits.len();
        match query.sort {
            CircuitSort::Id => page(total, matched, query, |a, b| id(a).cmp(id(b))),
            CircuitSort::Name => {
                let name = |index: usize| &layout.circuits[index].name;
                page(total, matched, query, |a, b| name(a).cmp(name(b)))
            }
            CircuitSort::Node => {
                let node =
                    |index: usize| layout.circuits[index].node.map(|node| &layout.nodes[node].name);
                page(total, matched, query, |a, b| node(a).cmp(&node(b)))
            }
            _ => {
                let keys: Vec<Option<f64>> =
                    (0..total).map(|index| self.figure(index, query)).collect();
                // what is missing comes last, whichever end is first
                let missing = if query.descending { f64::NEG_INFINITY } else { f64::INFINITY };
                let key = |index: usize| keys[index].unwrap_or(missing);
                page(total, matched, query, |a, b| key(a).total_cmp(&key(b)))
            }
        }
    }

    /// The page of unknown hosts that `query` asks for.
    pub fn unknown_page(&self, query: &UnknownQuery) -> Page {
        let hosts = &self.unknown;
        let filter = query.filter.to_lowercase();
        let matches =
            |index: &usize| filter.is_empty() || hosts[*index].addr.to_string().contains(&filter);
        let matched: Vec<usize> = (0..hosts.len()).filter(matches).collect();
        let bytes = |index: usize| {
            let traffic = &hosts[index].traffic;
            traffic.down.bytes + traffic.up.bytes
        };
        let order = |a: usize, b: usize| match query.sort {
            UnknownSort::LastSeen => hosts[a].last_seen_ns.cmp(&hosts[b].last_seen_ns),
            UnknownSort::FirstSeen => hosts[a].first_seen_ns.cmp(&hosts[b].first_seen_ns),
            UnknownSort::Bytes => bytes(a).cmp(&bytes(b)),
            UnknownSort::Address => hosts[a].addr.cmp(&hosts[b].addr),
        };
        let tie = |a: usize, b: usize| hosts[a].addr.cmp(&hosts[b].addr);
        cut(hosts.len(), matched, (query.offset, query.limit), |a, b| {
            directed(order(a, b), query.descending).then_with(|| tie(a, b))
        })
    }

    /// The figure that orders the circuit at `index`; none where it has none.
    fn figure(&self, index: usize, query: &CircuitQuery) -> Option<f64> {
        let (layout, figures) = (&self.layout.circuits[index], &self.circuits[index]);
        let class = |direction, figure: fn(&ClassFigures) -> u64| {
            figures.class[direction].as_ref().map_or(0, figure) as f64
        };
        let one = |direction: Direction| match query.sort {
            CircuitSort::Plan => layout.max[direction].get() as f64,
            CircuitSort::Offered => figures.offered[direction].sum().bits.get() as f64,
            CircuitSort::Sent => class(direction, |class| class.sent.bits.get()),
            CircuitSort::Share => figures.share_percent(layout.max[direction], direction),
            CircuitSort::Drops => class(direction, |class| class.drops_per_sec),
            CircuitSort::Backlog => class(direction, |class| class.backlog.get()),
            CircuitSort::Marks => {
                self.leaves.circuit(index, direction).map_or(0, |leaf| leaf.marks_per_sec) as f64
            }
            _ => 0.0,
        };
        let share = |direction: Direction| {
            let tcp = figures.offered[direction].tcp;
            let retransmits = figures.tcp[direction].retransmits;
            (tcp.packets_per_sec > 0).then(|| retransmits.share_percent(tcp))
        };
        match query.sort {
            CircuitSort::Rtt(segment) => return figures.rtt[segment].map(|rtt| rtt.p90_ns as f64),
            CircuitSort::Retransmits => return larger(query.by, share),
            _ => {}
        }
        Some(match query.by {
            Some(direction) => one(direction),
            None => {
                let (down, up) = (one(Direction::Download), one(Direction::Upload));
                match query.sort {
                    CircuitSort::Share => down.max(up),
                    _ => down + up,
                }
            }
        })
    }
}

/// The larger of both directions' figures, or the one asked for.
fn larger(by: Option<Direction>, figure: impl Fn(Direction) -> Option<f64>) -> Option<f64> {
    match by {
        Some(direction) => figure(direction),
        None => match (figure(Direction::Download), figure(Direction::Upload)) {
            (Some(down), Some(up)) => Some(down.max(up)),
            (down, up) => down.or(up),
        },
    }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

/// Cuts the page out of the matching indices. Between equals the lower index comes first, whichever
/// way the rest is ordered, so that rows do not jump about.
fn page(
    total: usize,
    matched: Vec<usize>,
    query: &CircuitQuery,
    order: impl Fn(usize, usize) -> Ordering,
) -> Page {
    cut(total, matched, (query.offset, query.limit), |a, b| {
        directed(order(a, b), query.descending).then(a.cmp(&b))
    })
}

fn cut(
    total: usize,
    mut matched: Vec<usize>,
    (offset, limit): (usize, usize),
    order: impl Fn(usize, usize) -> Ordering,
) -> Page {
    let count = matched.len();
    let start = offset.min(count);
    let end = start.saturating_add(limit).min(count);
    let by = |a: &usize, b: &usize| order(*a, *b);
    if start > 0 && start < count {
        matched.select_nth_unstable_by(start, by);
    }
    let rest = &mut matched[start..];
    if end - start < rest.len() {
        rest.select_nth_unstable_by(end - start, by);
    }
    let rows = &mut rest[..end - start];
    rows.sort_unstable_by(by);
    Page { total, matched: count, rows: rows.to_vec() }
}
