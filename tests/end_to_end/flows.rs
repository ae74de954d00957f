//! Flows of every kind appear, are counted, and leave; a reload does not disturb them.

use std::fs;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, Client, FlowRow, FlowState, FlowsQuery, HostKind, HostsQuery};
use testkit::{Daemon, Ping, Place, UdpStream, wait_until};
use units::{BitsPerSec, Direction};

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, UNKNOWN_HOST};

const SHOWN_MAX: Duration = Duration::from_secs(6);
const RELOAD_MAX: Duration = Duration::from_secs(20);

const CUSTOMER4: &str = "100.64.1.1";
const CUSTOMER6: &str = "2001:db8:1::1";

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

fn one_circuit() -> Provider {
    Provider {
        sections: "[flows]\nudp_idle = \"5 s\"\nicmp_idle = \"20 s\"\nunanswered_idle = \"3 s\"",
        ..Provider::flat(vec![Circuit::new("one", CUSTOMER4, CUSTOMER6, (50.0, 50.0))])
    }
}

fn flows(stage: &Stage, customer: IpAddr, protocol: u8, recent: bool) -> Result<Vec<FlowRow>> {
    let query =
        FlowsQuery { host: Some(customer), protocol: Some(protocol), recent, ..Default::default() };
    Ok(stage.client()?.flows(query)?.rows)
}

/// Waits for the only flow of its kind with as many packets as these.
fn flow(
    stage: &Stage,
    customer: IpAddr,
    protocol: u8,
    packets: (u64, u64),
    recent: bool,
) -> Result<FlowRow> {
    let mut last = Vec::new();
    let found = wait_until("the flow", SHOWN_MAX, || {
        last = flows(stage, customer, protocol, recent)?;
        let fits =
            |flow: &&FlowRow| (flow.streams.down.packets, flow.streams.up.packets) == packets;
        Ok(last.iter().find(fits).cloned())
    });
    found.with_context(|| format!("{customer}, protocol {protocol}, {packets:?} in {last:#?}"))
}

#[test]
fn flows_of_every_kind_are_counted_and_leave() -> Result<()> {
    let stage = Stage::new(&one_circuit())?;
    let unknown: IpAddr = UNKNOWN_HOST.parse()?;
    for (text, protocol) in [(CUSTOMER4, ICMP), (CUSTOMER6, ICMP_V6), (UNKNOWN_HOST, ICMP)] {
        let customer: IpAddr = text.parse()?;
        let mut ping = Ping::from(customer, stage.lab.server_for(customer));
        (ping.count, ping.interval_ms, ping.size) = (8, 50, 100);
        let report = ping.run(&stage.lab, Place::Customers)?;
        ensure!(report.lost == 0, "{report:?}");
        let flow = flow(&stage, customer, protocol, (8, 8), false)?;
        let headers = if customer.is_ipv4() { 14 + 20 + 8 } else { 14 + 40 + 8 };
        ensure!(flow.streams.up.bytes == 8 * (headers + 100), "{flow:#?}");
        ensure!(flow.circuit.as_deref() == (customer != unknown).then_some("one"), "{flow:#?}");
        ensure!(flow.key.internet == stage.lab.server_for(customer), "{flow:#?}");
    }
    udp_leaves_by_its_timeout(&stage)?;
    tcp_leaves_at_its_end(&stage)?;
    hosts_add_up(&stage, unknown)
}

fn udp_leaves_by_its_timeout(stage: &Stage) -> Result<()> {
    let customer: IpAddr = CUSTOMER6.parse()?;
    let mut stream = UdpStream::new(customer, Direction::Upload, 7_000, BitsPerSec::from_mbps(2));
    stream.duration = Duration::from_secs(1);
    let report = stream.run(&stage.lab)?;
    let open = flow(stage, customer, UDP, (0, report.sent), false)?;
    ensure!(open.key.internet_port == 7_000 && open.circuit.as_deref() == Some("one"), "{open:#?}");
    ensure!(open.streams.up.bytes == report.sent * (14 + 40 + 8 + 1_000), "{open:#?}");
    let left = flow(stage, customer, UDP, (0, report.sent), true)?;
    ensure!(left.state == FlowState::Idle && left.last_seen_ms_ago >= 3_000, "{left:#?}");
    ensure!(
        left.streams.up == bus::StreamView { rate_bps: 0, packets_per_sec: 0, ..open.streams.up },
        "{open:#?} became {left:#?}"
    );
    ensure!(flows(stage, customer, UDP, false)?.is_empty(), "it is in the table still");
    Ok(())
}

fn tcp_leaves_at_its_end(stage: &Stage) -> Result<()> {
    let customer: IpAddr = CUSTOMER4.parse()?;
    stage.goodput(customer, Direction::Download, 1)?;
    let mut last = Vec::new();
    let ended = wait_until("the connection's end", 2 * SHOWN_MAX, || {
        last = flows(stage, customer, TCP, true)?;
        Ok(last.iter().find(|flow| flow.streams.down.bytes > 1_000_000).cloned())
    });
    let ended = ended.with_context(|| format!("{last:#?}"))?;
    ensure!(
        ended.state == FlowState::Ended && ended.circuit.as_deref() == Some("one"),
        "{ended:#?}"
    );
    for stream in [&ended.streams.down, &ended.streams.up] {
        ensure!(stream.tcp_flags.to_string().contains('S'), "{ended:#?}");
    }
    ensure!(ended.rtt.customer.is_some_and(|rtt| rtt.samples > 10), "{ended:#?}");
    Ok(())
}

fn hosts_add_up(stage: &Stage, unknown: IpAddr) -> Result<()> {
    let page = stage.client()?.hosts(HostsQuery::default())?;
    ensure!(page.total == 3, "{page:#?}");
    let nobodys = HostsQuery { kind: HostKind::Unknown, ..HostsQuery::default() };
    let nobodys = stage.client()?.hosts(nobodys)?;
    let [host] = &nobodys.rows[..] else { anyhow::bail!("{nobodys:#?}") };
    ensure!((host.addr, &host.circuit) == (unknown, &None), "{host:#?}");
    ensure!((host.packets.down, host.packets.up) == (8, 8), "{host:#?}");
    let named = HostsQuery { filter: "circuit ONE".into(), ..HostsQuery::default() };
    ensure!(stage.client()?.hosts(named)?.matched == 2, "a name finds no hosts");
    let status = stage.client()?.status()?;
    ensure!(status.flows.hosts == 3 && status.flows.recent >= 2, "{status:#?}");
    let names: Vec<&str> = status.maps.iter().map(|map| &*map.name).collect();
    for name in ["flows", "unknown_hosts", "hosts", "prefixes", "circuits"] {
        ensure!(names.contains(&name), "{name} is not among {names:?}");
    }
    Ok(())
}

#[test]
fn a_successor_goes_on_counting() -> Result<()> {
    let mut stage = Stage::new(&one_circuit())?;
    let customer: IpAddr = CUSTOMER4.parse()?;
    let rate = BitsPerSec::from_mbps(4);
    let mut busy = UdpStream::new(customer, Direction::Download, 7_001, rate);
    busy.duration = Duration::from_secs(6);
    let spec = stage.daemon_spec();
    let Stage { daemon, lab, socket, .. } = &mut stage;
    let (lab, mut fastest) = (&*lab, 0);
    let sent = thread::scope(|scope| -> Result<u64> {
        let run = scope.spawn(|| busy.run(lab));
        thread::sleep(Duration::from_secs(2));
        daemon.take().context("no daemon runs")?.kill();
        *daemon = Some(Daemon::start(lab, spec)?);
        let mut client = Client::connect(socket, SHOWN_MAX)?;
        while !run.is_finished() {
            let rows = client.circuits(CircuitsQuery::default())?.rows;
            fastest = rows.iter().map(|row| row.offered_bps.down).fold(fastest, u64::max);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(run.join().ok().context("the stream panicked")??.sent)
    })?;
    let kept = flow(&stage, customer, UDP, (sent, 0), false)?;
    ensure!(kept.first_seen_ms_ago >= 5_900, "it began anew: {kept:#?}");
    let fastest = BitsPerSec::new(fastest).mbps();
    ensure!((3.0..6.0).contains(&fastest), "the rate jumped: {fastest} Mbps");
    Ok(())
}

#[test]
fn a_reload_keeps_flows_and_gives_them_to_their_circuits() -> Result<()> {
    let circuits = || {
        vec![
            Circuit::new("gone", "100.64.1.1", "", (50.0, 50.0)),
            Circuit::new("stays", "100.64.1.2", "", (50.0, 50.0)),
        ]
    };
    let stage = Stage::new(&Provider::flat(circuits()))?;
    let (first, second): (IpAddr, IpAddr) = ("100.64.1.1".parse()?, "100.64.1.2".parse()?);
    let mut idle = Ping::from(first, stage.lab.server_for(first));
    (idle.count, idle.interval_ms) = (5, 20);
    idle.run(&stage.lab, Place::Customers)?;
    ensure!(flow(&stage, first, ICMP, (5, 5), false)?.circuit.as_deref() == Some("gone"), "before");

    let mut busy = UdpStream::new(second, Direction::Download, 7_001, BitsPerSec::from_mbps(4));
    busy.duration = Duration::from_secs(5);
    let sent = thread::scope(|scope| -> Result<u64> {
        let run = scope.spawn(|| busy.run(&stage.lab));
        thread::sleep(Duration::from_secs(2));
        let devices = stage.config.with_file_name("ShapedDevices.csv");
        let text = fs::read_to_string(&devices)?;
        // another circuit, which may get the row of the one that goes
        fs::write(&devices, text.replace("gone", "other").replace("100.64.1.1,", "100.64.1.77,"))?;
        stage.client()?.reload(false, RELOAD_MAX)?;
        let report = run.join().ok().context("the stream panicked")??;
        ensure!(report.lost() == 0, "the reload lost {} packets", report.lost());
        Ok(report.sent)
    })?;
    let kept = flow(&stage, second, UDP, (sent, 0), false)?;
    ensure!(kept.circuit.as_deref() == Some("stays"), "{kept:#?}");
    ensure!(kept.first_seen_ms_ago >= 4_900, "it began anew: {kept:#?}");
    let nobodys = flow(&stage, first, ICMP, (5, 5), false)?;
    ensure!(nobodys.circuit.is_none(), "another circuit has its flow: {nobodys:#?}");
    Ok(())
}
