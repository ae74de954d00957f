//! RTTs of real TCP stacks, through programs that are attached, over a path whose delay is known.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use kernel::datapath::{Attached, Loaded, MapSizes, Options, Pins, Readers, Side};
use kernel::tables::{AddressTarget, Tables};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use testkit::connection::sent_by;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, DelayRelay, Lab, LabSpec, Namespace, Place};
use units::{CircuitSlot, CpuId, IfIndex, IpPrefix, PerSegment, Segment};

use crate::observer::without_privileges;

const CUSTOMER: &str = "100.64.1.10";
/// One way.
const DELAYS: PerSegment<Duration> =
    PerSegment { customer: Duration::from_micros(2_500), internet: Duration::from_millis(10) };
const EXCHANGES: usize = 60;
/// How long all exchanges, or anything in them, may take.
const DEADLINE: Duration = Duration::from_secs(10);
const MESSAGE: usize = 600;
/// How far from truth the median may be: whichever is larger.
const ERROR: Duration = Duration::from_millis(1);
const ERROR_SHARE: f64 = 0.05;

#[test]
fn rtts_of_real_stacks_are_the_relays() -> Result<()> {
    if without_privileges() {
        return Ok(());
    }
    let customer: IpAddr = CUSTOMER.parse()?;
    let lab = Lab::new(&LabSpec::new([customer]))?;
    let server = IpAddr::from(lab.server4());
    let far = PerSegment {
        customer: DelayRelay::insert(&lab, Place::Customers, &[customer], DELAYS.customer)?,
        internet: DelayRelay::insert(&lab, Place::Internet, &[server], DELAYS.internet)?,
    };
    let (mut readers, _attached) = attach(&lab, customer)?;
    for (port, timestamps) in [(8001, "1"), (8002, "0")] {
        for segment in Segment::ALL {
            set_timestamps(far[segment].namespace(), timestamps)?;
        }
        let samples = exchange(&far, SocketAddr::new(server, port), &mut readers)?;
        for segment in Segment::ALL {
            let mut samples = samples[segment].clone();
            samples.sort_unstable();
            let count = samples.len();
            ensure!(count > EXCHANGES / 2, "timestamps {timestamps}, {segment}: {count} samples");
            let (median, truth) = (samples[count / 2], far[segment].round_trip());
            println!(
                "timestamps {timestamps}, {segment}: {median:?} of {truth:?}, {count} samples"
            );
            let tolerance = ERROR.max(truth.mul_f64(ERROR_SHARE));
            ensure!(
                median.abs_diff(truth) <= tolerance,
                "timestamps {timestamps}, {segment}: {median:?}, not {truth:?}"
            );
        }
    }
    Ok(())
}

/// The programs on both NICs, observing: the Linux bridge forwards.
fn attach(lab: &Lab, customer: IpAddr) -> Result<(Readers, Attached)> {
    lab.namespace(Place::Box).inside(|| {
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Observe,
            internet: ifindex(BOX_INTERNET)?,
            customers: ifindex(BOX_CUSTOMERS)?,
            vlans: None,
            tcx: true,
            cpus: vec![CpuId::new(0)],
            sizes: MapSizes { circuits: 1, hosts: 1, prefixes: 1, unknown_hosts: 1, flows: 64 },
        })?;
        let mut tables = loaded.take_tables().context("tables")?;
        let circuit = AddressTarget::Circuit(CircuitSlot::new(0));
        tables.set_addresses(&[(IpPrefix::host(customer), Some(circuit))])?;
        let readers = loaded.take_readers().context("readers")?;
        let nics = [
            (BOX_INTERNET.to_owned(), Side::Internet),
            (BOX_CUSTOMERS.to_owned(), Side::Customers),
        ];
        let attached = loaded.attach(&nics, Pins::take(&lab.bpffs().join("tidegate"))?)?;
        Ok((readers, attached))
    })
}

/// Of a NIC of the thread's namespace.
fn ifindex(nic: &str) -> Result<IfIndex> {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    Ok(IfIndex::new(name_to_index(&socket, nic)?))
}

fn set_timestamps(namespace: &Namespace, value: &str) -> Result<()> {
    namespace.inside(|| Ok(std::fs::write("/proc/sys/net/ipv4/tcp_timestamps", value)?))
}

/// Question and answer over one connection, again and again; reads a sample of either segment after
/// each answer, if there is one.
fn exchange(
    far: &PerSegment<DelayRelay>,
    server: SocketAddr,
    readers: &mut Readers,
) -> Result<PerSegment<Vec<Duration>>> {
    let listener = far.internet.namespace().inside(|| Ok(TcpListener::bind(server)?))?;
    let answering = thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        prepare(&stream)?;
        let mut message = [0; MESSAGE];
        for _ in 0..EXCHANGES {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        Ok(())
    });
    let mut stream =
        far.customer.namespace().inside(|| Ok(TcpStream::connect_timeout(&server, DEADLINE)?))?;
    prepare(&stream)?;
    let port = stream.local_addr()?.port();
    let (mut message, mut samples) = ([0x5a; MESSAGE], PerSegment::<Vec<Duration>>::default());
    let (started, mut taken) = (Instant::now(), PerSegment::<u32>::default());
    for _ in 0..EXCHANGES {
        ensure!(started.elapsed() < DEADLINE, "the exchanges take too long");
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        readers.flows.read_changed(|report, _| {
            if report.key.customer_port != port.to_be() {
                return;
            }
            for segment in Segment::ALL {
                let stream = &report.streams[sent_by(segment) as usize];
                if stream.rtt_samples != taken[segment] {
                    taken[segment] = stream.rtt_samples;
                    let ns = u64::from(stream.rtt_last) * u64::from(abi::RTT_UNIT_NS);
                    samples[segment].push(Duration::from_nanos(ns));
                }
            }
        })?;
    }
    answering.join().map_err(|_| anyhow!("the server panicked"))??;
    Ok(samples)
}

fn prepare(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    Ok(stream.set_write_timeout(Some(DEADLINE))?)
}
