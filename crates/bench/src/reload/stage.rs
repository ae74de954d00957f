//! A lab with the real daemon, whose traffic is looked at.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, Client};
use kernel::tc::{Controller, TrafficControl};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use testkit::{
    BOX_CUSTOMERS, Daemon, DaemonSpec, Iperf, Lab, LabSpec, Place, UdpReport, UdpStream,
};
use units::{BitsPerSec, Direction, IfIndex, TcHandle};

use super::ANSWER_MAX;
use super::deed::{Deed, Doing, rate_edit};
use crate::network::{BUSY, Devices, RATED, address, id, network, settings};
use crate::record::median;

const QUEUES: u16 = 8;
const STREAM: Duration = Duration::from_secs(4);
const BEGUN: Duration = Duration::from_millis(800);
const STREAM_RATE: BitsPerSec = BitsPerSec::from_mbps(4);
/// Bytes, so that there are some two thousand packets a second.
const PAYLOAD: u16 = 200;
const TCP_PORT: u16 = 5_201;
/// How often the way into the kernel is timed.
const TIMED: u32 = 9;

pub(super) struct Stage {
    daemon: Option<Daemon>,
    lab: Lab,
    spec: DaemonSpec,
    circuits: usize,
    /// How often a deed was done, so that each changes something.
    deeds: u32,
}

impl Stage {
    pub(super) fn new(circuits: usize) -> Result<Self> {
        ensure!(circuits >= BUSY, "at least {BUSY} circuits have traffic");
        let program = std::env::current_exe()?.with_file_name("tidegated");
        ensure!(
            program.exists(),
            "{} is not there; build it with `cargo build --release --package daemon`",
            program.display()
        );
        let customers: Vec<_> = (0..BUSY).map(address).collect();
        let lab = Lab::new(&LabSpec { queues: QUEUES, ..LabSpec::new(customers) })?;
        let folder = lab.folder().to_owned();
        fs::write(folder.join("network.json"), network())?;
        let socket = folder.join("bus.sock");
        let config = folder.join("tidegate.toml");
        fs::write(&config, settings(&socket, &lab.bpffs().join("tidegate")))?;
        let spec = DaemonSpec::new(program, config, socket);
        let mut stage = Self { daemon: None, lab, spec, circuits, deeds: 0 };
        stage.write(&Devices::of(circuits))?;
        stage.daemon = Some(Daemon::start(&stage.lab, stage.spec.clone())?);
        Ok(stage)
    }

    fn devices(&self) -> PathBuf {
        self.spec.config.with_file_name("ShapedDevices.csv")
    }

    fn write(&self, devices: &Devices) -> Result<()> {
        let new = self.devices().with_extension("new");
        fs::write(&new, devices.text())?;
        Ok(fs::rename(new, self.devices())?)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.spec.socket, ANSWER_MAX)?)
    }

    /// Does it while streams cross the box; tells what arrived, and how long it took.
    pub(super) fn under_traffic(&mut self, deed: Deed) -> Result<(Vec<UdpReport>, Duration)> {
        let streams: Vec<_> = (0..BUSY - 1)
            .zip(7_001..)
            .map(|(circuit, port)| UdpStream {
                payload: PAYLOAD,
                duration: STREAM,
                ..UdpStream::new(address(circuit), Direction::Download, port, STREAM_RATE)
            })
            .collect();
        let mut tcp = Iperf::new(address(BUSY - 1), Direction::Download, TCP_PORT);
        (tcp.seconds, tcp.omit) = (STREAM.as_secs() as u32, 0);
        let tcp = tcp.start(&self.lab)?;
        let Self { daemon, lab, spec, circuits, deeds } = self;
        let lab = &*lab;
        *deeds += 1;
        let doing = Doing { lab, spec, circuits: *circuits, number: *deeds };
        let measured = thread::scope(|scope| -> Result<(Vec<UdpReport>, Duration)> {
            let runs: Vec<_> =
                streams.iter().map(|stream| scope.spawn(move || stream.run(lab))).collect();
            thread::sleep(BEGUN);
            let begun = Instant::now();
            let done = doing.carry_out(deed, daemon);
            let took = begun.elapsed();
            let late = runs.iter().any(thread::ScopedJoinHandle::is_finished);
            let reports: Vec<_> = runs
                .into_iter()
                .map(|run| run.join().ok().context("a stream panicked")?)
                .collect::<Result<_>>()?;
            done?;
            ensure!(!late, "{} was not over before the streams: {took:?}", deed.name());
            Ok((reports, took))
        })?;
        tcp.finish()?;
        Ok(measured)
    }

    /// Milliseconds from a file that is replaced to a class that has its rate, the daemon noticing by
    /// itself.
    pub(super) fn time_file_to_kernel(&self) -> Result<f64> {
        let rows = self.client()?.circuits(CircuitsQuery::default())?.rows;
        let row = rows.iter().find(|row| *row.id == *id(RATED)).context("no such circuit")?;
        let class = row.class.down.context("no class")?;
        let mut times = Vec::new();
        for number in 0..TIMED {
            let mut devices = Devices::of(self.circuits);
            devices.rated_mbps = 200 + number;
            let before = self.ceiling(class)?;
            let begun = Instant::now();
            self.write(&devices)?;
            while self.ceiling(class)? == before {
                ensure!(begun.elapsed() < ANSWER_MAX, "the class does not change");
                thread::sleep(Duration::from_millis(1));
            }
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            thread::sleep(BEGUN);
        }
        Ok(median(times))
    }

    /// Milliseconds from a request to a class that has its rate, and to the answer.
    pub(super) fn time_bus_to_kernel(&self) -> Result<(f64, f64)> {
        let mut client = self.client()?;
        let rows = client.circuits(CircuitsQuery::default())?.rows;
        let row = rows.iter().find(|row| *row.id == *id(RATED)).context("no such circuit")?;
        let class = row.class.down.context("no class")?;
        let (mut to_kernel, mut to_answer) = (Vec::new(), Vec::new());
        for number in 0..TIMED {
            let before = self.ceiling(class)?;
            let begun = Instant::now();
            let (changed, answered) = thread::scope(|scope| {
                let changed = scope.spawn(|| -> Result<Duration> {
                    while self.ceiling(class)? == before {
                        ensure!(begun.elapsed() < ANSWER_MAX, "the class does not change");
                        thread::sleep(Duration::from_micros(500));
                    }
                    Ok(begun.elapsed())
                });
                let answered = client.edit(rate_edit(400 + number), ANSWER_MAX);
                let answered = answered.map(|_| begun.elapsed());
                (changed.join(), answered)
            });
            let changed = changed.ok().context("looking at the class panicked")??;
            to_kernel.push(changed.as_secs_f64() * 1e3);
            to_answer.push(answered?.as_secs_f64() * 1e3);
            thread::sleep(BEGUN);
        }
        Ok((median(to_kernel), median(to_answer)))
    }

    /// MiB that the daemon takes.
    pub(super) fn memory(&self) -> Result<f64> {
        let process = self.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kib.trim().parse::<f64>()? / 1024.0)
    }

    fn ceiling(&self, class: TcHandle) -> Result<u64> {
        self.lab.namespace(Place::Box).inside(|| {
            let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
            let nic = IfIndex::new(name_to_index(&socket, BOX_CUSTOMERS)?);
            let found = Controller::open()?.class(nic, class)?;
            Ok(found.context("the class is gone")?.parameters.ceil)
        })
    }
}
