//! A page of RTTs: their percentiles, and the box's histogram.

use std::cmp::Ordering;
use std::sync::Arc;

use bus::{Refusal, RttBin, RttGroup, RttPage, RttQuery, RttRow, RttSort};
use state::{Histogram, RttFigures, Snapshot, rtt_bin_floor};
use units::PerSegment;

use super::{Moment, node_named, quality};

/// A row before it is made for the wire.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    id: &'a str,
    name: &'a Arc<str>,
    node: Option<&'a Arc<str>>,
    rtt: &'a PerSegment<Option<RttFigures>>,
}

pub(super) fn view(moment: &Moment<'_>, query: &RttQuery) -> Result<RttPage, Refusal> {
    let snapshot = &moment.snapshot;
    let below = node_named(snapshot, query.node.as_ref())?;
    let (total, matched, rows) = match query.group {
        RttGroup::Box => (1, 1, vec![of_box(snapshot)]),
        RttGroup::Nodes => page(nodes(snapshot, below), snapshot.nodes.len(), query),
        RttGroup::Circuits => page(circuits(snapshot, below), snapshot.circuits.len(), query),
    };
    Ok(RttPage {
        tick: snapshot.tick,
        bypass: snapshot.bypass,
        window_ms: quality::WINDOW_MS,
        total: total as u32,
        matched: matched as u32,
        rows,
        histogram: query.histogram.then(|| snapshot.total.rtt_histogram.as_ref().map(bins)),
    })
}

fn of_box(snapshot: &Snapshot) -> RttRow {
    let nobody: Arc<str> = "".into();
    RttRow {
        id: Arc::clone(&nobody),
        name: nobody,
        node: None,
        rtt: quality::percentiles(&snapshot.total.rtt),
    }
}

fn nodes(snapshot: &Snapshot, below: Option<usize>) -> Vec<Candidate<'_>> {
    let layout = &snapshot.layout;
    let within = layout.at_or_below(below);
    let nodes = layout.nodes.iter().zip(&snapshot.nodes).enumerate();
    let nodes = nodes.filter(|(index, _)| within[*index]);
    nodes
        .map(|(_, (node, figures))| Candidate {
            id: node.id.as_str(),
            name: &node.name,
            node: node.parent.and_then(|parent| layout.nodes.get(parent)).map(|it| &it.name),
            rtt: &figures.rtt,
        })
        .collect()
}

fn circuits(snapshot: &Snapshot, below: Option<usize>) -> Vec<Candidate<'_>> {
    let layout = &snapshot.layout;
    let within = layout.at_or_below(below);
    let circuits = layout.circuits.iter().zip(&snapshot.circuits);
    let circuits = circuits.filter(|(circuit, _)| {
        below.is_none() || circuit.node.is_some_and(|node| within.get(node) == Some(&true))
    });
    circuits
        .map(|(circuit, figures)| Candidate {
            id: circuit.id.as_str(),
            name: &circuit.name,
            node: circuit.node.and_then(|node| layout.nodes.get(node)).map(|it| &it.name),
            rtt: &figures.rtt,
        })
        .collect()
}

fn page(all: Vec<Candidate<'_>>, total: usize, query: &RttQuery) -> (usize, usize, Vec<RttRow>) {
    let filter = query.filter.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&filter);
    let samples = |it: &Candidate<'_>| it.rtt[query.segment].map_or(0, |rtt| rtt.samples);
    let mut matched: Vec<_> = all
        .into_iter()
        .filter(|it| filter.is_empty() || has(it.id) || has(it.name))
        .filter(|it| samples(it) >= query.samples_min.into())
        .collect();
    let count = matched.len();
    let end = (query.offset as usize)
        .saturating_add(query.limit.min(RttQuery::MAX_LIMIT) as usize)
        .min(count);
    let order = |a: &Candidate<'_>, b: &Candidate<'_>| order(a, b, query);
    if end < count {
        matched.select_nth_unstable_by(end, order);
    }
    matched.truncate(end);
    matched.sort_unstable_by(order);
    let rows = matched.into_iter().skip(query.offset as usize).map(row).collect();
    (total, count, rows)
}

/// Rows without samples come last, whichever end is first; rows that are equal by id.
fn order(a: &Candidate<'_>, b: &Candidate<'_>, query: &RttQuery) -> Ordering {
    let directed = |order: Ordering| if query.descending { order.reverse() } else { order };
    let by_id = || a.id.cmp(b.id);
    if query.sort == RttSort::Name {
        return directed(a.name.cmp(b.name)).then_with(by_id);
    }
    let figure = |it: &Candidate<'_>| {
        it.rtt[query.segment].map(|rtt| match query.sort {
            RttSort::P50 => rtt.p50_ns,
            RttSort::P90 | RttSort::Name => rtt.p90_ns,
            RttSort::P99 => rtt.p99_ns,
            RttSort::Samples => rtt.samples,
        })
    };
    match (figure(a), figure(b)) {
        (Some(a), Some(b)) => directed(a.cmp(&b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
    .then_with(by_id)
}

fn row(it: Candidate<'_>) -> RttRow {
    RttRow {
        id: it.id.into(),
        name: Arc::clone(it.name),
        node: it.node.map(Arc::clone),
        rtt: quality::percentiles(it.rtt),
    }
}

fn bins(histogram: &Histogram) -> Vec<RttBin> {
    let bin = |(bin, samples): (u8, u32)| RttBin {
        from_us: rtt_bin_floor(bin).unwrap_or(0) / 1_000,
        to_us: rtt_bin_floor(bin + 1).map(|ns| ns / 1_000),
        samples: samples.into(),
    };
    histogram.filled().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use units::Segment;

    use super::*;

    #[test]
    fn what_has_no_samples_comes_last_whichever_end_is_first() {
        let name: Arc<str> = "n".into();
        let rtt = |p90_ns: Option<u64>| PerSegment {
            customer: p90_ns.map(|p90_ns| RttFigures { p50_ns: 1, p90_ns, p99_ns: 9, samples: 1 }),
            internet: None,
        };
        let all = [("a", None), ("b", Some(5)), ("c", Some(7)), ("d", None), ("e", Some(5))];
        let rtts = all.map(|(_, p90)| rtt(p90));
        for (descending, expected) in [(true, "c b e a d"), (false, "b e c a d")] {
            let candidates = all.iter().zip(&rtts).map(|((id, _), rtt)| Candidate {
                id,
                name: &name,
                node: None,
                rtt,
            });
            let query = RttQuery { descending, segment: Segment::Customer, ..RttQuery::default() };
            let (_, _, rows) = page(candidates.collect(), 5, &query);
            let ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
            assert_eq!(ids.join(" "), expected);
        }
    }
}
