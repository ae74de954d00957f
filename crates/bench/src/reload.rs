//! What traffic feels of changes: the real daemon in a lab, with UDP streams that number and date their
//! packets, TCP beside them, and something done in their midst.
//!
//! The reference of a gap is the longest of the same streams while nothing is done. Streams of a few
//! hundred packets a second on a machine of two CPUs have gaps of their own.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, Client};
use clap::Args;
use kernel::tc::{Controller, TrafficControl};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, Daemon, DaemonSpec, Iperf, Lab, LabSpec, Place, UdpReport,
    UdpStream, wait_until,
};
use units::{BitsPerSec, Direction, IfIndex, TcHandle};

use crate::record::{Record, median};

const QUEUES: u16 = 8;
const SITES: usize = 20;
const ACCESS_POINTS: usize = 10;
/// Circuits with traffic: whose rate changes, who moves, who stays, and who has TCP.
const BUSY: usize = 4;
const RATED: usize = 0;
const MOVED: usize = 1;
/// Circuits that come and go.
const COMERS: usize = 100;

const STREAM: Duration = Duration::from_secs(4);
const BEGUN: Duration = Duration::from_millis(800);
const STREAM_RATE: BitsPerSec = BitsPerSec::from_mbps(4);
/// Bytes, so that there are some two thousand packets a second.
const PAYLOAD: u16 = 200;
const TCP_PORT: u16 = 5_201;
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often the way from file to kernel is timed.
const TIMED: u32 = 7;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Circuits of the network.
    #[arg(long, default_value_t = 10_000)]
    circuits: usize,
}

/// What is done to the box while traffic crosses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Nothing,
    Rate,
    AddAndRemove,
    Move,
    ReloadUnchanged,
    KillAndRestart,
    Handover,
}

impl Deed {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Rate,
        Self::AddAndRemove,
        Self::Move,
        Self::ReloadUnchanged,
        Self::KillAndRestart,
        Self::Handover,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Rate => "rate-of-one",
            Self::AddAndRemove => "add-and-remove-100",
            Self::Move => "move-to-another-queue",
            Self::ReloadUnchanged => "reload-unchanged",
            Self::KillAndRestart => "kill-and-restart",
            Self::Handover => "handover",
        }
    }
}

/// Measures and tells.
pub(crate) fn run(options: &Options) -> Result<Vec<Record>> {
    let mut stage = Stage::new(options.circuits)?;
    let scenario = |deed: Deed| format!("circuits-{}-{}", options.circuits, deed.name());
    let mut records = Vec::new();
    let mut idle_gap = None;
    for deed in Deed::ALL {
        let (reports, took) = stage.under_traffic(deed)?;
        let sum = |count: fn(&UdpReport) -> u64| reports.iter().map(count).sum::<u64>() as f64;
        let gap = reports.iter().map(|report| report.longest_gap).max().unwrap_or_default();
        let gap = gap.as_secs_f64() * 1e3;
        let record = |metric: &str, unit: &str, value, reference| Record {
            bench: "reload".to_owned(),
            scenario: scenario(deed),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            value,
            reference,
        };
        records.extend([
            record("sent", "packets", sum(|report| report.sent), None),
            record("lost", "packets", sum(UdpReport::lost), None),
            record("duplicated", "packets", sum(|report| report.duplicated), None),
            record("reordered", "packets", sum(|report| report.reordered), None),
            record("longest_gap", "ms", gap, idle_gap),
            record("took", "ms", took.as_secs_f64() * 1e3, None),
        ]);
        idle_gap = idle_gap.or(Some(gap));
    }
    records.push(Record {
        bench: "reload".to_owned(),
        scenario: scenario(Deed::Rate),
        metric: "from_file_to_kernel".to_owned(),
        unit: "ms".to_owned(),
        value: stage.time_file_to_kernel()?,
        reference: None,
    });
    Ok(records)
}

struct Stage {
    daemon: Option<Daemon>,
    lab: Lab,
    spec: DaemonSpec,
    circuits: usize,
    /// How often a deed was done, so that each changes something.
    deeds: u32,
}

impl Stage {
    fn new(circuits: usize) -> Result<Self> {
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
    fn under_traffic(&mut self, deed: Deed) -> Result<(Vec<UdpReport>, Duration)> {
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
    fn time_file_to_kernel(&self) -> Result<f64> {
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

    fn ceiling(&self, class: TcHandle) -> Result<u64> {
        self.lab.namespace(Place::Box).inside(|| {
            let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
            let nic = IfIndex::new(name_to_index(&socket, BOX_CUSTOMERS)?);
            let found = Controller::open()?.class(nic, class)?;
            Ok(found.context("the class is gone")?.parameters.ceil)
        })
    }
}

/// One deed.
struct Doing<'s> {
    lab: &'s Lab,
    spec: &'s DaemonSpec,
    circuits: usize,
    number: u32,
}

impl Doing<'_> {
    fn carry_out(&self, deed: Deed, daemon: &mut Option<Daemon>) -> Result<()> {
        let mut devices = Devices::of(self.circuits);
        match deed {
            Deed::Nothing => Ok(()),
            Deed::ReloadUnchanged => self.reload(),
            Deed::Rate => {
                devices.rated_mbps = 100 + self.number;
                self.put_in_force(&devices)
            }
            Deed::AddAndRemove => {
                devices.comers = COMERS;
                self.put_in_force(&devices)?;
                devices.comers = 0;
                self.put_in_force(&devices)
            }
            Deed::Move => {
                let before = self.queue_of_moved()?;
                for site in 1..SITES {
                    devices.moved_site = site;
                    self.put_in_force(&devices)?;
                    if self.queue_of_moved()? != before {
                        return Ok(());
                    }
                }
                anyhow::bail!("all sites are on one queue")
            }
            Deed::KillAndRestart => {
                daemon.take().context("no daemon runs")?.kill();
                *daemon = Some(Daemon::start(self.lab, self.spec.clone())?);
                Ok(())
            }
            Deed::Handover => {
                self.client()?.handover(ANSWER_MAX)?;
                let left = Instant::now();
                wait_until("the successor", ANSWER_MAX, || {
                    let Ok(mut client) = Client::connect(&self.spec.socket, ANSWER_MAX) else {
                        return Ok(None);
                    };
                    let uptime_ms = client.status().ok().map(|status| u128::from(status.uptime_ms));
                    Ok(uptime_ms.filter(|ms| *ms <= left.elapsed().as_millis()).map(drop))
                })
            }
        }
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.spec.socket, ANSWER_MAX)?)
    }

    fn reload(&self) -> Result<()> {
        self.client()?.reload(ANSWER_MAX)?;
        Ok(())
    }

    fn put_in_force(&self, devices: &Devices) -> Result<()> {
        let path = self.spec.config.with_file_name("ShapedDevices.csv");
        let new = path.with_extension("new");
        fs::write(&new, devices.text())?;
        fs::rename(new, path)?;
        self.reload()
    }

    fn queue_of_moved(&self) -> Result<u16> {
        let rows = self.client()?.circuits(CircuitsQuery::default())?.rows;
        let row = rows.iter().find(|row| *row.id == *id(MOVED)).context("no such circuit")?;
        Ok(row.queue.down)
    }
}

/// ShapedDevices.csv.
#[derive(Clone, Copy)]
struct Devices {
    circuits: usize,
    rated_mbps: u32,
    moved_site: usize,
    comers: usize,
}

impl Devices {
    const fn of(circuits: usize) -> Self {
        Self { circuits, rated_mbps: 100, moved_site: MOVED % SITES, comers: 0 }
    }

    fn text(&self) -> String {
        let mut text = "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,\
                        Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment\n"
            .to_owned();
        for i in 0..self.circuits + self.comers {
            let site = if i == MOVED { self.moved_site } else { i % SITES };
            let mbps = if i == RATED { self.rated_mbps } else { 100 };
            let (id, address, ap) = (id(i), address(i), i / SITES % ACCESS_POINTS);
            text += &format!(
                "{id},Customer {i},d{i},router,AP_{site}_{ap},,{address},,1,1,{mbps},20,\n"
            );
        }
        text
    }
}

fn id(circuit: usize) -> String {
    format!("c{circuit:06}")
}

fn address(circuit: usize) -> IpAddr {
    std::net::Ipv4Addr::from_bits(0x6440_0001 + circuit as u32).into()
}

fn network() -> String {
    let rates =
        |mbps: u32| format!("\"downloadBandwidthMbps\":{mbps},\"uploadBandwidthMbps\":{mbps}");
    let sites = (0..SITES).map(|site| {
        let access_points: Vec<_> = (0..ACCESS_POINTS)
            .map(|ap| format!("\"AP_{site}_{ap}\":{{{}}}", rates(2_500)))
            .collect();
        format!(
            "\"Site_{site}\":{{{},\"children\":{{{}}}}}",
            rates(10_000),
            access_points.join(",")
        )
    });
    format!("{{{}}}", sites.collect::<Vec<_>>().join(","))
}

fn settings(socket: &Path, pins: &Path) -> String {
    format!(
        "[interfaces]\nmode = \"bridge\"\ninternet = \"{BOX_INTERNET}\"\ncustomers = \"{BOX_CUSTOMERS}\"\n\
         [files]\npins = \"{}\"\n[queues]\ndownload = \"40 Gbps\"\nupload = \"40 Gbps\"\n\
         leaf = \"cake diffserv4\"\nleaf_fallback = \"fifo\"\n\
         [ranges]\ncustomers = [\"100.64.0.0/10\"]\n\
         [bus]\nsocket = \"{}\"\nread_group = \"games\"\nadmin_group = \"mail\"\n",
        pins.display(),
        socket.display()
    )
}
