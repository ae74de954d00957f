//! Traffic across a lab: customers, the box and the Internet in network namespaces, with veths whose
//! frames are whole, as on a wire.
//!
//! The same box is set up in turn as a plain bridge, as a bridge with HTB, and with Tidegate's
//! programs, in each of several rounds, so that what else the machine does hits all alike.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use abi::{Egress, Mode, Verdict};
use anyhow::{Context, Result, ensure};
use kernel::datapath::{Attached, Counters, Loaded, MapSizes, Options, Pins, Side};
use kernel::tables::{AddressTarget, CircuitPlace, Tables};
use kernel::tc::{Controller, HtbClass, Qdisc, Request, TrafficControl};
use rustix::net::netdevice::name_to_index;
use rustix::time::{ClockId, clock_gettime};
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Iperf, Lab, LabSpec, Place, UdpStream};
use units::{
    BitsPerSec, Bytes, CircuitSlot, CpuId, Direction, IfIndex, IpPrefix, PerDirection, QueueId,
    TcHandle,
};

use crate::record::{Record, median};

const ROUNDS: usize = 5;

/// The lab's NICs have as many queues.
const QUEUES: u16 = 2;

/// One circuit for each queue and its CPU.
const CUSTOMERS: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 64, 1, 10), Ipv4Addr::new(100, 64, 1, 11)];

const MQ: TcHandle = TcHandle::new(0xfff0, 0);

/// Minors of the class that packets of no circuit go to, and of the circuits' one.
const UNCLAIMED: u16 = 2;
const CIRCUIT: u16 = 3;

/// More than any NIC of the lab carries, so that HTB works but holds nothing back.
const RATE: BitsPerSec = BitsPerSec::from_mbps(40_000);

const PORT: u16 = 5_201;

const TCP_SECONDS: u32 = 1;
const UDP_TIME: Duration = Duration::from_millis(800);

/// Payload of a frame of 64 bytes with its checksum, and some 50,000 such packets a second.
const UDP_PAYLOAD: u16 = 18;
const UDP_RATE: BitsPerSec = BitsPerSec::from_mbps(18);

/// What the names of the kernel's threads begin with that forward packets.
const FORWARDERS: [&str; 2] = ["cpumap/", "ksoftirqd/"];

/// How the box is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setup {
    Bridge,
    BridgeHtb,
    /// Tidegate, with the circuits' CPUs in its cpumap.
    Tidegate,
    /// Tidegate without any CPU to steer to: packets go on where they came in.
    Unsteered,
}

impl Setup {
    const ALL: [Self; 4] = [Self::Bridge, Self::BridgeHtb, Self::Tidegate, Self::Unsteered];

    /// The suffix of the metric; Tidegate as it is has none.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Bridge => "_bridge",
            Self::BridgeHtb => "_bridge_htb",
            Self::Tidegate => "",
            Self::Unsteered => "_unsteered",
        }
    }
}

/// What one setup was measured to do.
#[derive(Debug, Default)]
struct Figures {
    tcp_bits_per_sec: Vec<f64>,
    /// The same when the box's NICs do not merge what they receive.
    unmerged_bits_per_sec: Vec<f64>,
    udp_cpu_ns: Vec<f64>,
    /// Frames in for each packet out, with TCP.
    merged: Vec<f64>,
}

/// Measures and tells.
pub(crate) fn run() -> Result<Vec<Record>> {
    let lab = Lab::new(&LabSpec::new(CUSTOMERS.map(IpAddr::V4)))?;
    let mut figures = Setup::ALL.map(|_| Figures::default());
    for round in 0..ROUNDS {
        let customer = CUSTOMERS[round % CUSTOMERS.len()];
        for (setup, figures) in Setup::ALL.into_iter().zip(&mut figures) {
            lab.namespace(Place::Box)
                .inside(|| measure(&lab, setup, customer, figures))
                .with_context(|| format!("{setup:?}"))?;
        }
    }
    Ok(records(figures))
}

fn records(figures: [Figures; 4]) -> Vec<Record> {
    let middle = figures.map(|figures| {
        let Figures { tcp_bits_per_sec, unmerged_bits_per_sec, udp_cpu_ns, merged } = figures;
        [tcp_bits_per_sec, unmerged_bits_per_sec, udp_cpu_ns, merged].map(median)
    });
    let reference = middle[Setup::BridgeHtb as usize];
    let mut records = Vec::new();
    for (place, scenario, metric, unit) in [
        (0, "tcp-one-stream", "bits_per_second", "bit/s"),
        (1, "tcp-one-stream", "bits_per_second_no_gro", "bit/s"),
        (2, "udp-64-byte", "cpu_ns_per_packet", "ns"),
        (3, "tcp-one-stream", "frames_per_packet_out", "frames"),
    ] {
        for setup in Setup::ALL {
            let value = middle[setup as usize][place];
            if value.is_finite() {
                records.push(Record {
                    bench: "live".to_owned(),
                    scenario: scenario.to_owned(),
                    metric: format!("{metric}{}", setup.suffix()),
                    unit: unit.to_owned(),
                    value,
                    reference: Some(reference[place]).filter(|reference| reference.is_finite()),
                });
            }
        }
    }
    records
}

/// The calling thread is inside the box.
fn measure(lab: &Lab, setup: Setup, customer: Ipv4Addr, figures: &mut Figures) -> Result<()> {
    let nics = [ifindex(BOX_CUSTOMERS)?, ifindex(BOX_INTERNET)?];
    let _trees = (setup != Setup::Bridge).then(|| Trees::build(nics)).transpose()?;
    let programs = match setup {
        Setup::Bridge | Setup::BridgeHtb => None,
        Setup::Tidegate => Some(attach(lab, nics, &[0, 1])?),
        Setup::Unsteered => Some(attach(lab, nics, &[])?),
    };
    let crossed = |programs: &Option<(Attached, Counters)>| {
        programs.as_ref().map(|(_, counters)| {
            let totals = counters.totals();
            let out =
                totals.egress[Egress::Metadata as usize] + totals.egress[Egress::Lookup as usize];
            (totals.verdicts[Verdict::Circuit as usize] as f64, out as f64)
        })
    };
    let tcp = Iperf {
        seconds: TCP_SECONDS,
        omit: 0,
        ..Iperf::new(customer.into(), Direction::Download, PORT)
    };
    set_gro(lab, "off")?;
    figures.unmerged_bits_per_sec.push(tcp.run(lab)?.rate.get() as f64);
    set_gro(lab, "on")?;
    let before = crossed(&programs);
    figures.tcp_bits_per_sec.push(tcp.run(lab)?.rate.get() as f64);
    if let (Some((frames, packets)), Some(after)) = (before, crossed(&programs)) {
        figures.merged.push((after.0 - frames) / (after.1 - packets));
    }
    let udp = UdpStream {
        payload: UDP_PAYLOAD,
        duration: UDP_TIME,
        ..UdpStream::new(customer.into(), Direction::Download, PORT, UDP_RATE)
    };
    let busy = busy_ns()?;
    let report = udp.run(lab)?;
    let busy = busy_ns()? - busy;
    // a few are dropped at the receiver's socket when it wakes late, when all their work was done
    let (sent, lost) = (report.sent, report.lost());
    ensure!(lost * 5 < sent, "{lost} of {sent} packets were lost");
    figures.udp_cpu_ns.push(busy / sent as f64);
    Ok(())
}

/// Real NICs merge the segments that they receive (GRO); a veth is to be told to.
fn set_gro(lab: &Lab, wanted: &str) -> Result<()> {
    for nic in [BOX_CUSTOMERS, BOX_INTERNET] {
        lab.run(Place::Box, &["ethtool", "-K", nic, "gro", wanted])?;
    }
    Ok(())
}

fn ifindex(nic: &str) -> Result<IfIndex> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    Ok(IfIndex::new(name_to_index(&socket, nic)?))
}

/// Nanoseconds of processor time that traffic took so far: of this process, which sends and receives
/// it, with all that the kernel does while it sends, and of the kernel's threads that forward. What
/// else the machine does is not among it.
fn busy_ns() -> Result<f64> {
    let own = clock_gettime(ClockId::ProcessCPUTime);
    let mut busy = own.tv_sec as f64 * 1e9 + own.tv_nsec as f64;
    for entry in fs::read_dir("/proc").context("could not list processes")? {
        let folder = entry?.path();
        let Ok(name) = fs::read_to_string(folder.join("comm")) else { continue };
        if !FORWARDERS.iter().any(|forwarder| name.starts_with(forwarder)) {
            continue;
        }
        // the first number: nanoseconds on a CPU
        let Ok(times) = fs::read_to_string(folder.join("schedstat")) else { continue };
        let ns = times.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok());
        busy += ns.context("the kernel does not tell its threads' times")?;
    }
    Ok(busy)
}

/// The programs on both NICs, with a circuit for each customer.
fn attach(lab: &Lab, nics: [IfIndex; 2], cpus: &[u16]) -> Result<(Attached, Counters)> {
    let [customers, internet] = nics;
    let mut loaded = Loaded::new(Options {
        mode: Mode::Bridge,
        internet,
        customers,
        vlans: None,
        tcx: true,
        cpus: cpus.iter().copied().map(CpuId::new).collect(),
        sizes: MapSizes {
            circuits: 16_384,
            hosts: 16_384,
            prefixes: 1_024,
            unknown_hosts: 1_024,
            flows: 65_536,
        },
    })?;
    let mut tables = loaded.take_tables().context("the tables were taken before")?;
    let slots = || (0..QUEUES).map(|queue| CircuitSlot::new(queue.into()));
    let rows: Vec<_> =
        slots().zip(0..QUEUES).map(|(slot, queue)| (slot, Some(place(queue)))).collect();
    tables.set_circuits(&rows)?;
    let addresses: Vec<_> = CUSTOMERS
        .iter()
        .zip(slots())
        .map(|(host, slot)| (IpPrefix::host((*host).into()), Some(AddressTarget::Circuit(slot))))
        .collect();
    tables.set_addresses(&addresses)?;
    let counters = loaded.take_readers().context("the readers were taken before")?.counters;
    let sides = [(BOX_CUSTOMERS, Side::Customers), (BOX_INTERNET, Side::Internet)]
        .map(|(nic, side)| (nic.to_owned(), side));
    Ok((loaded.attach(&sides, Pins::take(&lab.bpffs().join("tidegate"))?)?, counters))
}

fn place(queue: u16) -> CircuitPlace {
    CircuitPlace {
        class: PerDirection::both(TcHandle::new(queue + 1, CIRCUIT)),
        queue: PerDirection::both(QueueId::new(queue)),
        cpu: CpuId::new(queue),
    }
}

/// `mq` with an HTB for each queue on both NICs. Dropping it puts back the kernel's own queues.
struct Trees {
    controller: Controller,
    nics: [IfIndex; 2],
}

impl Trees {
    fn build(nics: [IfIndex; 2]) -> Result<Self> {
        let mut controller = Controller::open()?;
        let mut requests =
            vec![Request::AddQdisc { parent: TcHandle::ROOT, handle: MQ, qdisc: Qdisc::Mq }];
        for queue in 0..QUEUES {
            let htb = TcHandle::new(queue + 1, 0);
            requests.push(Request::ReplaceQdisc {
                parent: TcHandle::new(MQ.major(), queue + 1),
                handle: Some(htb),
                qdisc: Qdisc::Htb { default_minor: UNCLAIMED },
            });
            let link = TcHandle::new(queue + 1, 1);
            for (minor, parent) in [(1, htb), (UNCLAIMED, link), (CIRCUIT, link)] {
                let handle = TcHandle::new(queue + 1, minor);
                requests.push(Request::AddClass { handle, parent, class: class() });
            }
        }
        for nic in nics {
            controller.tc(nic, &requests)?;
        }
        Ok(Self { controller, nics })
    }
}

impl Drop for Trees {
    fn drop(&mut self) {
        for nic in self.nics {
            // where it fails, the lab's end takes them down
            let _ = self.controller.tc(nic, &[Request::DeleteQdisc { parent: TcHandle::ROOT }]);
        }
    }
}

const fn class() -> HtbClass {
    HtbClass {
        rate: RATE,
        ceil: RATE,
        burst: Bytes::new(1 << 20),
        cburst: Bytes::new(1 << 20),
        quantum: Bytes::new(60_000),
        priority: 0,
    }
}
