//! Two hosts of one circuit, one with a single connection, the other with many: with CAKE each host
//! gets half, with a plain queue each connection gets about as much.
//!
//! The hosts speak with different servers, each over its own family: CAKE divides among servers as well,
//! and one that sends to both hosts is one host to it.

use anyhow::Result;
use testkit::{Circuit, Iperf, IperfRun, Provider};
use units::Direction;

use crate::findings::Findings;
use crate::stage::{CAKE, FIFO, Programs, Stage};

const PLAN_MBPS: f64 = 6.0;
const HOSTS: [&str; 2] = ["100.64.1.1", "2001:db8:1::1"];
/// Connections of the busy host.
const MANY: u32 = 8;
/// The least share that CAKE leaves to the host with one connection; half would be perfect, and a
/// single TCP does not always take all that it may.
const SHARE_MIN: f64 = 0.33;
const PORT: u16 = 5_201;

/// Downloads to both hosts at once, with either queue.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let cake = share_of_one(programs, CAKE)?;
    findings.measured(format!("share of 1 flow beside {MANY}, CAKE"), cake * 100.0, "%");
    let fifo = share_of_one(programs, FIFO)?;
    findings.measured("with a plain queue", fifo * 100.0, "%");
    findings.expect((SHARE_MIN..=1.0 - SHARE_MIN).contains(&cake), || {
        format!("CAKE left {:.0} % to the host with one connection", cake * 100.0)
    });
    findings.expect(fifo < cake, || "the plain queue is as fair as CAKE".to_owned());
    Ok(())
}

/// What the host with one connection gets of what both get.
fn share_of_one(programs: &Programs, leaves: &'static str) -> Result<f64> {
    let circuit = Circuit::new("shared", HOSTS[0], HOSTS[1], (PLAN_MBPS, PLAN_MBPS));
    let provider = Provider { leaves, ..Provider::flat(vec![circuit]) };
    let stage = Stage::new(programs, &provider, &HOSTS)?;
    let start = |(host, (streams, port)): (&str, (u32, u16))| -> Result<IperfRun> {
        let mut iperf = Iperf::new(host.parse()?, Direction::Download, port);
        (iperf.seconds, iperf.omit, iperf.streams) = (8, 3, streams);
        iperf.start(&stage.lab)
    };
    let streams = [(1, PORT), (MANY, PORT + 1)];
    let runs: Vec<_> = HOSTS.into_iter().zip(streams).map(start).collect::<Result<_>>()?;
    let rates: Vec<_> =
        runs.into_iter().map(|run| Ok(run.finish()?.rate.mbps())).collect::<Result<_>>()?;
    Ok(rates[0] / rates.iter().sum::<f64>())
}
