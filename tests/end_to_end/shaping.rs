//! Circuits get their plans, nodes hold their limits, the quiet stay undisturbed.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use testkit::{Iperf, Ping, Place};
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

/// How near to the plan a circuit has to be.
const PLAN: f64 = 0.05;
/// How near to its share of a full node: headers are part of the node's limit.
const SHARE: f64 = 0.12;

/// Each circuit alone, in each direction and family.
fn reaches_plan(circuit: Circuit, seconds: u32) -> Result<()> {
    let addresses: Vec<IpAddr> = circuit.addresses().collect();
    let (id, (down, up)) = (circuit.id, circuit.max);
    let stage = Stage::new(&Provider::flat(vec![circuit]))?;
    for address in addresses {
        for (direction, plan) in Direction::ALL.into_iter().zip([down, up]) {
            let mut measured = stage.goodput(address, direction, seconds)?;
            // what else the machine does takes from a rate and never adds to it
            if measured.mbps() < plan * (1.0 - PLAN) {
                measured = stage.goodput(address, direction, seconds)?;
            }
            ensure_near(&format!("{id}, {direction} to {address}"), measured, plan, PLAN)?;
        }
    }
    Ok(())
}

#[test]
fn one_mbps_is_reached() -> Result<()> {
    reaches_plan(Circuit::new("slow", "100.64.1.1", "2001:db8:1::1", (1.0, 1.0)), 8)
}

#[test]
fn usual_rates_are_reached() -> Result<()> {
    reaches_plan(Circuit::new("usual", "100.64.1.2", "2001:db8:1::2", (50.0, 10.0)), 4)
}

#[test]
fn five_hundred_mbps_are_reached() -> Result<()> {
    reaches_plan(Circuit::new("fast", "100.64.1.3", "2001:db8:1::3", (500.0, 500.0)), 4)
}

/// Two circuits that each could fill their access point.
fn crowded() -> Provider {
    Provider {
        network: r#"{"AP": {"downloadBandwidthMbps": 30, "uploadBandwidthMbps": 15}}"#,
        ..Provider::flat(vec![
            Circuit::new("large", "100.64.1.1", "", (30.0, 15.0)).under("AP", (10.0, 5.0)),
            Circuit::new("small", "100.64.1.2", "", (30.0, 15.0)).under("AP", (5.0, 2.5)),
        ])
    }
}

#[test]
fn a_node_holds_its_limit_and_is_shared_by_min_rates() -> Result<()> {
    let stage = Stage::new(&crowded())?;
    let (large, small) = ("100.64.1.1".parse()?, "100.64.1.2".parse()?);
    for (direction, limit) in Direction::ALL.into_iter().zip([30.0, 15.0]) {
        let rates = stage.goodputs(&[(large, direction), (small, direction)], 8)?;
        let sum: f64 = rates.iter().map(|rate| rate.mbps()).sum();
        ensure!(sum <= limit * 1.02, "{direction}: {sum:.2} of {limit} Mbps");
        let payload = limit * 0.955;
        ensure_near(&format!("large, {direction}"), rates[0], payload * 2.0 / 3.0, SHARE)?;
        ensure_near(&format!("small, {direction}"), rates[1], payload / 3.0, SHARE)?;
    }
    Ok(())
}

#[test]
fn a_busy_circuit_does_not_delay_a_quiet_one() -> Result<()> {
    let provider = Provider {
        network: r#"{"AP": {"downloadBandwidthMbps": 100, "uploadBandwidthMbps": 50}}"#,
        ..Provider::flat(vec![
            Circuit::new("busy", "100.64.1.1", "", (20.0, 5.0)).under("AP", (2.0, 1.0)),
            Circuit::new("quiet", "100.64.1.2", "", (20.0, 5.0)).under("AP", (2.0, 1.0)),
        ])
    };
    let stage = Stage::new(&provider)?;
    let quiet: IpAddr = "100.64.1.2".parse()?;
    let mut ping = Ping::from(quiet, stage.lab.server_for(quiet));
    (ping.count, ping.interval_ms) = (100, 30);
    let idle = ping.run(&stage.lab, Place::Customers)?;
    let mut iperf = Iperf::new("100.64.1.1".parse()?, Direction::Download, 5201);
    (iperf.seconds, iperf.streams) = (6, 4);
    let run = iperf.start(&stage.lab)?;
    let busy = ping.run(&stage.lab, Place::Customers)?;
    ensure_near("busy", run.finish()?.rate, 20.0, PLAN)?;
    ensure!(busy.lost == 0, "{} of {} probes were lost", busy.lost, busy.sent);
    let median = |report: &testkit::PingReport| report.percentile_ms(50).context("no answers");
    let (before, under_load) = (median(&idle)?, median(&busy)?);
    println!("median {before:.2} ms idle, {under_load:.2} ms beside a busy neighbour");
    ensure!(under_load <= before + 3.0, "{before:.2} ms rose to {under_load:.2} ms");
    Ok(())
}
