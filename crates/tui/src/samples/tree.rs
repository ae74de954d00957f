//! Sites and access points of the made-up provider.

use bus::{NodeRow, RetransmitView, RttPercentiles, TreeView};
use units::PerSegment;

use super::{HOSTILE, pair, scaled, wave};

pub(super) fn tree(circuits: u32, tick: u64) -> TreeView {
    let mut nodes = Vec::new();
    let regions = ["Site_North", "Site_South", "Site_Harbour"];
    for (i, region) in (0u32..).zip(regions) {
        let kind = if i == 2 { "virtual" } else { "site" };
        nodes.push(node(region, kind, None, circuits / 3, 4_000, wave(i + 30, tick), tick));
    }
    for i in 0..12 {
        let name = super::circuits::node(i);
        let load = if i == 5 { 0.98 } else { 0.2 + 0.6 * wave(i + 40, tick) };
        nodes.push(node(&name, "ap", Some(i / 4), circuits / 12, 1_000, load, tick));
    }
    nodes.push(node("Tower 北", "sector", Some(4), 31, 300, 0.4, tick));
    nodes.push(node("Wiese Zu\u{308}rich", "sector", Some(4), 9, 300, 0.0, tick));
    nodes.push(node(HOSTILE, "ap", Some(0), 2, 100, 0.1, tick));
    TreeView { tick, bypass: false, window_ms: 60_000, nodes }
}

fn node(
    name: &str,
    kind: &str,
    parent: Option<u32>,
    circuits: u32,
    mbps: u64,
    load: f64,
    tick: u64,
) -> NodeRow {
    let limit = pair(mbps * 1_000_000, mbps * 200_000);
    let full = load > 0.95;
    let rtt = RttPercentiles {
        p50_us: scaled(9_000, 1.0 + 3.0 * load.powi(4)),
        p90_us: 30_000,
        p99_us: 90_000,
        samples: 3_000,
    };
    let again = RetransmitView {
        share_percent: Some(3.0 * load.powi(5) as f32),
        ..RetransmitView::default()
    };
    NodeRow {
        id: name.into(),
        name: name.into(),
        kind: Some(kind.into()),
        is_virtual: kind == "virtual",
        parent,
        depth: u16::from(parent.is_some()),
        circuits,
        limit_bps: limit,
        rate_bps: pair(scaled(limit.down, load), scaled(limit.up, load * 0.4)),
        share_percent: pair((100.0 * load) as f32, (40.0 * load) as f32),
        drops_per_sec: pair(if full { 30 + tick % 40 } else { 0 }, 0),
        drops: pair(70_000, 1),
        rtt: PerSegment { customer: (load > 0.0).then_some(rtt), internet: None },
        retransmits: pair(again, RetransmitView::default()),
    }
}
