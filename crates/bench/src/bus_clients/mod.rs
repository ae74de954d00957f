//! What clients of the daemon wait: the real daemon in a lab, with a network of many circuits.
//!
//! Requests are sent at fixed times, whether or not the one before was answered in time, and each is timed
//! from when it was due: a pause of the daemon counts for all that fall into it.

mod crowd;
mod probe;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use bus::{CircuitSort, CircuitsQuery, Client, Topic};
use clap::Args;
use testkit::{Daemon, DaemonSpec, Lab, LabSpec, wait_until};

use crate::network::{BUSY, Devices, address, network, settings};
use crate::record::{Record, median};
use crowd::Crowd;
use probe::{Waited, flood, probe};

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Circuits of the network.
    #[arg(long, default_value_t = 10_000)]
    circuits: usize,
    /// Clients that are subscribed.
    #[arg(long, default_value_t = 1_000)]
    subscribers: usize,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Who else is connected while it is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nobody,
    OneStuck,
    Subscribers,
    SubscribersAndOneStuck,
}

impl Beside {
    const ALL: [Self; 4] =
        [Self::Nobody, Self::OneStuck, Self::Subscribers, Self::SubscribersAndOneStuck];

    fn scenario(self, subscribers: usize) -> String {
        match self {
            Self::Nobody => "alone".to_owned(),
            Self::OneStuck => "one-stuck".to_owned(),
            Self::Subscribers => format!("subscribers-{subscribers}"),
            Self::SubscribersAndOneStuck => format!("subscribers-{subscribers}-one-stuck"),
        }
    }

    /// What it is compared with.
    const fn reference(self) -> Self {
        match self {
            Self::SubscribersAndOneStuck => Self::Subscribers,
            _ => Self::Nobody,
        }
    }
}

/// Measures and tells.
pub(crate) fn run(options: &Options) -> Result<Vec<Record>> {
    let stage = Stage::new(options.circuits)?;
    let mut waited: Vec<(Beside, Vec<Waited>)> =
        Beside::ALL.into_iter().map(|beside| (beside, Vec::new())).collect();
    for _ in 0..options.rounds {
        for (beside, waited) in &mut waited {
            let crowd = stage.crowd(*beside, options.subscribers)?;
            waited.push(probe(&mut stage.client()?)?);
            crowd.end()?;
        }
    }
    let record = |scenario: String, metric: &str, unit: &str, value, reference| Record {
        bench: "bus".to_owned(),
        scenario,
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference,
    };
    let middle = |of: Beside, figure: &dyn Fn(&Waited) -> f64| {
        let rounds = waited.iter().find(|(beside, _)| *beside == of);
        median(rounds.into_iter().flat_map(|(_, rounds)| rounds.iter().map(figure)).collect())
    };
    let mut records = Vec::new();
    for beside in Beside::ALL {
        let scenario = || beside.scenario(options.subscribers);
        let reference = |figure: &dyn Fn(&Waited) -> f64| {
            (beside != Beside::Nobody).then(|| middle(beside.reference(), figure))
        };
        let mut add = |metric: &str, figure: &dyn Fn(&Waited) -> f64| {
            records.push(record(
                scenario(),
                metric,
                "us",
                middle(beside, figure),
                reference(figure),
            ));
        };
        add("p50_us", &|waited| waited.p50_us);
        add("p99_us", &|waited| waited.p99_us);
    }
    let rates = (0..options.rounds).map(|_| flood(|| stage.client())).collect::<Result<_>>()?;
    records.push(record("four-clients".to_owned(), "requests", "1/s", median(rates), None));
    let tick = format!("tick-{}-circuits", options.circuits);
    records.push(record(tick, "bytes", "bytes", stage.tick_bytes()? as f64, None));
    Ok(records)
}

/// The daemon at work.
struct Stage {
    /// It goes before the lab.
    _daemon: Daemon,
    _lab: Lab,
    socket: PathBuf,
}

impl Stage {
    fn new(circuits: usize) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("tidegated");
        ensure!(
            program.exists(),
            "{} is not there; build it with `cargo build --release --package daemon`",
            program.display()
        );
        let customers: Vec<_> = (0..BUSY).map(address).collect();
        let lab = Lab::new(&LabSpec { queues: 8, ..LabSpec::new(customers) })?;
        let folder = lab.folder().to_owned();
        let (socket, config) = (folder.join("bus.sock"), folder.join("tidegate.toml"));
        fs::write(folder.join("network.json"), network())?;
        fs::write(folder.join("ShapedDevices.csv"), Devices::of(circuits).text())?;
        fs::write(&config, settings(&socket, &lab.bpffs().join("tidegate")))?;
        let daemon = Daemon::start(&lab, DaemonSpec::new(program, config, &socket))?;
        let stage = Self { _daemon: daemon, _lab: lab, socket };
        wait_until(
            "rates",
            ANSWER_MAX,
            || Ok((stage.client()?.status()?.tick >= 2).then_some(())),
        )?;
        Ok(stage)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.socket, ANSWER_MAX)?)
    }

    /// Who else is connected, all of them served at least once.
    fn crowd(&self, beside: Beside, subscribers: usize) -> Result<Crowd> {
        let (readers, is_stuck) = match beside {
            Beside::Nobody => (0, false),
            Beside::OneStuck => (0, true),
            Beside::Subscribers => (subscribers, false),
            Beside::SubscribersAndOneStuck => (subscribers, true),
        };
        Crowd::gather(&self.socket, readers, is_stuck)
    }

    /// Bytes that whoever subscribes to all circuits is sent each tick.
    fn tick_bytes(&self) -> Result<usize> {
        let all = CircuitsQuery {
            sort: CircuitSort::Sent,
            descending: true,
            limit: CircuitsQuery::MAX_LIMIT,
            ..CircuitsQuery::default()
        };
        let view = self.client()?.show(Topic::Circuits(all))?;
        Ok(bus::Payload::of(&view.into()).len())
    }
}

/// The circuits, a page as a screen shows.
fn screen(sort: CircuitSort) -> CircuitsQuery {
    CircuitsQuery { sort, descending: true, limit: 50, ..CircuitsQuery::default() }
}
