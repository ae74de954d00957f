//! What becomes of the NICs while the daemon runs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::{CircuitsQuery, StatusView};
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Daemon, Forwarding, HOST_NIC, Place, wait_until};
use units::Direction;

use crate::lifecycle::traces;
use crate::provider::{Circuit, Provider, two_nics};
use crate::stage::{Stage, ensure_near};

const SEEN_MAX: Duration = Duration::from_secs(20);

fn provider() -> Provider {
    Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))])
}

fn customer() -> IpAddr {
    IpAddr::from([100, 64, 1, 1])
}

fn ip(stage: &Stage, place: Place, command: &str) -> Result<()> {
    let words: Vec<_> = ["ip"].into_iter().chain(command.split(' ')).collect();
    stage.lab.run(place, &words)?;
    Ok(())
}

/// Waits until the status is as wanted.
fn wait_for(stage: &Stage, what: &str, wanted: impl Fn(&StatusView) -> bool) -> Result<StatusView> {
    wait_until(what, SEEN_MAX, || {
        // a daemon that begins anew does not answer meanwhile
        let Ok(mut client) = stage.client() else { return Ok(None) };
        Ok(client.status().ok().filter(|status| wanted(status)))
    })
}

fn warns(status: &StatusView, of: &str) -> bool {
    status.warnings.iter().any(|warning| warning.contains(of))
}

fn ensure_shaped(stage: &Stage, when: &str) -> Result<()> {
    for direction in [Direction::Download, Direction::Upload] {
        ensure_near(when, stage.goodput(customer(), direction, 3)?, 5.0, 0.05)?;
    }
    Ok(())
}

#[test]
fn fault_09_a_side_that_loses_its_carrier_and_flaps_goes_on_by_itself() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    let process = stage.daemon.as_ref().and_then(Daemon::id);
    ip(&stage, Place::Customers, &format!("link set {HOST_NIC} down"))?;
    let no_carrier = format!("{BOX_CUSTOMERS} has no carrier");
    wait_for(&stage, "the warning", |status| warns(status, &no_carrier))?;
    for _ in 0..20 {
        ip(&stage, Place::Customers, &format!("link set {HOST_NIC} up"))?;
        ip(&stage, Place::Customers, &format!("link set {HOST_NIC} down"))?;
    }
    for _ in 0..5 {
        ip(&stage, Place::Box, &format!("link set {BOX_INTERNET} down"))?;
        ip(&stage, Place::Box, &format!("link set {BOX_INTERNET} up"))?;
    }
    // routes go with a NIC that is taken down
    ip(&stage, Place::Customers, &format!("link set {HOST_NIC} up"))?;
    for family in ["-4", "-6"] {
        ip(&stage, Place::Customers, &format!("{family} route replace default dev {HOST_NIC}"))?;
    }
    let status = wait_for(&stage, "the end of the warning", |status| !warns(status, "carrier"))?;
    ensure!(status.config.generation == 1 && status.config.problem.is_none(), "{status:?}");
    ensure!(stage.daemon.as_ref().and_then(Daemon::id) == process, "another daemon runs");
    ensure!(status.threads.iter().all(|thread| thread.restarts == 0), "{:?}", status.threads);
    ensure_shaped(&stage, "after the flaps")?;
    stage.stop()
}

#[test]
fn another_nic_by_the_same_name_is_taken_over() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    let before = stage.client()?.status()?;
    let index = |status: &StatusView| {
        status.nics.iter().find(|nic| nic.name == BOX_CUSTOMERS).map(|nic| nic.ifindex)
    };
    stage.lab.exchange_customers_nic()?;
    let after = wait_for(&stage, "the new NIC", |status| {
        index(status) != index(&before) && status.uptime_ms > 2_000
    })?;
    ensure!(after.config.problem.is_none(), "{after:?}");
    ensure_shaped(&stage, "on the new NIC")?;
    stage.stop()
}

#[test]
fn a_nic_that_is_gone_is_waited_for() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    ip(&stage, Place::Box, &format!("link set {BOX_CUSTOMERS} name elsewhere"))?;
    let missing = format!("no network interface {BOX_CUSTOMERS:?}");
    wait_for(&stage, "the problem", |status| warns(status, &missing))?;
    // what it had is still on it
    ensure_shaped(&stage, "under another name")?;
    ip(&stage, Place::Box, &format!("link set elsewhere name {BOX_CUSTOMERS}"))?;
    let status = wait_for(&stage, "the end of the problem", |status| !warns(status, &missing))?;
    ensure!(status.config.generation == 1, "{status:?}");
    ensure_shaped(&stage, "under its own again")?;
    stage.stop()
}

#[test]
fn another_mtu_and_other_queues_get_another_plan() -> Result<()> {
    let two = [("one", "100.64.1.1"), ("two", "100.64.1.2")];
    let circuits = two.map(|(id, address)| Circuit::new(id, address, "", (5.0, 5.0)));
    let provider = Provider { interfaces: two_nics("bridge"), ..Provider::flat(circuits.to_vec()) };
    let mut stage = Stage::dark(&provider, Forwarding::Bridge, 1500)?;
    let before = traces(&stage)?;
    stage.start()?;
    let queues = |status: &StatusView| status.nics.iter().map(|nic| nic.queues).min();
    ensure!(queues(&stage.client()?.status()?) == Some(2));
    for (place, nic) in [
        (Place::Customers, HOST_NIC),
        (Place::Box, BOX_CUSTOMERS),
        (Place::Box, BOX_INTERNET),
        (Place::Internet, HOST_NIC),
    ] {
        ip(&stage, place, &format!("link set {nic} mtu 1400"))?;
    }
    wait_for(&stage, "the plan for the MTU", |status| {
        status.config.generation > 1 && !warns(status, "MTU")
    })?;
    ensure_shaped(&stage, "with smaller packets")?;
    let set_queues = |count: &str| -> Result<()> {
        for nic in [BOX_CUSTOMERS, BOX_INTERNET] {
            stage.lab.run(Place::Box, &["ethtool", "-L", nic, "tx", count])?;
        }
        Ok(())
    };
    set_queues("1")?;
    wait_for(&stage, "the plan for one queue", |status| queues(status) == Some(1))?;
    ensure_shaped(&stage, "on one queue")?;
    set_queues("2")?;
    wait_for(&stage, "the plan for two queues", |status| queues(status) == Some(2))?;
    ensure_shaped(&stage, "on two queues")?;
    let rows = stage.client()?.circuits(CircuitsQuery::default())?.rows;
    let used: BTreeSet<_> = rows.iter().map(|row| row.queue.down).collect();
    ensure!(used.len() == 2, "all circuits stay on {used:?}");
    let status = stage.client()?.status()?;
    ensure!(!warns(&status, "could not"), "{:?}", status.warnings);
    stage.stop().context("the stop")?;
    let after = traces(&stage)?;
    let without_mtu = |text: &str| text.replace("mtu 1400", "mtu 1500");
    ensure!(without_mtu(&after) == before, "before:\n{before}\nafter:\n{after}");
    Ok(())
}

/// The queueing disciplines of the customers' NIC: where each hangs.
fn qdiscs(stage: &Stage) -> Result<Vec<String>> {
    let shown = stage.lab.run(Place::Box, &["tc", "qdisc", "show", "dev", BOX_CUSTOMERS])?.stdout;
    let places = shown.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().skip(3).take(2).collect();
        Some(words.join(" ").trim_end_matches(" refcnt").to_owned()).filter(|it| !it.is_empty())
    });
    Ok(places.collect())
}

#[test]
fn queues_that_somebody_removes_are_put_back() -> Result<()> {
    let provider = Provider { interfaces: two_nics("bridge"), ..provider() };
    let mut stage = Stage::dark(&provider, Forwarding::Bridge, 1500)?;
    stage.start()?;
    let before = qdiscs(&stage)?;
    let is_leaf = |place: &&String| place.starts_with("parent ") && !place.contains("ffff:");
    let leaf = before.iter().rfind(is_leaf).context("no leaf")?;
    for (times, gone) in ["root", leaf].into_iter().enumerate() {
        let remove: Vec<_> = ["tc", "qdisc", "del", "dev", BOX_CUSTOMERS]
            .into_iter()
            .chain(gone.split(' '))
            .collect();
        stage.lab.run(Place::Box, &remove)?;
        wait_until("the queues", SEEN_MAX, || {
            Ok(Some(()).filter(|()| qdiscs(&stage).is_ok_and(|now| now == before)))
        })?;
        let status = wait_for(&stage, "the end", |status| status.config.problem.is_none())?;
        ensure!(status.config.generation == 1, "{status:?}");
        ensure_shaped(&stage, &format!("after {gone} had gone"))?;
        let log = stage.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        let told = log.matches("somebody else has changed them; putting them back").count();
        ensure!(told == times + 1, "{log}");
    }
    stage.stop()
}
