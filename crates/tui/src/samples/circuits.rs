//! Subscribers of the made-up provider.

use std::cmp::Ordering;
use std::sync::Arc;

use bus::{
    CircuitRow, CircuitSort, CircuitsPage, CircuitsQuery, ErrorCode, LeafView, Refusal,
    RetransmitView, RttPercentiles, TinView,
};
use units::{PerDirection, PerSegment, TcHandle};

use super::{HOSTILE, pair, scaled, share, wave};

const STREETS: [&str; 8] = [
    "Mill Lane",
    "Harbour Road",
    "Quay",
    "Alder Way",
    "Station Street",
    "Chapel Hill",
    "Low Moor",
    "High Street",
];
const FAMILIES: [&str; 10] =
    ["Alder", "Birch", "Cedar", "Dale", "Elms", "Fairfax", "Grange", "Hollis", "Ivory", "Juniper"];
const PLANS: [(u64, u64); 4] = [(50, 10), (100, 20), (300, 50), (1_000, 200)];

/// The first one's id.
const FIRST_ID: u32 = 1_001;

/// A page of them; a refusal when the one that is asked for does not exist.
pub(super) fn page(
    circuits: u32,
    query: &CircuitsQuery,
    tick: u64,
) -> Result<CircuitsPage, Refusal> {
    let filter = query.filter.to_lowercase();
    let matches = |row: &CircuitRow| {
        let named = |text: &str| text.to_lowercase().contains(&filter);
        (filter.is_empty()
            || named(&row.id)
            || named(&row.name)
            || row.addresses.iter().any(|it| named(it)))
            && query.node.as_ref().is_none_or(|node| row.node.as_deref() == Some(node))
            && row.rtt.customer.map_or(0, |rtt| rtt.samples) >= u64::from(query.rtt_samples_min)
    };
    let among = match &query.id {
        None => 0..circuits,
        Some(id) => {
            let asked = id.parse::<u32>().ok().and_then(|id| id.checked_sub(FIRST_ID));
            let found = asked.filter(|i| *i < circuits).ok_or_else(|| {
                Refusal::new(ErrorCode::NotFound, format!("there is no circuit {id:?}"))
            })?;
            found..found + 1
        }
    };
    let mut rows: Vec<CircuitRow> = among.map(|i| circuit(i, tick)).filter(matches).collect();
    let matched = rows.len() as u32;
    rows.sort_by(|a, b| {
        let order = compared(a, b, query);
        if query.descending { order.reverse() } else { order }.then_with(|| a.id.cmp(&b.id))
    });
    let rows = rows.into_iter().skip(query.offset as usize).take(query.limit as usize).collect();
    Ok(CircuitsPage { tick, bypass: false, window_ms: 60_000, total: circuits, matched, rows })
}

fn compared(a: &CircuitRow, b: &CircuitRow, query: &CircuitsQuery) -> Ordering {
    let figure = |row: &CircuitRow| -> f64 {
        let of = |figures: PerDirection<f64>| {
            query.by.map_or(figures.down + figures.up, |by| figures[by])
        };
        match query.sort {
            CircuitSort::Plan => of(row.plan_bps.map(|it| it as f64)),
            CircuitSort::Offered => of(row.offered_bps.map(|it| it as f64)),
            CircuitSort::Sent => of(row.sent_bps.map(|it| it.unwrap_or(0) as f64)),
            CircuitSort::Share => of(row.share_percent.map(f64::from)),
            CircuitSort::Drops => of(row.drops_per_sec.map(|it| it as f64)),
            CircuitSort::Backlog => of(row.backlog_bytes.map(|it| it as f64)),
            CircuitSort::RttCustomer => row.rtt.customer.map_or(0.0, |rtt| rtt.p90_us as f64),
            CircuitSort::RttInternet => row.rtt.internet.map_or(0.0, |rtt| rtt.p90_us as f64),
            CircuitSort::Retransmits => {
                of(row.retransmits.map(|it| it.share_percent.map_or(0.0, f64::from)))
            }
            _ => 0.0,
        }
    };
    match query.sort {
        CircuitSort::Name => a.name.cmp(&b.name),
        CircuitSort::Node => a.node.cmp(&b.node),
        _ => figure(a).total_cmp(&figure(b)),
    }
}

/// The access point of a subscriber.
pub(super) fn node(i: u32) -> String {
    let ap = i % 12;
    format!("AP_{}_{}", ["North", "South", "Harbour"][(ap / 4) as usize], ap % 4 + 1)
}

fn name(i: u32) -> String {
    match i {
        7 => "北京小吃店 (Harbour)".to_owned(),
        11 => "Cafe\u{301} Zu\u{308}rich ☂".to_owned(),
        13 => HOSTILE.to_owned(),
        _ => {
            let family = FAMILIES[(i as usize * 7) % FAMILIES.len()];
            let street = STREETS[(i as usize * 5 + i as usize / 8) % STREETS.len()];
            format!("{family}, {} {street}", i % 97 + 1)
        }
    }
}

fn circuit(i: u32, tick: u64) -> CircuitRow {
    let (down, up) = PLANS[(share(i) * 4.0) as usize % 4];
    let plan = pair(down * 1_000_000, up * 1_000_000);
    let quiet = i % 9 == 4;
    // few use much, as everywhere
    let use_of =
        |seed: u32| if quiet { 0.0 } else { share(seed).powi(3) * (0.4 + 0.8 * wave(seed, tick)) };
    let used = pair(use_of(i + 100).min(1.0), use_of(i + 50_000).min(1.0));
    let sent = PerDirection::from_fn(|d| scaled(plan[d], used[d]));
    let full = pair(used.down > 0.9, used.up > 0.9);
    let drops = full.map(|full| if full { 1 + u64::from(i % 40) } else { 0 });
    let slow = 1.0 + 6.0 * share(i + 7).powi(9);
    let rtt = |base: u64, seed| RttPercentiles {
        p50_us: scaled(base, slow * (0.7 + 0.6 * share(seed))),
        p90_us: scaled(base * 3, slow * (0.7 + 0.6 * share(seed + 1))),
        p99_us: scaled(base * 11, slow * (0.7 + 0.6 * share(seed + 2))),
        samples: 20 + u64::from(i % 900),
    };
    let again = |percent: f64| RetransmitView {
        per_sec: (percent * 3.0) as u64,
        count: 1_000,
        reordered: 3,
        share_percent: (!quiet).then_some(percent as f32),
    };
    CircuitRow {
        id: (FIRST_ID + i).to_string().into(),
        name: name(i).into(),
        node: Some(node(i).into()),
        plan_bps: plan,
        min_bps: plan.map(|bps| bps / 5),
        offered_bps: PerDirection::from_fn(|d| scaled(sent[d], 1.02)),
        offered_packets_per_sec: sent.map(|bps| bps / 9_000),
        sent_bps: sent.map(Some),
        share_percent: used.map(|used| (used * 100.0) as f32),
        drops_per_sec: drops,
        drops: drops.map(|drops| drops * 1_234),
        backlog_bytes: full.map(|full| if full { 64_000 + u64::from(i % 50) * 900 } else { 0 }),
        leaf: PerDirection::from_fn(|d| Some(leaf(drops[d], full[d]))),
        rtt: if quiet {
            PerSegment::default()
        } else {
            PerSegment { customer: Some(rtt(8_000, i)), internet: Some(rtt(17_000, i + 3)) }
        },
        retransmits: pair(again(2.4 * share(i + 9).powi(4)), again(0.3 * share(i + 10))),
        queue: PerDirection::both((i % 4) as u16),
        cpu: (i % 4) as u16,
        class: PerDirection::both(Some(TcHandle::new(1, 0x2a))),
        asleep: quiet && i.is_multiple_of(2),
        addresses: addresses(i),
    }
}

fn addresses(i: u32) -> Arc<[Arc<str>]> {
    let v4 = format!("100.64.{}.{}", i / 250 % 64, i % 250 + 1);
    [v4.into(), format!("2001:db8:{:x}::/56", i + 1).into()].into()
}

fn leaf(drops: u64, full: bool) -> LeafView {
    let tin = |name: &str, busy: u64| TinView {
        name: name.into(),
        sent_bytes: busy * 90_000_000,
        drops: drops * busy * 12,
        marks: 0,
        backlog_bytes: if full { busy * 600 } else { 0 },
        peak_delay_us: if full { busy * 900 } else { busy * 40 },
        avg_delay_us: if full { busy * 310 } else { busy * 9 },
        base_delay_us: busy,
    };
    LeafView {
        kind: "cake".into(),
        drops_per_sec: drops,
        drops: drops * 1_234,
        marks_per_sec: drops / 8,
        marks: drops * 80,
        backlog_bytes: if full { 64_000 } else { 0 },
        backlog_packets: if full { 44 } else { 0 },
        tins: vec![tin("bulk", 1), tin("best effort", 100), tin("video", 20), tin("voice", 3)],
    }
}
