//! Labs go up, carry packets, and leave nothing behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use testkit::{
    ChildGuard, DelayRelay, Forwarding, Frame, Iperf, Ipv4, Lab, LabSpec, Ping, Place, RawSocket,
    UdpStream, leftovers_of, wait_until,
};
use units::{BitsPerSec, Direction};

fn spec() -> Result<LabSpec> {
    Ok(LabSpec::new(["100.64.1.10".parse()?, "100.64.2.20".parse()?, "2001:db8:1:10::1".parse()?]))
}

#[test]
fn ping_crosses_the_bridge_in_both_families() -> Result<()> {
    let spec = spec()?;
    let lab = Lab::new(&spec)?;
    for customer in spec.customers {
        let out = Ping::from(customer, lab.server_for(customer)).run(&lab, Place::Customers)?;
        ensure!(out.lost == 0 && out.sent == 5, "{customer}: {out:?}");
        let back = Ping::new(customer).run(&lab, Place::Internet)?;
        ensure!(back.lost == 0, "to {customer}: {back:?}");
    }
    Ok(())
}

#[test]
fn tcp_and_udp_cross_the_bridge() -> Result<()> {
    let spec = spec()?;
    let lab = Lab::new(&spec)?;
    for (port, direction) in (5201..).zip(Direction::ALL) {
        let mut iperf = Iperf::new(spec.customers[2], direction, port);
        (iperf.seconds, iperf.omit) = (1, 0);
        let goodput = iperf.run(&lab)?;
        ensure!(goodput.rate > BitsPerSec::from_mbps(100), "{goodput:?}");
        let mut stream =
            UdpStream::new(spec.customers[0], direction, port, BitsPerSec::from_mbps(4));
        stream.duration = Duration::from_millis(500);
        let report = stream.run(&lab)?;
        ensure!((240..=260).contains(&report.sent), "{} sent", report.sent);
        ensure!(report.lost() == 0 && report.duplicated == 0, "{} lost", report.lost());
    }
    Ok(())
}

#[test]
fn a_box_that_does_not_forward_lets_nothing_pass() -> Result<()> {
    let lab = Lab::new(&LabSpec { forwarding: Forwarding::None, ..spec()? })?;
    let ping = Ping { count: 2, ..Ping::new(lab.server4().into()) }.run(&lab, Place::Customers)?;
    ensure!(ping.lost == 2, "{ping:?}");
    Ok(())
}

#[test]
fn the_switch_on_a_stick_tags_and_untags() -> Result<()> {
    let forwarding = Forwarding::Stick { internet_vlan: 10, customers_vlan: 20 };
    let lab = Lab::new(&LabSpec { forwarding, ..spec()? })?;
    let source = RawSocket::open(&lab, Place::Customers)?;
    let stick = RawSocket::open_on(&lab, Place::Box, testkit::BOX_STICK)?;
    let sink = RawSocket::open(&lab, Place::Internet)?;
    let inner = |frame: Frame| {
        frame.ipv4(Ipv4::new([100, 64, 1, 10], [203, 0, 113, 1])).udp(7, 7).payload(&[0x5a; 100])
    };
    let ends_like_ours = |frame: &[u8]| frame.ends_with(&[0x5a; 100]);
    source.send(&inner(Frame::ethernet()).build())?;
    stick.receive(Duration::from_secs(5), ends_like_ours)?.context("nothing on the trunk")?;
    // What the box would do: back out of the same NIC, in the other VLAN.
    stick.send(&inner(Frame::ethernet().vlan(10)).build())?;
    let arrived = sink.receive(Duration::from_secs(5), ends_like_ours)?;
    ensure!(arrived == Some(inner(Frame::ethernet()).build()), "{arrived:?}");
    Ok(())
}

#[test]
fn raw_frames_cross_the_bridge() -> Result<()> {
    let lab = Lab::new(&LabSpec { mtu: 9000, ..spec()? })?;
    let source = RawSocket::open(&lab, Place::Customers)?;
    let sink = RawSocket::open(&lab, Place::Internet)?;
    let jumbo = Frame::ethernet()
        .ipv4(Ipv4::new([100, 64, 1, 10], [203, 0, 113, 1]))
        .udp(7, 7)
        .payload(&[0x5a; 8000])
        .build();
    source.send(&jumbo)?;
    let arrived = sink.receive(Duration::from_secs(5), |frame| frame == jumbo)?;
    ensure!(arrived.is_some(), "the frame got lost");
    ensure!(sink.receive(Duration::from_millis(50), |frame| frame == jumbo)?.is_none());
    Ok(())
}

#[test]
fn a_far_host_answers_later() -> Result<()> {
    let spec = spec()?;
    let lab = Lab::new(&spec)?;
    let addresses = [lab.server4().into(), lab.server6().into()];
    let delay = Duration::from_millis(15);
    let relay = DelayRelay::insert(&lab, Place::Internet, &addresses, delay)?;
    for customer in [spec.customers[0], spec.customers[2]] {
        let ping = Ping::from(customer, lab.server_for(customer)).run(&lab, Place::Customers)?;
        ensure!(ping.lost == 0, "{customer}: {ping:?}");
        let median_ms = ping.percentile_ms(50).context("no answer")?;
        let truth_ms = relay.round_trip().as_secs_f64() * 1000.0;
        ensure!(truth_ms >= 30.0, "held for {truth_ms} ms only");
        ensure!((truth_ms..truth_ms + 5.0).contains(&median_ms), "{ping:?}, not {truth_ms} ms");
    }
    Ok(())
}

#[test]
fn nothing_is_left_of_a_lab() -> Result<()> {
    let lab = Lab::new(&spec()?)?;
    let name = lab.name().to_owned();
    let _sleeper = lab.spawn(Place::Box, &["sleep", "60"])?;
    let there = leftovers_of(&name);
    ensure!(there.namespaces.len() == 3 && there.mounts.len() == 1, "{there:?}");
    drop(lab);
    let left = leftovers_of(&name);
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn nothing_is_left_after_a_panic() -> Result<()> {
    let mut name = String::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::new(&spec().unwrap()).unwrap();
        lab.name().clone_into(&mut name);
        assert!(leftovers_of(&name).is_empty(), "as meant");
    }));
    ensure!(outcome.is_err() && !name.is_empty());
    let left = leftovers_of(&name);
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

/// The name of the lab of a process that was started for it: this test binary, sitting in a lab.
fn lab_of_another_process(end: Signal) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "sits_in_a_lab_until_it_is_ended", "--ignored", "--nocapture"]);
    let mut child = ChildGuard::spawn(&mut command)?;
    let name = format!("tg-{}-0", child.id());
    wait_until("the other process's lab", Duration::from_secs(10), || {
        // It carries packets: everything that is to be removed is there.
        let up = leftovers_of(&name).folders.first().is_some_and(|lab| lab.join("up").exists());
        Ok(up.then_some(()))
    })?;
    child.signal(end)?;
    child.wait(Duration::from_secs(10))?;
    Ok(name)
}

#[test]
#[ignore = "only started by the tests that end it"]
fn sits_in_a_lab_until_it_is_ended() -> Result<()> {
    let lab = Lab::new(&spec()?)?;
    std::fs::write(lab.folder().join("up"), "")?;
    std::thread::sleep(Duration::from_secs(30));
    Ok(())
}

#[test]
fn an_interrupted_process_leaves_nothing() -> Result<()> {
    let left = leftovers_of(&lab_of_another_process(Signal::INT)?);
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn the_next_lab_sweeps_what_a_killed_process_left() -> Result<()> {
    let name = lab_of_another_process(Signal::KILL)?;
    ensure!(leftovers_of(&name).namespaces.len() == 3, "nothing was left to sweep");
    let _lab = Lab::new(&spec()?)?;
    let left = leftovers_of(&name);
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}
