//! Whether the kernel takes the programs, in each way in which packets cross the box, and nothing
//! stays behind.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bus::NicView;
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, BOX_STICK, Circuit, Forwarding, Iperf, Ping, Place, Provider,
    two_nics,
};
use units::Direction;

use crate::findings::Findings;
use crate::stage::{Programs, Stage};

const KNOWN: &str = "100.64.1.1";
const KNOWN6: &str = "2001:db8:1::1";
/// A customer's host that no device covers.
const UNKNOWN: &str = "100.64.9.9";
const PLAN_MBPS: f64 = 5.0;
const TCP_PORT: u16 = 5_201;

/// A Linux bridge forwards.
pub(crate) fn bridge(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let nics = [BOX_CUSTOMERS, BOX_INTERNET];
    come_and_go(programs, findings, two_nics("bridge"), Forwarding::Bridge, &nics)
}

/// The programs forward.
pub(crate) fn xdp_bridge(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let nics = [BOX_CUSTOMERS, BOX_INTERNET];
    come_and_go(programs, findings, two_nics("xdp-bridge"), Forwarding::None, &nics)
}

/// The programs forward between two VLANs of one NIC.
pub(crate) fn stick(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let interfaces = format!(
        "mode = \"stick\"\ninterface = \"{BOX_STICK}\"\ninternet_vlan = 10\ncustomers_vlan = 20"
    );
    let forwarding = Forwarding::Stick { internet_vlan: 10, customers_vlan: 20 };
    come_and_go(programs, findings, interfaces, forwarding, &[BOX_STICK])
}

/// The daemon starts, packets of known and unknown hosts pass, one rate holds, one daemon is killed and
/// succeeded, and nothing is left when that one stops.
fn come_and_go(
    programs: &Programs,
    findings: &mut Findings,
    interfaces: String,
    forwarding: Forwarding,
    nics: &[&str],
) -> Result<()> {
    let circuit = Circuit::new("one", KNOWN, KNOWN6, (PLAN_MBPS, PLAN_MBPS));
    let provider = Provider { interfaces, ..Provider::flat(vec![circuit]) };
    let mut stage = Stage::dark(programs, &provider, forwarding, &[KNOWN, KNOWN6, UNKNOWN])?;
    let before = stage.traces(nics)?;
    stage.start()?;
    let status = stage.status()?;
    findings.found(status.nics.iter().map(hooks).collect::<Vec<_>>().join(", "));
    for host in [KNOWN, KNOWN6, UNKNOWN] {
        let host: IpAddr = host.parse()?;
        let report =
            Ping::from(host, stage.lab.server_for(host)).run(&stage.lab, Place::Customers)?;
        ensure!(report.lost == 0, "{host}: {} of {} probes were lost", report.lost, report.sent);
    }
    stage.daemon.take().context("no daemon runs")?.kill();
    stage.start().context("the successor")?;
    let mut iperf = Iperf::new(KNOWN.parse()?, Direction::Download, TCP_PORT);
    (iperf.seconds, iperf.omit) = (4, 2);
    let rate = iperf.run(&stage.lab)?.rate.mbps();
    findings.measured(format!("download, plan {PLAN_MBPS} Mbps"), rate, "Mbps");
    findings.expect((rate / PLAN_MBPS - 1.0).abs() < 0.15, || format!("it is {rate:.2} Mbps"));
    for way in stage.status()?.egress.iter().filter(|way| way.count > 0) {
        findings.measured(format!("class by {}", way.name), way.count as f64, "packets");
    }
    stage.stop()?;
    let after = stage.traces(nics)?;
    ensure!(after == before, "something is left:\n{after}\nbefore there was:\n{before}");
    Ok(())
}

/// How the programs sit on a NIC.
fn hooks(nic: &NicView) -> String {
    let xdp = nic.xdp.map_or("no".to_owned(), |mode| format!("{mode:?}").to_lowercase());
    let tc = nic.tc.map_or("nothing".to_owned(), |hook| format!("{hook:?}").to_lowercase());
    format!("{}: {xdp} XDP, {tc}", nic.name)
}
