//! What is not a circuit's crosses the box as if it were a cable.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, Client, FlowsQuery, UnknownQuery, XdpMode};
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, Forwarding, Frame, Ipv4, Mac, Ping, Place, RawSocket, wait_until,
};
use units::{BitsPerSec, Direction};

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, UNKNOWN_HOST, ensure_near};

fn one_circuit() -> Provider {
    Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))])
}

#[test]
fn unknown_hosts_pass_and_are_listed() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let host: IpAddr = UNKNOWN_HOST.parse()?;
    let ping = Ping::from(host, stage.lab.server_for(host)).run(&stage.lab, Place::Customers)?;
    ensure!(ping.lost == 0, "{ping:?}");
    let rate = stage.goodput(host, Direction::Download, 2)?;
    ensure!(rate > BitsPerSec::from_mbps(50), "an unknown host got {rate}");
    let mut client = stage.client()?;
    let row = wait_until("the unknown host in the list", Duration::from_secs(10), || {
        let page = client.unknown(UnknownQuery::default())?;
        Ok(page.rows.into_iter().find(|row| row.addr == host))
    })?;
    ensure!(row.bytes.down > 1_000_000, "{row:?}");
    Ok(())
}

/// Sends a frame each way and expects it unchanged on the other side.
fn crosses(stage: &Stage, what: &str, frame: &[u8]) -> Result<()> {
    let places = [Place::Customers, Place::Internet];
    for (from, to) in [(places[0], places[1]), (places[1], places[0])] {
        let source = RawSocket::open(&stage.lab, from)?;
        let sink = RawSocket::open(&stage.lab, to)?;
        source.send(frame)?;
        let arrived = sink.receive(Duration::from_secs(5), |other| other == frame)?;
        ensure!(arrived.is_some(), "{what} did not get from {from:?} to {to:?}");
    }
    Ok(())
}

/// A frame of a protocol that has an address of its own.
fn frame_to(target: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = ethertype.to_be_bytes();
    [&target[..], &[2, 0, 0, 0, 0, 9, high, low], payload].concat()
}

#[test]
fn arp_stp_lldp_and_tags_pass() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let arp =
        [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 100, 64, 7, 7, 0, 0, 0, 0, 0, 0, 100, 64, 7, 8];
    crosses(&stage, "ARP", &frame_to([0xff; 6], 0x0806, &arp))?;
    // An 802.3 frame: its length, then LLC and a configuration message.
    let stp = [&[0x42, 0x42, 0x03][..], &[0; 35]].concat();
    crosses(&stage, "STP", &frame_to([1, 0x80, 0xc2, 0, 0, 0], 38, &stp))?;
    crosses(&stage, "LLDP", &frame_to([1, 0x80, 0xc2, 0, 0, 0x0e], 0x88cc, &[0; 46]))?;
    let ip = Ipv4::new([100, 64, 1, 1], [203, 0, 113, 1]);
    let pppoe = Frame::ethernet().pppoe(7).ipv4(ip.clone()).udp(9, 9).payload(&[7; 40]);
    crosses(&stage, "PPPoE", &pppoe.build())?;
    let mpls = Frame::ethernet().mpls(77).ipv4(ip).udp(9, 9).payload(&[7; 40]);
    crosses(&stage, "MPLS", &mpls.build())
}

#[test]
fn jumbo_frames_pass() -> Result<()> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 9000)?;
    stage.start()?;
    let jumbo = Frame::ethernet_between(Mac([2, 0, 0, 0, 0, 9]), Mac([0xff; 6]))
        .ipv4(Ipv4::new([100, 64, 9, 9], [203, 0, 113, 9]))
        .udp(9, 9)
        .payload(&[7; 8900]);
    crosses(&stage, "a jumbo frame", &jumbo.build())?;
    // A circuit's as well.
    let customer: IpAddr = "100.64.1.1".parse()?;
    let mut ping = Ping::from(customer, stage.lab.server_for(customer));
    ping.size = 8900;
    let report = ping.run(&stage.lab, Place::Customers)?;
    ensure!(report.lost == 0, "{report:?}");
    Ok(())
}

/// A lab whose NIC towards the customers has no native XDP: a veth has none while it receives by fewer
/// queues than the other end sends by.
fn without_native_xdp() -> Result<Stage> {
    let mut stage = Stage::dark(&one_circuit(), Forwarding::Bridge, 1500)?;
    stage.lab.run(Place::Box, &["ethtool", "-L", BOX_CUSTOMERS, "rx", "1"])?;
    stage.start()?;
    Ok(stage)
}

#[test]
fn a_nic_that_refuses_native_xdp_is_told() -> Result<()> {
    let mut stage = without_native_xdp()?;
    let status = stage.client()?.status()?;
    for (nic, mode) in [(BOX_CUSTOMERS, XdpMode::Generic), (BOX_INTERNET, XdpMode::Native)] {
        let view = status.nics.iter().find(|view| view.name == nic).context("no such NIC")?;
        ensure!(view.xdp == Some(mode), "{view:?}");
    }
    let log = stage.daemon.as_ref().context("no daemon runs")?.log();
    ensure!(log.contains("falling back to generic XDP"), "it is not told:\n{log}");
    stage.stop()
}

#[test]
fn a_nic_without_native_xdp_forwards_from_every_cpu() -> Result<()> {
    let stage = without_native_xdp()?;
    // a veth is received from on the CPU that sends
    for cpu in 0..thread::available_parallelism()?.get() {
        let ping = format!("taskset -c {cpu} ping -c 5 -i 0.2 -W 1 -I 100.64.1.1");
        let server = stage.lab.server4().to_string();
        let words: Vec<_> = ping.split(' ').chain([server.as_str()]).collect();
        let shown = testkit::run(
            &mut stage.lab.command(Place::Customers, &words),
            Duration::from_secs(20),
        )?;
        ensure!(shown.stdout.contains(" 0% packet loss"), "from CPU {cpu}: {shown}");
    }
    Ok(())
}

#[test]
fn the_bypass_works_at_once_and_ends_at_once() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let mut client = stage.client()?;
    ensure_near("shaped", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)?;
    client.bypass(true).context("bypass on")?;
    let free = stage.goodput(customer, Direction::Download, 2)?;
    ensure!(free > BitsPerSec::from_mbps(50), "bypassed, but {free}");
    let says_so = |client: &mut Client| -> Result<[bool; 2]> {
        let flows = client.flows(FlowsQuery::default())?;
        Ok([client.circuits(CircuitsQuery::default())?.bypass, flows.bypass])
    };
    // the streams have taken two seconds
    ensure!(says_so(&mut client)? == [true; 2], "figures that nobody measured look like others");
    client.bypass(false).context("bypass off")?;
    wait_until("measured figures that say so", Duration::from_secs(5), || {
        Ok((says_so(&mut client)? == [false; 2]).then_some(()))
    })?;
    ensure_near("shaped again", stage.goodput(customer, Direction::Download, 3)?, 5.0, 0.05)
}
