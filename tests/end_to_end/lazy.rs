//! Circuits that have their classes only while they have traffic.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{BOX_CUSTOMERS, Forwarding, Place, UdpStream, wait_until};
use units::{BitsPerSec, Direction};

use crate::lifecycle::traces;
use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, ensure_near};

const TURNED_MAX: Duration = Duration::from_secs(15);
/// Classes of two queues in which nobody is awake: the link's and the one for unclaimed traffic.
const FIXED: usize = 4;

fn provider() -> Provider {
    Provider {
        leaves: "leaf = \"fifo\"\nlazy_after = \"2 s\"",
        ..Provider::flat(vec![
            Circuit::new("one", "100.64.1.1", "", (5.0, 5.0)),
            Circuit::new("two", "100.64.1.2", "", (5.0, 5.0)),
        ])
    }
}

/// Classes of circuits on the customers' NIC.
fn awake(stage: &Stage) -> Result<usize> {
    let text = stage.lab.run(Place::Box, &["tc", "class", "show", "dev", BOX_CUSTOMERS])?.stdout;
    let classes = text.lines().filter(|line| line.starts_with("class htb")).count();
    classes.checked_sub(FIXED).context("the link's classes are missing")
}

/// Classes and leaves on the customers' NIC, as the daemon shows them.
fn told(stage: &Stage) -> Result<(usize, usize)> {
    let queues = stage.client()?.queues()?.queues;
    let down = queues.iter().filter(|queue| queue.direction == Direction::Download);
    let sums = down.fold((0, 0), |sum, row| (sum.0 + row.classes, sum.1 + row.leaves));
    Ok((sums.0 as usize, sums.1 as usize))
}

fn wait_for(stage: &Stage, count: usize) -> Result<()> {
    wait_until("the classes", TURNED_MAX, || Ok((awake(stage)? == count).then_some(())))
}

fn stream(stage: &Stage) -> Result<()> {
    let customer: IpAddr = "100.64.1.1".parse()?;
    let mut stream = UdpStream::new(customer, Direction::Download, 7_001, BitsPerSec::from_mbps(4));
    stream.duration = Duration::from_secs(1);
    let report = stream.run(&stage.lab)?;
    ensure!(report.sent > 100 && report.lost() == 0, "{report:?}");
    Ok(())
}

#[test]
fn the_packet_that_wakes_a_circuit_is_not_lost() -> Result<()> {
    let mut stage = Stage::dark(&provider(), Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let preview = stage.client()?.preview(None, TURNED_MAX)?;
    ensure!((awake(&stage)?, preview.requests) == (0, 0), "{preview:?}");
    wait_until("the queues", TURNED_MAX, || Ok((told(&stage)? == (FIXED, 2)).then_some(())))?;
    stream(&stage)?;
    ensure!(awake(&stage)? == 1, "it has no class, or its neighbour has one");
    ensure!(told(&stage)? == (FIXED + 1, 3), "the queues that are shown are not those there are");
    ensure_near("awake", stage.goodput("100.64.1.1".parse()?, Direction::Download, 3)?, 5.0, 0.05)?;
    wait_for(&stage, 0)?;
    stream(&stage)?;
    // whoever comes next finds who sleeps
    stage.daemon.take().context("no daemon runs")?.kill();
    ensure!(awake(&stage)? == 1);
    stage.start()?;
    wait_for(&stage, 0)?;
    stream(&stage)?;
    stage.stop()?;
    let after = traces(&stage)?;
    ensure!(after == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

#[test]
fn who_is_lazy_is_a_matter_of_a_reload() -> Result<()> {
    let stage = Stage::new(&provider())?;
    let text = std::fs::read_to_string(&stage.config)?;
    std::fs::write(&stage.config, text.replace("lazy_after", "#lazy_after"))?;
    stage.client()?.reload(false, TURNED_MAX)?;
    ensure!(awake(&stage)? == 2);
    std::fs::write(&stage.config, &text)?;
    stage.client()?.reload(false, TURNED_MAX)?;
    wait_for(&stage, 0)
}
