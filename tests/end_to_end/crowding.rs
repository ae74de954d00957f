//! More flows than there is room for: shaping goes on, and the status tells.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{FlowsQuery, StatusView};
use testkit::{
    Daemon, Frame, Ipv4, Lab, Mac, Ping, Place, RawSocket, Tcp, UdpReport, UdpStream, wait_until,
};
use units::{BitsPerSec, Direction};

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const FLOWS_MAX: u64 = 1_024;
/// Hosts without a circuit that are remembered.
const UNKNOWN_MAX: u64 = 64;
/// Connections that are begun from addresses that nobody has.
const SPRAYED: u32 = 200_000;
const SYN: u8 = 0x02;
/// What the daemon may take more under a spray than before.
const MEMORY_MAX_KIB: u64 = 16 * 1024;

#[test]
fn fault_11_a_full_table_of_flows_shapes_on() -> Result<()> {
    let provider = Provider {
        sections: "[limits]\nflows = 1024\n[flows]\nunanswered_idle = \"8 s\"",
        ..Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (10.0, 10.0))])
    };
    let stage = Stage::new(&provider)?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let server = stage.lab.server_for(customer);
    stage.lab.namespace(Place::Customers).inside(|| {
        let socket = UdpSocket::bind(SocketAddr::new(customer, 0)).context("could not bind")?;
        for port in 10_000..13_000 {
            // nobody listens, which the socket may be told
            let _ = socket.send_to(&[0; 20], SocketAddr::new(server, port));
        }
        Ok(())
    })?;
    let status = wait_until("a full table", Duration::from_secs(5), || {
        let status = stage.client()?.status()?;
        let flows = status.maps.iter().find(|map| map.name == "flows").context("no such map")?;
        let full =
            status.packet_events.iter().any(|event| event.name == "flows-full" && event.count > 0);
        Ok((flows.used >= FLOWS_MAX * 9 / 10 && full).then_some(status))
    })?;
    ensure!(u64::from(status.flows.capacity) == FLOWS_MAX, "{status:#?}");
    ensure_near("full", stage.goodput(customer, Direction::Download, 2)?, 10.0, 0.05)?;
    wait_until("room again", Duration::from_secs(15), || {
        let flows = stage.client()?.status()?.flows;
        Ok((flows.open < 100).then_some(()))
    })?;
    let report = Ping::from(customer, server).run(&stage.lab, Place::Customers)?;
    ensure!(report.lost == 0, "{report:?}");
    wait_until("a flow that is new", Duration::from_secs(4), || {
        let query = FlowsQuery { protocol: Some(1), ..FlowsQuery::default() };
        Ok((stage.client()?.flows(query)?.matched > 0).then_some(()))
    })
}

/// Begins connections, each from another address and port of nobody's, to where nobody listens.
fn spray(lab: &Lab) -> Result<()> {
    let socket = RawSocket::open(lab, Place::Customers)?;
    for n in 0..SPRAYED {
        let source = Ipv4Addr::from_bits(0x6450_0000 + n).octets();
        let port = 1_024 + (n % 60_000) as u16;
        let syn = Frame::ethernet_between(socket.mac(), Mac([2, 0, 0, 0, 0, 9]))
            .ipv4(Ipv4::new(source, [203, 0, 113, 77]))
            .tcp(Tcp::new(port, 443).flags(SYN));
        // a queue that is full has been sprayed as well
        let _ = socket.send(&syn.build());
    }
    Ok(())
}

pub(crate) fn memory_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("its memory is not told")?.parse()?)
}

fn events(status: &StatusView, name: &str) -> u64 {
    status.packet_events.iter().filter(|event| event.name == name).map(|event| event.count).sum()
}

#[test]
fn a_spray_from_made_up_addresses_is_bounded_and_known_flows_keep_their_figures() -> Result<()> {
    let provider = Provider {
        sections: "[limits]\nflows = 1024\nunknown_hosts = 64",
        ..Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (10.0, 10.0))])
    };
    let stage = Stage::new(&provider)?;
    let process = stage.daemon.as_ref().and_then(Daemon::id).context("no daemon runs")?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let mut stream = UdpStream::new(customer, Direction::Download, 7_001, BitsPerSec::from_mbps(2));
    stream.duration = Duration::from_secs(12);
    let known = FlowsQuery { protocol: Some(17), ..FlowsQuery::default() };
    let packets = || -> Result<Option<u64>> {
        let page = stage.client()?.flows(known.clone())?;
        let row = page.rows.iter().find(|row| row.circuit.as_deref() == Some("one"));
        Ok(row.map(|row| row.streams.down.packets))
    };
    let report = thread::scope(|scope| -> Result<UdpReport> {
        let lab = &stage.lab;
        let run = scope.spawn(|| stream.run(lab));
        wait_until("the known flow", Duration::from_secs(5), packets)?;
        let before = memory_kib(process)?;
        spray(lab)?;
        let status = wait_until("full tables", Duration::from_secs(5), || {
            let status = stage.client()?.status()?;
            let full = ["flows-full", "unknown-full"].map(|name| events(&status, name));
            Ok((full.iter().all(|count| *count > 1_000)).then_some(status))
        })?;
        for (name, most) in [("flows", FLOWS_MAX), ("unknown_hosts", UNKNOWN_MAX)] {
            let map = status.maps.iter().find(|map| map.name == name).context("no such map")?;
            ensure!(map.used <= most && map.capacity <= most, "{map:?}");
        }
        let grown = memory_kib(process)?.saturating_sub(before);
        ensure!(grown <= MEMORY_MAX_KIB, "{grown} KiB more");
        run.join().ok().context("the stream panicked")?
    })?;
    ensure!(report.sent > 1_000 && report.lost() == 0, "{} lost, {report:?}", report.lost());
    wait_until("all its packets", Duration::from_secs(5), || {
        Ok(packets()?.filter(|packets| *packets == report.sent))
    })?;
    Ok(())
}
