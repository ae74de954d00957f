//! Round-trip times, measured by ping.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{ChildGuard, Lab, Place};

/// What ping may need beyond its probes.
const SLACK: Duration = Duration::from_secs(10);

/// A series of probes.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Whom to probe.
    pub target: IpAddr,
    /// From which of the host's addresses.
    pub source: Option<IpAddr>,
    /// How many probes.
    pub count: u32,
    /// Time between two probes, in milliseconds.
    pub interval_ms: u32,
    /// Payload bytes of a probe.
    pub size: u16,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PingReport {
    /// Probes sent.
    pub sent: u32,
    /// Probes without an answer.
    pub lost: u32,
    /// Round-trip times in milliseconds, ascending.
    pub rtt_ms: Vec<f64>,
}

impl PingReport {
    /// The time in milliseconds that `percent` hundredths of the answers do not exceed; none
    /// without an answer.
    pub fn percentile_ms(&self, percent: u32) -> Option<f64> {
        let last = self.rtt_ms.len().checked_sub(1)?;
        let index = (last * percent as usize).div_ceil(100);
        self.rtt_ms.get(index.min(last)).copied()
    }
}

impl Ping {
    /// Five small probes, 50 ms apart.
    pub fn new(target: IpAddr) -> Self {
        Self { target, source: None, count: 5, interval_ms: 50, size: 56 }
    }

    /// As [`Ping::new`], from one of the host's addresses.
    pub fn from(source: IpAddr, target: IpAddr) -> Self {
        Self { source: Some(source), ..Self::new(target) }
    }

    /// Probes and waits for the answers.
    ///
    /// # Errors
    /// When ping cannot run or overruns. Loss is no error.
    pub fn run(&self, lab: &Lab, place: Place) -> Result<PingReport> {
        let mut command = lab.namespace(place).command("ping");
        command
            .args(["-n", "-W", "1", "-c", &self.count.to_string(), "-s", &self.size.to_string()])
            .args(["-i", &(f64::from(self.interval_ms) / 1000.0).to_string()]);
        if let Some(source) = self.source {
            command.args(["-I", &source.to_string()]);
        }
        command.arg(self.target.to_string());
        let mut child = ChildGuard::spawn(&mut command)?;
        let probes = Duration::from_millis(u64::from(self.count * self.interval_ms));
        let status = child.wait(probes + SLACK)?;
        let (stdout, stderr) = child.output();
        // 1 means loss, which the report tells.
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("ping ended with {status}: {stderr}");
        }
        parse_ping(&stdout)
    }
}

/// Reads what `ping -n` printed.
///
/// # Errors
/// When the summary is missing.
pub fn parse_ping(text: &str) -> Result<PingReport> {
    let mut rtt_ms: Vec<f64> = text
        .lines()
        .filter(|line| !line.contains("DUP!"))
        .filter_map(|line| line.split("time=").nth(1)?.split(' ').next()?.parse().ok())
        .collect();
    rtt_ms.sort_by(f64::total_cmp);
    let summary = text
        .lines()
        .find(|line| line.contains("packets transmitted"))
        .context("ping printed no summary")?;
    let sent = summary.split(' ').next().and_then(|n| n.parse().ok()).context("no count")?;
    let answered = u32::try_from(rtt_ms.len())?;
    Ok(PingReport { sent, lost: sent.saturating_sub(answered), rtt_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
PING 203.0.113.1 (203.0.113.1) 56(84) bytes of data.
64 bytes from 203.0.113.1: icmp_seq=1 ttl=64 time=0.300 ms
64 bytes from 203.0.113.1: icmp_seq=1 ttl=64 time=0.500 ms (DUP!)
64 bytes from 203.0.113.1: icmp_seq=3 ttl=64 time=12.5 ms

--- 203.0.113.1 ping statistics ---
3 packets transmitted, 2 received, +1 duplicates, 33.3333% packet loss, time 102ms
rtt min/avg/max/mdev = 0.300/6.4/12.5/6.1 ms
";

    #[test]
    fn reads_times_and_loss() {
        let report = parse_ping(TEXT).unwrap();
        assert_eq!(report, PingReport { sent: 3, lost: 1, rtt_ms: vec![0.3, 12.5] });
        assert_eq!(report.percentile_ms(0), Some(0.3));
        assert_eq!(report.percentile_ms(99), Some(12.5));
        assert_eq!(PingReport::default().percentile_ms(50), None);
        assert!(parse_ping("ping: unknown host").is_err());
    }
}
