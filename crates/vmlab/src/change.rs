//! What traffic loses when its box changes: reloads, a daemon that is killed and succeeded, one that
//! hands over to an upgraded one.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::Client;
use kernel::tc::{Discipline, Qdisc, TrafficControl};
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, Circuit, Daemon, DaemonSpec, Lab, Provider, UdpReport, UdpStream,
    wait_until,
};
use units::{BitsPerSec, Direction, TcHandle};

use crate::findings::Findings;
use crate::stage::{ANSWER_MAX, CAKE, Programs, Stage};

pub(crate) const HOSTS: [&str; 3] = ["100.64.1.1", "100.64.1.2", "100.64.1.3"];
/// Some 250 packets a second in each stream.
const STREAM_RATE: BitsPerSec = BitsPerSec::new(456_000);
const PAYLOAD: u16 = 200;
/// The longest that a stream runs when nobody ends it.
const STREAM_MAX: Duration = Duration::from_secs(100);
/// Traffic before something is done, and after it.
const AROUND: Duration = Duration::from_secs(1);
const PORT: u16 = 7_001;

/// Something that is done to the box.
type Deed = fn(&mut Doing<'_>) -> Result<()>;

/// What a deed has at hand. The lab is shared with the traffic.
pub(crate) struct Doing<'s> {
    lab: &'s Lab,
    spec: &'s DaemonSpec,
    daemon: &'s mut Option<Daemon>,
}

/// Reloads of every kind.
pub(crate) fn reloads(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let deeds: [(&str, Deed); 3] = [
        ("another rate", |doing| {
            doing.change("100.64.1.2,,0.1,0.1,8,8", "100.64.1.2,,0.1,0.1,5,5")
        }),
        ("one circuit for another", |doing| {
            doing.change("goes,Circuit goes,Dgoes", "comes,Circuit comes,Dcomes")
        }),
        ("one moves to another site", |doing| doing.change("Router moves,A", "Router moves,B")),
    ];
    carry_out(programs, findings, &deeds)
}

/// Daemons that follow one another.
pub(crate) fn successions(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let deeds: [(&str, Deed); 2] =
        [("SIGKILL and restart", |doing| doing.kill()), ("handover", |doing| doing.hand_over())];
    carry_out(programs, findings, &deeds)
}

/// What the daemons of a stage warned of.
fn warnings(stage: &Stage) -> Vec<String> {
    let log = stage.daemon.as_ref().map(Daemon::log).unwrap_or_default();
    log.lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
}

/// Two sites, which are on a queue each.
fn start(programs: &Programs) -> Result<Stage> {
    let circuit =
        |id, address, site| Circuit::new(id, address, "", (8.0, 8.0)).under(site, (0.1, 0.1));
    let provider = Provider {
        leaves: CAKE,
        network: r#"{"A": {"downloadBandwidthMbps": 100, "uploadBandwidthMbps": 100},
                     "B": {"downloadBandwidthMbps": 100, "uploadBandwidthMbps": 100}}"#,
        ..Provider::flat(vec![
            circuit("stays", HOSTS[0], "A"),
            circuit("rated", HOSTS[1], "B"),
            circuit("moves", HOSTS[2], "A"),
            circuit("goes", "100.64.1.4", "B"),
        ])
    };
    Stage::new(programs, &provider, &HOSTS)
}

/// Does one after the other, each with traffic around it; nothing may be lost or come twice.
fn carry_out(programs: &Programs, findings: &mut Findings, deeds: &[(&str, Deed)]) -> Result<()> {
    let mut stage = start(programs)?;
    for (name, deed) in deeds {
        let lost = disturb(&mut stage, findings, name, deed)?.lost;
        findings.expect(lost == 0, || format!("{name}: {lost} packets were lost"));
    }
    let warnings = warnings(&stage);
    findings.expect(warnings.is_empty(), || format!("warned of: {}", warnings.join("; ")));
    stage.stop()
}

/// Packets of all streams around a deed.
pub(crate) struct Toll {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
}

/// Does something to the box with traffic around it, of which nothing may come twice.
pub(crate) fn disturb(
    stage: &mut Stage,
    findings: &mut Findings,
    name: &str,
    deed: impl FnOnce(&mut Doing<'_>) -> Result<()>,
) -> Result<Toll> {
    let strays_before = strays(stage)?;
    let (reports, took) = under_traffic(stage, deed).with_context(|| name.to_owned())?;
    let strays = strays(stage)?.saturating_sub(strays_before);
    let sum = |count: fn(&UdpReport) -> u64| reports.iter().map(count).sum::<u64>();
    let (sent, lost) = (sum(|report| report.sent), sum(UdpReport::lost));
    let doubled = sum(|report| report.duplicated);
    let gap = reports.iter().map(|report| report.longest_gap).max().unwrap_or_default();
    findings.measured(format!("{name}: lost"), lost as f64, &format!("of {sent} packets"));
    findings.measured("longest gap", gap.as_secs_f64() * 1e3, "ms");
    findings.measured("in default classes", strays as f64, "packets");
    findings.measured("took", took.as_secs_f64(), "s");
    findings.expect(doubled == 0, || format!("{name}: {doubled} packets came twice"));
    Ok(Toll { sent, lost })
}

/// Has traffic cross the box both ways while something is done to it.
fn under_traffic(
    stage: &mut Stage,
    deed: impl FnOnce(&mut Doing<'_>) -> Result<()>,
) -> Result<(Vec<UdpReport>, Duration)> {
    let over = AtomicBool::new(false);
    let mut streams = Vec::new();
    for (host, port) in HOSTS.into_iter().zip((PORT..).step_by(2)) {
        for (direction, port) in Direction::ALL.into_iter().zip(port..) {
            let stream = UdpStream::new(host.parse()?, direction, port, STREAM_RATE);
            streams.push(UdpStream { payload: PAYLOAD, duration: STREAM_MAX, ..stream });
        }
    }
    let Stage { daemon, lab, spec } = stage;
    let lab = &*lab;
    thread::scope(|scope| {
        let over = &over;
        let runs: Vec<_> =
            streams.iter().map(|stream| scope.spawn(move || stream.run_until(lab, over))).collect();
        thread::sleep(AROUND);
        let begun = Instant::now();
        let done = deed(&mut Doing { lab, spec, daemon });
        let took = begun.elapsed();
        thread::sleep(AROUND);
        let late = runs.iter().any(thread::ScopedJoinHandle::is_finished);
        over.store(true, Ordering::Relaxed);
        let reports: Vec<_> = runs
            .into_iter()
            .map(|run| run.join().ok().context("a stream panicked")?)
            .collect::<Result<_>>()?;
        done?;
        ensure!(!late, "it was not over before the streams: {took:?}");
        Ok((reports, took))
    })
}

/// Packets that were let through by the classes for what names none, on either NIC.
fn strays(stage: &Stage) -> Result<u64> {
    stage.with_queues(&[BOX_CUSTOMERS, BOX_INTERNET], |controller, nics| {
        let mut packets = 0;
        for qdisc in controller.qdiscs(nics)? {
            if let Discipline::Known(Qdisc::Htb { default_minor }) = qdisc.discipline {
                let class = TcHandle::new(qdisc.handle.major(), default_minor);
                let class = controller.class(qdisc.nic, class)?;
                packets += class.context("an HTB has no default class")?.stats.packets.get();
            }
        }
        Ok(packets)
    })
}

impl Doing<'_> {
    /// A client of the daemon.
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.spec.socket, ANSWER_MAX)?)
    }

    /// Replaces text of ShapedDevices.csv and has the daemon read it.
    fn change(&self, from: &str, to: &str) -> Result<()> {
        let path = self.spec.config.with_file_name("ShapedDevices.csv");
        let text = fs::read_to_string(&path)?;
        let changed = text.replace(from, to);
        ensure!(changed != text, "{from} is not in the fixture:\n{text}");
        fs::write(&path, changed)?;
        self.client()?.reload(false, ANSWER_MAX)?;
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        self.daemon.take().context("no daemon runs")?.kill();
        *self.daemon = Some(Daemon::start(self.lab, self.spec.clone())?);
        Ok(())
    }

    /// The daemon becomes the program that its file has now: another copy of the same.
    fn hand_over(&mut self) -> Result<()> {
        let program = &self.spec.binary;
        let new = program.with_extension("new");
        fs::copy(program, &new)?;
        fs::rename(&new, program)?;
        self.client()?.handover(ANSWER_MAX)?;
        let left = Instant::now();
        wait_until("the successor", ANSWER_MAX, || {
            let status = self.client().and_then(|mut client| Ok(client.status()?));
            let age = status.ok().map(|status| Duration::from_millis(status.uptime_ms));
            Ok(age.filter(|age| *age <= left.elapsed()).map(drop))
        })
    }
}
