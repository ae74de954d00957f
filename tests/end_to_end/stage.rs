//! A lab with the daemon at work in it.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::Client;
use testkit::{Daemon, DaemonSpec, Forwarding, Iperf, Lab, LabSpec};
use units::{BitsPerSec, Direction};

use crate::provider::Provider;

/// The program under test.
const TIDEGATED: &str = env!("CARGO_BIN_EXE_tidegated");
/// A customer's host that no device covers.
pub(crate) const UNKNOWN_HOST: &str = "100.64.9.9";
/// Port of the iperf3 servers; tests measure one transfer at a time unless they say otherwise.
const PORT: u16 = 5201;

/// A lab with the daemon at work in it. The daemon goes first.
pub(crate) struct Stage {
    pub(crate) daemon: Option<Daemon>,
    pub(crate) lab: Lab,
    pub(crate) config: PathBuf,
    pub(crate) socket: PathBuf,
}

impl Stage {
    /// A lab that fits the provider, without the daemon.
    pub(crate) fn dark(provider: &Provider, forwarding: Forwarding, mtu: u32) -> Result<Self> {
        let mut customers: Vec<IpAddr> =
            provider.circuits.iter().flat_map(crate::provider::Circuit::addresses).collect();
        customers.push(UNKNOWN_HOST.parse()?);
        let lab = Lab::new(&LabSpec { forwarding, mtu, ..LabSpec::new(customers) })?;
        let folder = lab.folder().join("config");
        fs::create_dir(&folder).context("could not make the configuration's folder")?;
        let socket = folder.join("bus.sock");
        let config = provider.write(&folder, &socket, &lab.bpffs().join("tidegate"))?;
        Ok(Self { daemon: None, lab, config, socket })
    }

    /// A bridge with the daemon at work.
    pub(crate) fn new(provider: &Provider) -> Result<Self> {
        let mut stage = Self::dark(provider, Forwarding::Bridge, 1500)?;
        stage.start()?;
        Ok(stage)
    }

    /// Starts the daemon.
    pub(crate) fn start(&mut self) -> Result<()> {
        self.daemon = Some(Daemon::start(&self.lab, self.daemon_spec())?);
        Ok(())
    }

    /// Stops the daemon as its operator would.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let daemon = self.daemon.take().context("no daemon runs")?;
        let log = daemon.log();
        let status = daemon.stop()?;
        ensure!(status.success(), "the daemon ended with {status}; its log:\n{log}");
        Ok(())
    }

    /// How to start the daemon.
    pub(crate) fn daemon_spec(&self) -> DaemonSpec {
        DaemonSpec::new(TIDEGATED, &self.config, &self.socket)
    }

    /// A client of the daemon.
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.socket, Duration::from_secs(5))?)
    }

    /// Payload that one TCP connection brings a customer.
    pub(crate) fn goodput(
        &self,
        customer: IpAddr,
        direction: Direction,
        seconds: u32,
    ) -> Result<BitsPerSec> {
        let mut iperf = Iperf::new(customer, direction, PORT);
        (iperf.seconds, iperf.omit) = (seconds, 2);
        Ok(iperf.run(&self.lab)?.rate)
    }

    /// Payload of several transfers at the same time, in their order.
    pub(crate) fn goodputs(
        &self,
        transfers: &[(IpAddr, Direction)],
        seconds: u32,
    ) -> Result<Vec<BitsPerSec>> {
        let mut runs = Vec::new();
        for ((customer, direction), port) in transfers.iter().zip(PORT..) {
            let mut iperf = Iperf::new(*customer, *direction, port);
            (iperf.seconds, iperf.omit) = (seconds, 2);
            runs.push(iperf.start(&self.lab)?);
        }
        runs.into_iter().map(|run| Ok(run.finish()?.rate)).collect()
    }
}

/// Whether a rate is within so many hundredths of what it should be.
pub(crate) fn ensure_near(
    what: &str,
    measured: BitsPerSec,
    wanted_mbps: f64,
    tolerance: f64,
) -> Result<()> {
    let share = measured.mbps() / wanted_mbps;
    println!("{what}: {:.3} of {wanted_mbps} Mbps", measured.mbps());
    ensure!(
        (share - 1.0).abs() <= tolerance,
        "{what}: {:.3} Mbps instead of {wanted_mbps}",
        measured.mbps()
    );
    Ok(())
}
