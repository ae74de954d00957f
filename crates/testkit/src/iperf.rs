//! TCP goodput, measured by iperf3.

use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use units::{BitsPerSec, Direction};

use crate::{ChildGuard, Lab, Namespace, Place, wait_until};

/// What a client may need beyond the seconds that it measures.
const SLACK: Duration = Duration::from_secs(15);
/// State of a listening socket in the kernel's tables.
const LISTENING: &str = "0A";

/// One measurement: a customer, the server, a direction.
#[derive(Clone, Debug)]
pub struct Iperf {
    /// The customer's address.
    pub customer: IpAddr,
    /// Which way the data goes.
    pub direction: Direction,
    /// The server's port; each measurement at the same time needs its own.
    pub port: u16,
    /// Seconds that count.
    pub seconds: u32,
    /// Seconds before them, in which TCP finds the rate.
    pub omit: u32,
    /// Connections at once.
    pub streams: u32,
}

/// What was measured, at the receiver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodput {
    /// Payload bits a second.
    pub rate: BitsPerSec,
    /// Segments that the sender had to send again.
    pub retransmits: u64,
}

/// A measurement under way.
#[derive(Debug)]
pub struct IperfRun {
    client: ChildGuard,
    server: ChildGuard,
    deadline: Duration,
}

impl Iperf {
    /// Five seconds after one that does not count, on one connection.
    pub fn new(customer: IpAddr, direction: Direction, port: u16) -> Self {
        Self { customer, direction, port, seconds: 5, omit: 1, streams: 1 }
    }

    /// Measures and waits for the result.
    ///
    /// # Errors
    /// When iperf3 fails or overruns; the error has what it said.
    pub fn run(&self, lab: &Lab) -> Result<Goodput> {
        self.start(lab)?.finish()
    }

    /// Starts the server and, when it listens, the client.
    ///
    /// # Errors
    /// When either cannot be started.
    pub fn start(&self, lab: &Lab) -> Result<IperfRun> {
        let port = self.port.to_string();
        let internet = lab.namespace(Place::Internet);
        let server = lab.spawn(Place::Internet, &["iperf3", "--server", "--port", &port])?;
        wait_until(&format!("iperf3 to listen on port {port}"), SLACK, || {
            Ok(listens(internet, self.port)?.then_some(()))
        })?;
        let mut command = lab.namespace(Place::Customers).command("iperf3");
        self.client_arguments(&mut command, lab.server_for(self.customer));
        let client = ChildGuard::spawn(&mut command)?;
        let seconds = Duration::from_secs(u64::from(self.seconds + self.omit));
        Ok(IperfRun { client, server, deadline: seconds + SLACK })
    }

    fn client_arguments(&self, command: &mut Command, server: IpAddr) {
        command
            .args(["--json", "--connect-timeout", "5000", "--client", &server.to_string()])
            .args(["--port", &self.port.to_string(), "--bind", &self.customer.to_string()])
            .args(["--time", &self.seconds.to_string(), "--omit", &self.omit.to_string()])
            .args(["--parallel", &self.streams.to_string()]);
        if self.direction == Direction::Download {
            command.arg("--reverse");
        }
    }
}

impl IperfRun {
    /// Whether the client still runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.client.ended()?.is_none())
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// When iperf3 fails or overruns; the error has what it said.
    pub fn finish(mut self) -> Result<Goodput> {
        let status = self.client.wait(self.deadline);
        self.server.kill();
        let (stdout, stderr) = self.client.output();
        let status = status?;
        parse_iperf(&stdout).with_context(|| format!("iperf3 ended with {status}\n{stderr}"))
    }
}

/// Reads the summary of `iperf3 --json`.
///
/// # Errors
/// When it is not one, or tells of an error.
pub fn parse_iperf(json: &str) -> Result<Goodput> {
    let report: Value = serde_json::from_str(json).context("iperf3 printed no JSON")?;
    if let Some(error) = report.get("error").and_then(Value::as_str) {
        bail!("iperf3 says: {error}");
    }
    let end = report.get("end").context("iperf3 printed no summary")?;
    let rate = end
        .pointer("/sum_received/bits_per_second")
        .and_then(Value::as_f64)
        .context("iperf3 printed no rate at the receiver")?;
    let retransmits =
        end.pointer("/sum_sent/retransmits").and_then(Value::as_u64).unwrap_or_default();
    Ok(Goodput { rate: BitsPerSec::new(rate.round() as u64), retransmits })
}

/// Whether something in the namespace listens on a TCP port. Connecting to find out would count
/// as a client.
fn listens(namespace: &Namespace, port: u16) -> Result<bool> {
    let tables = namespace.inside(|| {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Ok([read("/proc/thread-self/net/tcp"), read("/proc/thread-self/net/tcp6")])
    })?;
    let port = format!(":{port:04X}");
    Ok(tables.iter().flat_map(|table| table.lines()).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&port)) && words.nth(1) == Some(LISTENING)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_summary() {
        let json = r#"{"start": {}, "end": {
            "sum_sent": {"bits_per_second": 20.5e6, "retransmits": 7},
            "sum_received": {"bits_per_second": 19750000.4}}}"#;
        let goodput = parse_iperf(json).unwrap();
        assert_eq!(goodput, Goodput { rate: BitsPerSec::new(19_750_000), retransmits: 7 });
    }

    #[test]
    fn tells_what_iperf_complains_of() {
        let error = parse_iperf(r#"{"start": {}, "end": {}, "error": "unable to connect"}"#);
        assert_eq!(error.unwrap_err().to_string(), "iperf3 says: unable to connect");
        assert!(parse_iperf("").is_err());
        assert!(parse_iperf("{}").is_err());
    }
}
