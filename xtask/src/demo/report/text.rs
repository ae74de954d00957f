//! The summary as people read it.

use std::fmt;

use units::{BitsPerSec, PerSegment};

use super::{Report, RttResult};
use crate::demo::live::rtts;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mbps = |bps: u64| BitsPerSec::new(bps).mbps();
        let verdict = |passed: bool| if passed { "PASS" } else { "MISS" };
        writeln!(f, "\nGoodput of each circuit against its plan (Mbps)")?;
        writeln!(f, "{:<8} {:<32} {:>8} {:>8} {:>8} {:>8}", "", "", "plan", "down", "plan", "up")?;
        for c in &self.circuits {
            writeln!(
                f,
                "{:<8} {:<32} {:>8} {:>8.2} {:>8} {:>8.2}  {}",
                c.id,
                c.name,
                mbps(c.down_plan_bps),
                mbps(c.down_measured_bps),
                mbps(c.up_plan_bps),
                mbps(c.up_measured_bps),
                verdict(c.passed)
            )?;
        }
        writeln!(f, "\nEach node's busiest moment against its limit (Mbps)")?;
        writeln!(f, "{:<41} {:>8} {:>8} {:>8} {:>8}", "", "limit", "down", "limit", "up")?;
        for n in &self.nodes {
            writeln!(
                f,
                "{:<41} {:>8} {:>8.2} {:>8} {:>8.2}  {}",
                n.name,
                mbps(n.down_limit_bps),
                mbps(n.down_measured_bps),
                mbps(n.up_limit_bps),
                mbps(n.up_measured_bps),
                verdict(n.passed)
            )?;
        }
        writeln!(f, "\nEach circuit's part of a full access point, by min rates (Mbps)")?;
        for s in &self.shares {
            writeln!(
                f,
                "{:<8} {:<32} {:>8.2} {:>8.2}  {}",
                s.id,
                s.direction,
                mbps(s.share_bps),
                mbps(s.measured_bps),
                verdict(s.passed)
            )?;
        }
        self.write_measured(f)?;
        writeln!(f, "\nThe unknown host passes: {}", verdict(self.unknown_host_passes))?;
        writeln!(f, "{}", verdict(self.passed))
    }
}

impl Report {
    /// What the daemon measured, without a verdict.
    fn write_measured(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nRound trips, waiting in the box included (median and 90th percentile, ms), and TCP segments sent again"
        )?;
        let heads = ["customer p50 / p90", "Internet p50 / p90", "down / up"];
        writeln!(f, "{:<41} {:>22} {:>22} {:>16}", "", heads[0], heads[1], heads[2])?;
        let percentiles = |rtt: Option<RttResult>| {
            let ms = |us: u64| us as f64 / 1e3;
            rtt.map_or_else(
                || "- / -".to_owned(),
                |rtt| format!("{:.2} / {:.2}", ms(rtt.p50), ms(rtt.p90)),
            )
        };
        for c in &self.circuits {
            let (customer, internet) =
                (percentiles(c.rtt_customer_us), percentiles(c.rtt_internet_us));
            let again = format!("{} / {}", c.down_retransmits, c.up_retransmits);
            writeln!(f, "{:<8} {:<32} {customer:>22} {internet:>22} {again:>16}", c.id, c.name)?;
        }
        writeln!(f, "\nThe largest flows (MB, smoothed RTT in ms, segments sent again)")?;
        for flow in &self.top_flows {
            let mb = |bytes: u64| bytes as f64 / 1e6;
            writeln!(
                f,
                "{:<60} {:<8} {:>9.2} / {:<9.2} {:>18} {:>7} / {}",
                flow.flow,
                flow.circuit.as_deref().unwrap_or("-"),
                mb(flow.down_bytes),
                mb(flow.up_bytes),
                rtts(PerSegment { customer: flow.rtt_customer_us, internet: flow.rtt_internet_us }),
                flow.down_retransmits,
                flow.up_retransmits
            )?;
        }
        Ok(())
    }
}
