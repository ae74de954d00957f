//! Death between any two operations of a change, under traffic.
//!
//! A process of this test's own changes the box and is killed after its `k`th operation, for every `k`. Whoever
//! comes then goes on, or back. No packet may be lost meanwhile, nor pass where its circuit's rate
//! does not hold.

#![forbid(unsafe_code)]

use std::fs;
use std::net::IpAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use apply::{apply, verify};
use kernel::LinuxKernel;
use kernel::datapath::{Loaded, MapSizes, MapTables, Options, Pins, Side};
use kernel::privileges::missing_capabilities;
use kernel::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};
use kernel::tc::{ClassState, Controller, Failed, QdiscState, Request, TrafficControl};
use machine::nic::nic;
use plan::synthetic::{self, Config};
use plan::{Facts, Leaf, Plan};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Signal, getpid, kill_process};
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, Lab, LabSpec, Output, Place, UdpReport, UdpStream, run,
};
use units::{BitsPerSec, CircuitSlot, Direction, IfIndex, IpPrefix, PerDirection, TcHandle};

const QUEUES: u16 = 2;
/// Circuits that have traffic: one that stays as it is, one that moves, one that gets another rate, and
/// one that gets another leaf.
const BUSY: usize = 4;
/// They end when all is over; the test does not take longer.
const STREAMS_MAX: Duration = Duration::from_secs(100);
const PROCESS_MAX: Duration = Duration::from_secs(20);
/// Operations that a change has at least.
const OPERATIONS: usize = 40;
/// What neighbours say to each other, which no circuit claims.
const UNCLAIMED_MAX: u64 = 20_000;
/// What the helper is told by.
const ORDER: &str = "TIDEGATE_TEST_ORDER";

/// Which of two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Old,
    New,
}

impl Network {
    const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }

    fn config(self) -> Config {
        let mut config = synthetic::config(BitsPerSec::from_mbps(1_000));
        config.queues.leaf = Leaf::Fifo;
        let site = |name: &str| synthetic::node(name, None, Some(400));
        config.network.nodes = vec![site("A"), site("B")];
        let circuits = match self {
            Self::Old => 0..12,
            Self::New => 2..14,
        };
        let idle = (BUSY..BUSY + 12).skip(circuits.start).take(circuits.len() - 2);
        config.network.circuits = (0..BUSY)
            .chain(idle)
            .map(|i| synthetic::circuit(i, Some(i % 2), [1, 20, 1, 20]))
            .collect();
        if self == Self::New {
            let circuits = &mut config.network.circuits;
            circuits[1].parent = Some(0);
            circuits[2].max = PerDirection::both(BitsPerSec::from_mbps(30));
            circuits[3].leaf = PerDirection::both(Some(Leaf::None));
            circuits[4].parent = circuits[4].parent.map(|site| 1 - site);
            circuits[5].max = PerDirection::both(BitsPerSec::from_mbps(25));
        }
        config
    }
}

fn address(circuit: usize) -> IpAddr {
    let config = Network::Old.config();
    config.network.circuits[circuit].devices[0].prefixes[0].addr()
}

/// The kernel, until the last operation that is granted.
struct Mortal {
    kernel: LinuxKernel<MapTables>,
    left: usize,
    done: usize,
}

impl Mortal {
    fn count(&mut self) {
        if self.left == 0 {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        self.left -= 1;
        self.done += 1;
    }
}

impl TrafficControl for Mortal {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        for request in batch {
            self.count();
            self.kernel.tc(nic, std::slice::from_ref(request))?;
        }
        Ok(())
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        self.kernel.qdiscs(nics)
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        self.kernel.classes(nic)
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        self.kernel.class(nic, handle)
    }
}

impl Tables for Mortal {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        for row in rows {
            self.count();
            self.kernel.set_circuits(std::slice::from_ref(row))?;
        }
        Ok(())
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.count();
        self.kernel.set_addresses(rows)
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        self.kernel.circuits()
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        self.kernel.addresses()
    }
}

fn facts() -> Result<Facts> {
    let mut facts = synthetic::facts(QUEUES, QUEUES);
    for (fact, name) in [(&mut facts.customers, BOX_CUSTOMERS), (&mut facts.internet, BOX_INTERNET)]
    {
        (fact.name, fact.ifindex) = (name.to_owned(), nic(name)?.ifindex);
    }
    Ok(facts)
}

/// Starts as the daemon does, with its predecessor's plan in `kept`; makes as many operations as are granted, and
/// ends with all at work.
fn change(network: Network, operations: usize, pins: &Path, kept: &Path) -> Result<usize> {
    let facts = facts()?;
    let previous: Option<Plan> =
        fs::read(kept).ok().map(|bytes| serde_json::from_slice(&bytes)).transpose()?;
    let previous = previous.as_ref();
    let plan = plan::plan(&network.config(), &facts, previous)
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?
        .plan;
    let pins = Pins::take(pins)?;
    let succeeds = pins.has_attachments()?;
    let options = Options {
        mode: abi::Mode::Bridge,
        internet: facts.internet.ifindex,
        customers: facts.customers.ifindex,
        vlans: None,
        tcx: true,
        cpus: facts.cpus,
        sizes: MapSizes { circuits: 64, hosts: 64, prefixes: 64, unknown_hosts: 64, flows: 256 },
    };
    let mut loaded = Loaded::inheriting(options, &pins)?;
    ensure!(loaded.kept().tables == succeeds, "tables are taken over when there are some");
    let tables = loaded.take_tables().context("tables")?;
    let kernel = LinuxKernel { controller: Controller::open()?, tables };
    let mut kernel = Mortal { kernel, left: operations, done: 0 };
    let nics =
        [(BOX_CUSTOMERS.to_owned(), Side::Customers), (BOX_INTERNET.to_owned(), Side::Internet)];
    let attached = if succeeds {
        let attached = loaded.attach(&nics, pins)?;
        apply(&mut kernel, previous, &plan)?;
        attached
    } else {
        apply(&mut kernel, previous, &plan)?;
        loaded.attach(&nics, pins)?
    };
    let mismatches = verify(&mut kernel, &plan)?;
    ensure!(mismatches.is_empty(), "{mismatches:?}");
    fs::write(kept, serde_json::to_vec(&plan)?)?;
    attached.leave();
    Ok(kernel.done)
}

#[test]
#[ignore = "a process of the other test"]
fn helper() {
    let order = std::env::var(ORDER).unwrap();
    let words: Vec<_> = order.split(' ').collect();
    let network = if words[0] == Network::Old.name() { Network::Old } else { Network::New };
    let operations = words[1].parse().unwrap();
    let done = change(network, operations, Path::new(words[2]), Path::new(words[3])).unwrap();
    println!("operations {done}");
}

struct Stage {
    lab: Lab,
}

impl Stage {
    fn start(&self, network: Network, operations: usize) -> Result<Output> {
        let mut command = self.lab.namespace(Place::Box).command(std::env::current_exe()?);
        let (pins, kept) = (self.lab.bpffs().join("tidegate"), self.lab.folder().join("kept"));
        let order =
            format!("{} {operations} {} {}", network.name(), pins.display(), kept.display());
        command.args(["--exact", "helper", "--ignored", "--nocapture"]).env(ORDER, order);
        run(&mut command, PROCESS_MAX)
    }

    /// Changes all to the end; tells how many operations that took.
    fn bring(&self, network: Network) -> Result<usize> {
        let output = self.start(network, usize::MAX)?;
        ensure!(output.status.success(), "{output}");
        let text = output.stdout.lines().find_map(|line| line.strip_prefix("operations "));
        Ok(text.context("it said nothing")?.parse()?)
    }

    /// Is killed before the operation after so many; tells whether there was one.
    fn die(&self, network: Network, operations: usize) -> Result<bool> {
        let output = self.start(network, operations)?;
        match (output.status.success(), output.status.signal()) {
            (true, _) => Ok(false),
            (_, Some(signal)) if signal == Signal::KILL.as_raw() => Ok(true),
            _ => bail!("{output}"),
        }
    }

    /// What passed in the classes for what no circuit claims.
    fn unclaimed_bytes(&self) -> Result<u64> {
        self.lab.namespace(Place::Box).inside(|| {
            let mut controller = Controller::open()?;
            let mut bytes = 0;
            for name in [BOX_CUSTOMERS, BOX_INTERNET] {
                let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
                let classes = controller.classes(IfIndex::new(name_to_index(&socket, name)?))?;
                let unclaimed = classes.iter().filter(|class| class.handle.minor() == 2);
                bytes += unclaimed.map(|class| class.stats.bytes.get()).sum::<u64>();
            }
            Ok(bytes)
        })
    }

    /// Dies after each number of operations on the way to the other network and back; who comes
    /// goes on to where the dead one went, and the next time back to where it came from.
    fn die_everywhere(&self) -> Result<usize> {
        let mut deaths = 0;
        for (from, to) in [(Network::Old, Network::New), (Network::New, Network::Old)] {
            let there = self.bring(to)?;
            ensure!(there >= OPERATIONS, "only {there} operations");
            self.bring(from)?;
            for operations in 0.. {
                if !self.die(to, operations)? {
                    break;
                }
                deaths += 1;
                let next = if operations % 2 == 0 { to } else { from };
                self.bring(next)?;
                if next == to {
                    self.bring(from)?;
                }
            }
            self.bring(to)?;
        }
        Ok(deaths)
    }
}

#[test]
fn fault_08_no_death_between_two_operations_loses_a_packet() -> Result<()> {
    let missing = missing_capabilities()?;
    if !missing.is_empty() {
        println!("skipped: lacks {}", missing.join(", "));
        return Ok(());
    }
    let customers: Vec<_> = (0..BUSY).map(address).collect();
    let stage = Stage { lab: Lab::new(&LabSpec { queues: QUEUES, ..LabSpec::new(customers) })? };
    stage.bring(Network::Old)?;
    let streams: Vec<_> = (0..BUSY)
        .zip(7_001..)
        .map(|(circuit, port)| {
            let direction = Direction::ALL[circuit % 2];
            let rate = BitsPerSec::from_mbps(1);
            UdpStream {
                duration: STREAMS_MAX,
                ..UdpStream::new(address(circuit), direction, port, rate)
            }
        })
        .collect();
    let over = AtomicBool::new(false);
    let reports = thread::scope(|scope| -> Result<Vec<UdpReport>> {
        let (lab, over) = (&stage.lab, &over);
        let runs: Vec<_> =
            streams.iter().map(|stream| scope.spawn(move || stream.run_until(lab, over))).collect();
        let begun = Instant::now();
        let deaths = stage.die_everywhere();
        println!("{deaths:?} deaths in {:?}", begun.elapsed());
        let late = runs.iter().any(thread::ScopedJoinHandle::is_finished);
        over.store(true, Ordering::Relaxed);
        ensure!(!late, "the streams ended before the deaths");
        deaths?;
        runs.into_iter().map(|run| run.join().expect("a stream panicked")).collect()
    })?;
    for (circuit, report) in reports.iter().enumerate() {
        let lost = report.lost();
        println!(
            "circuit {circuit}: {} sent, {lost} lost, gap {:?}",
            report.sent, report.longest_gap
        );
        ensure!(lost == 0 && report.duplicated == 0, "circuit {circuit}: {lost} lost");
    }
    let unclaimed = stage.unclaimed_bytes()?;
    ensure!(unclaimed < UNCLAIMED_MAX, "{unclaimed} bytes passed as nobody's");
    Ok(())
}
