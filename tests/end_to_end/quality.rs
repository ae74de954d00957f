//! Round trips and retransmissions under a plan that TCP overruns.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{
    CircuitSort, CircuitsQuery, RetransmitGroup, RetransmitsQuery, RttGroup, RttQuery, RttSort,
    TreeQuery,
};
use testkit::{Iperf, wait_until};
use units::{Direction, Segment};

use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

#[test]
fn round_trips_and_retransmissions_are_measured() -> Result<()> {
    let stage = Stage::new(&Provider {
        network: r#"{"AP": {"downloadBandwidthMbps": 100, "uploadBandwidthMbps": 50}}"#,
        ..Provider::flat(vec![
            Circuit::new("busy", "100.64.1.1", "", (20.0, 5.0)).under("AP", (1.0, 1.0)),
            Circuit::new("quiet", "100.64.1.2", "", (20.0, 5.0)).under("AP", (1.0, 1.0)),
        ])
    })?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let mut iperf = Iperf::new(customer, Direction::Download, 5201);
    (iperf.seconds, iperf.streams, iperf.omit) = (4, 4, 0);
    let goodput = iperf.run(&stage.lab)?;
    ensure!(goodput.retransmits > 0, "the plan was not overrun: {goodput:?}");
    std::thread::sleep(Duration::from_millis(2_200));

    let mut client = stage.client()?;
    let all = client.retransmits(RetransmitsQuery { events: 10, ..Default::default() })?;
    let busy = all.rows.iter().find(|row| row.circuit.as_deref() == Some("busy"));
    let counted = busy.context("no circuit")?.retransmits.down.count;
    // the sender counts those as well that its own queue lost
    println!("{counted} retransmissions seen, {} by the sender", goodput.retransmits);
    let near = goodput.retransmits / 10 + 10;
    ensure!(counted.abs_diff(goodput.retransmits) <= near, "{counted}: {goodput:?} {all:#?}");
    ensure!(all.events_lost == 0 && all.events.len() as u64 == counted.min(10), "{all:#?}");
    ensure!(all.events.iter().all(|event| event.circuit.as_deref() == Some("busy")), "{all:#?}");
    let hosts = RetransmitsQuery { group: RetransmitGroup::Hosts, ..Default::default() };
    let hosts = client.retransmits(hosts)?;
    let host = hosts.rows.first().context("no host")?;
    ensure!(host.host == Some(customer), "{hosts:#?}");
    ensure!(host.retransmits.down.count == counted, "{counted}: {hosts:#?}");
    let status = client.status()?;
    ensure!(status.retransmits.down.count == counted, "{counted}: {status:#?}");

    round_trips_are_plausible(&stage)
}

fn round_trips_are_plausible(stage: &Stage) -> Result<()> {
    let mut client = stage.client()?;
    for group in [RttGroup::Box, RttGroup::Nodes, RttGroup::Circuits] {
        let query = RttQuery { group, sort: RttSort::P50, histogram: true, ..RttQuery::default() };
        let page = client.rtt(query)?;
        let row = page.rows.first().context("no row")?;
        for segment in Segment::ALL {
            let rtt = row.rtt[segment].with_context(|| format!("{segment}: {page:#?}"))?;
            let ascending = rtt.p50_us <= rtt.p90_us && rtt.p90_us <= rtt.p99_us;
            ensure!(ascending && rtt.samples > 0, "{rtt:?}");
            ensure!((10..50_000).contains(&rtt.p50_us), "{group:?}, {segment}: {rtt:?}");
        }
        // packets wait in the box before they go to the customer, the Internet's side is at once
        let [customer, internet] = Segment::ALL.map(|segment| row.rtt[segment].unwrap_or_default());
        ensure!(customer.p50_us > internet.p50_us && customer.samples > 100, "{row:#?}");
        let histogram = page.histogram.context("no histogram")?;
        let samples: u64 = histogram.customer.iter().map(|bin| bin.samples).sum();
        ensure!(samples >= customer.samples, "{samples} in the histogram: {row:#?}");
    }
    let slow = CircuitsQuery {
        rtt_samples_min: 10,
        sort: CircuitSort::RttCustomer,
        descending: true,
        ..CircuitsQuery::default()
    };
    let slow = client.circuits(slow)?;
    ensure!(slow.total == 2 && slow.rows.len() == 1 && &*slow.rows[0].id == "busy", "{slow:#?}");
    let leaf = slow.rows[0].leaf.down.as_ref().context("no leaf")?;
    ensure!(leaf.drops > 0 && leaf.drops >= slow.rows[0].drops.down, "{slow:#?}");
    // what has no samples comes last in either order
    for descending in [false, true] {
        let query = CircuitsQuery {
            sort: CircuitSort::RttCustomer,
            descending,
            ..CircuitsQuery::default()
        };
        let ids: Vec<_> = client.circuits(query)?.rows.into_iter().map(|row| row.id).collect();
        ensure!(*ids[0] == *"busy" && *ids[1] == *"quiet", "{ids:?}");
    }
    wait_until("the tree's figures", Duration::from_secs(3), || {
        let tree = stage.client()?.tree(TreeQuery::default())?;
        let node = tree.nodes.first().context("no node")?;
        Ok((node.rtt.customer.is_some() && node.retransmits.down.count > 0).then_some(()))
    })
}
