//! More flows than there is room for: shaping goes on, and the status tells.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Ping, Place, wait_until};
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const FLOWS_MAX: u64 = 1_024;

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
        let full = status.events.iter().any(|event| event.name == "flows-full" && event.count > 0);
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
        let query = bus::FlowsQuery { protocol: Some(1), ..bus::FlowsQuery::default() };
        Ok((stage.client()?.flows(query)?.matched > 0).then_some(()))
    })
}
