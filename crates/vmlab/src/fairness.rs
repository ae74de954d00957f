//! Two hosts of one circuit, one with a single connection, the other with many: with CAKE each host
//! gets half, with a plain queue each connection gets about as much. All speak with the same server:
//! it is the customers' hosts that are dealt with evenly.

use anyhow::Result;
use testkit::{Circuit, Iperf, IperfRun, Provider};
use units::Direction;

use crate::findings::Findings;
use crate::stage::{CAKE, FIFO, Programs, Stage};

const PLAN_MBPS: f64 = 6.0;
const BLOCK: &str = "100.64.1.0/30";
const HOSTS: [&str; 2] = ["100.64.1.1", "100.64.1.2"];
/// Connections of the busy host.
const MANY: u32 = 8;
/// The least share that CAKE leaves to the host with one connection; half would be perfect, and a
/// single TCP does not always take all that it may.
const SHARE_MIN: f64 = 0.33;
const PORT: u16 = 5_201;

/// Both hosts at once: either way with CAKE, and down with a plain queue.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let fifo = share_of_one(programs, FIFO, Direction::Download)?;
    findings.measured(format!("share of 1 flow beside {MANY}, plain queue"), fifo * 100.0, "%");
    for direction in Direction::ALL {
        let cake = share_of_one(programs, CAKE, direction)?;
        findings.measured(format!("{direction} with CAKE"), cake * 100.0, "%");
        findings.expect((SHARE_MIN..=1.0 - SHARE_MIN).contains(&cake), || {
            format!("CAKE left {:.0} % to the host with one connection", cake * 100.0)
        });
        findings.expect(fifo < cake, || "the plain queue is as fair as CAKE".to_owned());
    }
    Ok(())
}

/// What the host with one connection gets of what both get.
fn share_of_one(programs: &Programs, leaves: &'static str, direction: Direction) -> Result<f64> {
    let circuit = Circuit::new("shared", BLOCK, "", (PLAN_MBPS, PLAN_MBPS));
    let provider = Provider { leaves, ..Provider::flat(vec![circuit]) };
    let stage = Stage::new(programs, &provider, &HOSTS)?;
    let start = |(host, (streams, port)): (&str, (u32, u16))| -> Result<IperfRun> {
        let mut iperf = Iperf::new(host.parse()?, direction, port);
        (iperf.seconds, iperf.omit, iperf.streams) = (8, 3, streams);
        iperf.start(&stage.lab)
    };
    let streams = [(1, PORT), (MANY, PORT + 1)];
    let runs: Vec<_> = HOSTS.into_iter().zip(streams).map(start).collect::<Result<_>>()?;
    let rates: Vec<_> =
        runs.into_iter().map(|run| Ok(run.finish()?.rate.mbps())).collect::<Result<_>>()?;
    Ok(rates[0] / rates.iter().sum::<f64>())
}
