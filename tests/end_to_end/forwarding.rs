//! The other ways in which packets cross the box.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use testkit::{Forwarding, Ping, Place};
use units::{BitsPerSec, Direction};

use crate::lifecycle::{traces, traces_of};
use crate::provider::{Circuit, Provider, two_nics};
use crate::service::tidegated;
use crate::stage::{Stage, UNKNOWN_HOST, ensure_near};

fn provider(interfaces: String) -> Provider {
    let circuit = Circuit::new("one", "100.64.1.1", "2001:db8:1::1", (20.0, 10.0));
    Provider { interfaces, ..Provider::flat(vec![circuit]) }
}

/// Shaped both ways in both families, and unknown hosts pass.
fn shapes(stage: &Stage) -> Result<()> {
    let unknown: IpAddr = UNKNOWN_HOST.parse()?;
    for (address, direction, plan) in
        [("100.64.1.1", Direction::Download, 20.0), ("2001:db8:1::1", Direction::Upload, 10.0)]
    {
        let measured = stage.goodput(address.parse()?, direction, 4)?;
        ensure_near(&format!("{direction} to {address}"), measured, plan, 0.05)?;
    }
    let ping = Ping::from(unknown, stage.lab.server_for(unknown));
    let report = ping.run(&stage.lab, Place::Customers)?;
    ensure!(report.lost == 0, "{report:?}");
    Ok(())
}

/// Forwards and shapes on when its daemon is killed, and is taken over by the next one.
fn outlives_its_daemon(stage: &mut Stage) -> Result<()> {
    stage.daemon.take().context("no daemon runs")?.kill();
    let alone = stage.goodput("100.64.1.1".parse()?, Direction::Download, 3)?;
    ensure_near("without a daemon", alone, 20.0, 0.05)?;
    stage.start().context("the successor")
}

#[test]
fn without_a_linux_bridge() -> Result<()> {
    let mut stage = Stage::dark(&provider(two_nics("xdp-bridge")), Forwarding::None, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    shapes(&stage)?;
    outlives_its_daemon(&mut stage)?;
    stage.stop()?;
    ensure!(traces(&stage)? == before, "something is left");
    stage.start()?;
    stage.daemon.take().context("no daemon runs")?.kill();
    let told = tidegated(&stage, "--take-down")?.checked()?;
    ensure!(told.stdout.contains("nothing passes between customers and the Internet"), "{told}");
    ensure!(traces(&stage)? == before, "something is left when it was taken down");
    Ok(())
}

#[test]
fn on_a_stick() -> Result<()> {
    let interfaces = format!(
        "mode = \"stick\"\ninterface = \"{}\"\ninternet_vlan = 10\ncustomers_vlan = 20",
        testkit::BOX_STICK
    );
    let forwarding = Forwarding::Stick { internet_vlan: 10, customers_vlan: 20 };
    let mut stage = Stage::dark(&provider(interfaces), forwarding, 1500)?;
    let before = traces_of(&stage, &[testkit::BOX_STICK])?;
    stage.start()?;
    shapes(&stage)?;
    outlives_its_daemon(&mut stage)?;
    stage.stop()?;
    ensure!(traces_of(&stage, &[testkit::BOX_STICK])? == before, "something is left");
    Ok(())
}

#[test]
fn observing_shapes_nothing() -> Result<()> {
    let mut stage = Stage::dark(&provider(two_nics("observe")), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let rate = stage.goodput("100.64.1.1".parse()?, Direction::Download, 2)?;
    ensure!(rate > BitsPerSec::from_mbps(50), "observed, but {rate}");
    let page = stage.client()?.circuits(bus::CircuitsQuery::default())?;
    ensure!(page.rows.len() == 1 && page.rows[0].class.down.is_none(), "{page:?}");
    let log = stage.daemon.as_ref().map(testkit::Daemon::log).unwrap_or_default();
    stage.stop()?;
    ensure!(!log.contains("WARN"), "{log}");
    ensure!(traces(&stage)? == before, "something is left");
    Ok(())
}
