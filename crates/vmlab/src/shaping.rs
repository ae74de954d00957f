//! A circuit with CAKE leaves gets its plan, in either direction and family.

use std::net::IpAddr;

use anyhow::Result;
use testkit::{Circuit, Iperf, Provider};
use units::Direction;

use crate::findings::Findings;
use crate::stage::{CAKE, Programs, Stage};

/// A plan, and how far rates may be below or above it.
struct Promise {
    id: &'static str,
    hosts: [&'static str; 2],
    /// Down and up, rates that emulation can carry.
    mbps: [f64; 2],
    tolerance: f64,
    /// How many of the hosts are measured.
    measured: usize,
}

const PROMISES: [Promise; 2] = [
    Promise {
        id: "usual",
        hosts: ["100.64.1.1", "2001:db8:1::1"],
        mbps: [8.0, 4.0],
        tolerance: 0.08,
        measured: 2,
    },
    // One packet takes 12 ms here: with its usual target of 5 ms CAKE would drop before the queue is ever full
    // enough, and a sixth of the rate go unused.
    Promise {
        id: "slow",
        hosts: ["100.64.1.2", "2001:db8:1::2"],
        mbps: [1.0, 1.0],
        tolerance: 0.1,
        measured: 1,
    },
];
const PORT: u16 = 5_201;

/// TCP in each direction and family, each alone.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let circuit = |promise: &Promise| {
        let ([v4, v6], [down, up]) = (promise.hosts, promise.mbps);
        Circuit::new(promise.id, v4, v6, (down, up))
    };
    let circuits = PROMISES.iter().map(circuit).collect();
    let provider = Provider { leaves: CAKE, ..Provider::flat(circuits) };
    let hosts: Vec<_> = PROMISES.iter().flat_map(|promise| promise.hosts).collect();
    let stage = Stage::new(programs, &provider, &hosts)?;
    for promise in &PROMISES {
        for host in promise.hosts.iter().take(promise.measured) {
            for (direction, plan) in Direction::ALL.into_iter().zip(promise.mbps) {
                let host: IpAddr = host.parse()?;
                let rate = measure(&stage, host, direction, plan * (1.0 - promise.tolerance))?;
                let family = if host.is_ipv4() { "IPv4" } else { "IPv6" };
                let what = format!("{direction} over {family}, plan {plan} Mbps");
                findings.expect((rate / plan - 1.0).abs() <= promise.tolerance, || {
                    format!("{what}: {rate:.2} Mbps")
                });
                findings.measured(what, rate, "Mbps");
            }
        }
    }
    Ok(())
}

/// What one connection brings in Mbps, at the second try where that is less than `least`: what else the
/// machine does takes from a rate and never adds to it.
fn measure(stage: &Stage, host: IpAddr, direction: Direction, least: f64) -> Result<f64> {
    let mut iperf = Iperf::new(host, direction, PORT);
    (iperf.seconds, iperf.omit) = (6, 2);
    let first = iperf.run(&stage.lab)?.rate.mbps();
    if first >= least { Ok(first) } else { Ok(iperf.run(&stage.lab)?.rate.mbps()) }
}
