//! `tc_egress` with the slot in the packet's metadata, timed on packets that really pass: a test run
//! gives its packets none.
//!
//! Downloads cross a lab of three network namespaces: native XDP, the hop to the circuit's CPU,
//! the Linux bridge, and out by the customers' NIC, where an empty program sits in front.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use abi::Egress;
use anyhow::{Context, Result, ensure};
use kernel::datapath::{Counters, Pins, Side, Stopwatch};
use rustix::net::netdevice::name_to_index;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Lab, LabSpec, Place, UdpStream};
use units::{BitsPerSec, Direction, IfIndex};

use super::packet::Kind;
use super::provider::{self, FIRST_SHAPED4};
use super::rounds::Cost;
use super::sheet::Bars;

/// Name of the scenario, and its bars in nanoseconds.
pub(super) const NAME: &str = "tc-metadata";
pub(super) const BARS: Bars = (35.0, 20.0);

/// Circuits with one address each.
const CIRCUITS: u32 = 10_000;

/// What crosses the lab: some 40,000 frames of 128 bytes a second.
const PAYLOAD: u16 = 86;
const RATE: BitsPerSec = BitsPerSec::from_mbps(36);
const ROUND: Duration = Duration::from_secs(1);
const PORT: u16 = 5_201;

/// Percentage of packets that must have come with metadata: others, of the lab's own, are few.
const WITH_METADATA_PERCENT: u64 = 99;

/// Measures it; nothing where the kernel loses the metadata on the way to another CPU, as those
/// before 6.15 or so do.
pub(super) fn measure(rounds: usize) -> Result<Option<Cost>> {
    let lab = Lab::new(&LabSpec::new([IpAddr::V4(FIRST_SHAPED4)]))?;
    lab.namespace(Place::Box).inside(|| measure_in_box(&lab, rounds)).with_context(|| NAME)
}

/// The calling thread is inside the box.
fn measure_in_box(lab: &Lab, rounds: usize) -> Result<Option<Cost>> {
    let customers = ifindex(BOX_CUSTOMERS)?;
    let mut options = provider::bridge(provider::default_sizes()?);
    (options.internet, options.customers) = (ifindex(BOX_INTERNET)?, customers);
    let mut loaded = provider::load(options, CIRCUITS, Kind::Udp4)?;
    let counters = loaded.take_readers().context("the readers were taken before")?.counters;
    let nics = [(BOX_INTERNET, Side::Internet), (BOX_CUSTOMERS, Side::Customers)]
        .map(|(nic, side)| (nic.to_owned(), side));
    let attached = loaded.attach(&nics, Pins::take(&lab.bpffs().join("tidegate"))?)?;
    let stopwatch = Stopwatch::new(&attached, BOX_CUSTOMERS, customers)?;
    let rounds: Result<Option<Vec<_>>> =
        (0..rounds).map(|_| round(lab, &counters, &stopwatch)).collect();
    Ok(rounds?.as_deref().map(Cost::of))
}

fn ifindex(nic: &str) -> Result<IfIndex> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    Ok(IfIndex::new(name_to_index(&socket, nic)?))
}

/// Nanoseconds a packet: with the datapath's program, and with the empty one. Nothing when no packet
/// had kept its metadata.
fn round(lab: &Lab, counters: &Counters, stopwatch: &Stopwatch) -> Result<Option<(f64, f64)>> {
    let stream = UdpStream {
        payload: PAYLOAD,
        duration: ROUND,
        ..UdpStream::new(FIRST_SHAPED4.into(), Direction::Download, PORT, RATE)
    };
    let (egress, times) = (counters.totals().egress, stopwatch.read()?);
    stream.run(lab)?;
    let (egress_after, times_after) = (counters.totals().egress, stopwatch.read()?);
    let [datapath, empty] = [0, 1].map(|program| times_after[program].since(times[program]));
    let metadata = Egress::Metadata as usize;
    let with_metadata = egress_after[metadata] - egress[metadata];
    if with_metadata == 0 {
        return Ok(None);
    }
    ensure!(
        with_metadata * 100 >= datapath.runs * WITH_METADATA_PERCENT,
        "only {with_metadata} of {} packets came with metadata",
        datapath.runs
    );
    Ok(datapath.ns_per_run().zip(empty.ns_per_run()))
}
