//! A lab with the daemon at work in it, and what can be asked of its box.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{Client, StatusView};
use kernel::tc::{Controller, QdiscState, TrafficControl};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use testkit::{Daemon, DaemonSpec, Forwarding, Lab, LabSpec, Place, Provider};
use units::IfIndex;

/// Leaves for real: without CAKE the daemon does not start.
pub(crate) const CAKE: &str = "leaf = \"cake diffserv4\"";
/// The plain queue that CAKE is held against.
pub(crate) const FIFO: &str = "leaf = \"fifo\"";
/// How long a daemon may take to answer, to start, to stop: everything is slow in an emulated machine.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(40);

/// What is started from here.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The daemon.
    pub(crate) daemon: PathBuf,
    /// Tests of the package `kernel`.
    pub(crate) tests: Vec<PathBuf>,
    /// Packages of this version and of a later one.
    pub(crate) packages: Vec<PathBuf>,
}

impl Programs {
    /// Copies what is started often to where reading it costs nothing.
    pub(crate) fn gather(tests: &[PathBuf], packages: &[PathBuf]) -> Result<Self> {
        let built = std::env::current_exe()?.with_file_name("tidegated");
        let daemon = std::env::temp_dir().join("tidegated");
        fs::copy(&built, &daemon).with_context(|| {
            format!(
                "could not copy {}; `cargo build --release --package daemon` builds it",
                built.display()
            )
        })?;
        Ok(Self { daemon, tests: tests.to_owned(), packages: packages.to_owned() })
    }
}

/// A lab with the daemon at work in it. The daemon goes first.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) daemon: Option<Daemon>,
    pub(crate) lab: Lab,
    pub(crate) spec: DaemonSpec,
}

impl Stage {
    /// A lab for these customers, without the daemon.
    pub(crate) fn dark(
        programs: &Programs,
        provider: &Provider,
        forwarding: Forwarding,
        customers: &[&str],
    ) -> Result<Self> {
        let customers: Vec<IpAddr> =
            customers.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let lab = Lab::new(&LabSpec { forwarding, ..LabSpec::new(customers) })?;
        let folder = lab.folder().to_owned();
        let socket = folder.join("bus.sock");
        let config = provider.write(&folder, &socket, &lab.bpffs().join("tidegate"))?;
        let spec = DaemonSpec {
            deadline: ANSWER_MAX,
            ..DaemonSpec::new(&programs.daemon, config, socket)
        };
        Ok(Self { daemon: None, lab, spec })
    }

    /// A bridge with the daemon at work.
    pub(crate) fn new(
        programs: &Programs,
        provider: &Provider,
        customers: &[&str],
    ) -> Result<Self> {
        let mut stage = Self::dark(programs, provider, Forwarding::Bridge, customers)?;
        stage.start()?;
        Ok(stage)
    }

    /// Starts the daemon.
    pub(crate) fn start(&mut self) -> Result<()> {
        self.daemon = Some(Daemon::start(&self.lab, self.spec.clone())?);
        Ok(())
    }

    /// Stops it as its operator would.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let status = self.daemon.take().context("no daemon runs")?.stop()?;
        ensure!(status.success(), "the daemon ended with {status}");
        Ok(())
    }

    /// A client of the daemon.
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.spec.socket, ANSWER_MAX)?)
    }

    /// What the daemon says of itself.
    pub(crate) fn status(&self) -> Result<StatusView> {
        Ok(self.client()?.status()?)
    }

    /// Has packets that leave a host take longer, by netem.
    pub(crate) fn delay(&self, place: Place, delay: Duration) -> Result<()> {
        let delay = format!("{}us", delay.as_micros());
        let words = ["tc", "qdisc", "add", "dev", testkit::HOST_NIC, "root", "netem"];
        self.lab.run(place, &[&words[..], &["limit", "10000", "delay", &delay]].concat())?;
        Ok(())
    }

    /// Works with the queueing disciplines of the box's NICs.
    pub(crate) fn with_queues<T: Send>(
        &self,
        nics: &[&str],
        work: impl FnOnce(&mut Controller, &[IfIndex]) -> Result<T> + Send,
    ) -> Result<T> {
        self.lab.namespace(Place::Box).inside(|| {
            let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
            let nics: Vec<_> = nics
                .iter()
                .map(|nic| Ok(IfIndex::new(name_to_index(&socket, nic)?)))
                .collect::<Result<_>>()?;
            work(&mut Controller::open()?, &nics)
        })
    }

    /// What could be left of a daemon: queueing disciplines, without what they counted, and pins.
    pub(crate) fn traces(&self, nics: &[&str]) -> Result<String> {
        let found = self.with_queues(nics, |controller, nics| Ok(controller.qdiscs(nics)?))?;
        let shown = |qdisc: &QdiscState| {
            let QdiscState { nic, handle, parent, discipline, .. } = qdisc;
            format!("{nic} {handle} {parent} {discipline:?}\n")
        };
        let mut text: String = found.iter().map(shown).collect();
        for entry in fs::read_dir(self.lab.bpffs()).context("no BPF filesystem")? {
            text += &format!("pin {}\n", entry?.path().display());
        }
        Ok(text)
    }
}
