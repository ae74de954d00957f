//! What a saturating download does to the delay of its own circuit, on a path of 20 ms.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Circuit, Iperf, Ping, PingReport, Place, Provider};
use units::Direction;

use crate::findings::Findings;
use crate::stage::{CAKE, FIFO, Programs, Stage};

const HOST: &str = "100.64.1.1";
const PLAN_MBPS: f64 = 6.0;
const PATH: Duration = Duration::from_millis(20);
const PORT: u16 = 5_201;
const STREAMS: u32 = 2;
/// Seconds before the probes, in which TCP fills the queue.
const FILL_SECONDS: u32 = 4;
/// How much the slowest hundredth of probes may take beyond the idle median, with CAKE.
const ADDED_MAX_MS: f64 = 40.0;

/// What the probes took, in milliseconds.
struct Delays {
    idle_median: f64,
    loaded_median: f64,
    loaded_p99: f64,
}

/// Probes beside TCP, with either queue.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let cake = measure(programs, CAKE).context("with CAKE")?;
    findings.measured("idle median", cake.idle_median, "ms");
    findings.measured("CAKE under load: median", cake.loaded_median, "ms");
    findings.measured("p99", cake.loaded_p99, "ms");
    let fifo = measure(programs, FIFO).context("with a plain queue")?;
    findings.measured("plain queue under load: median", fifo.loaded_median, "ms");
    findings.measured("p99", fifo.loaded_p99, "ms");
    let added = cake.loaded_p99 - cake.idle_median;
    findings.expect(added <= ADDED_MAX_MS, || format!("CAKE adds {added:.1} ms"));
    findings.expect(fifo.loaded_median > 2.0 * cake.loaded_median, || {
        "the plain queue was not full: the load was none".to_owned()
    });
    Ok(())
}

fn measure(programs: &Programs, leaves: &'static str) -> Result<Delays> {
    let circuit = Circuit::new("busy", HOST, "", (PLAN_MBPS, PLAN_MBPS));
    let provider = Provider { leaves, ..Provider::flat(vec![circuit]) };
    let stage = Stage::new(programs, &provider, &[HOST])?;
    stage.delay(Place::Internet, PATH)?;
    let host: IpAddr = HOST.parse()?;
    let mut ping = Ping::from(host, stage.lab.server_for(host));
    (ping.count, ping.interval_ms) = (40, 50);
    let idle = ping.run(&stage.lab, Place::Customers)?;
    ping.count = 200;
    let mut iperf = Iperf::new(host, Direction::Download, PORT);
    (iperf.omit, iperf.streams) = (FILL_SECONDS, STREAMS);
    iperf.seconds = 1 + ping.count * ping.interval_ms / 1000;
    let run = iperf.start(&stage.lab)?;
    std::thread::sleep(Duration::from_secs(u64::from(FILL_SECONDS)));
    let loaded = ping.run(&stage.lab, Place::Customers)?;
    let rate = run.finish()?.rate.mbps();
    ensure!(rate > PLAN_MBPS * 0.85, "the load was only {rate:.2} Mbps");
    let at = |report: &PingReport, percent| report.percentile_ms(percent).context("no answers");
    Ok(Delays {
        idle_median: at(&idle, 50)?,
        loaded_median: at(&loaded, 50)?,
        loaded_p99: at(&loaded, 99)?,
    })
}
