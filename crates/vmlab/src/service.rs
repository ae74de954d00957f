//! The package on a system with systemd: the unit's commands, its sandbox, its watchdog, its journal.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kernel::tc::TrafficControl;
use testkit::{
    BOX_CUSTOMERS, BOX_INTERNET, Circuit, DaemonSpec, Forwarding, Hang, Iperf, Provider, wait_until,
};
use units::Direction;

use crate::change::{Doing, HOSTS, Toll, disturb};
use crate::findings::Findings;
use crate::stage::{ANSWER_MAX, CAKE, Programs, Stage};
use crate::system::System;

const FOLDER: &str = "/etc/tidegate";
const SOCKET: &str = "/run/tidegate/bus.sock";
const PINS: &str = "/sys/fs/bpf/tidegate";
const NICS: [&str; 2] = [BOX_CUSTOMERS, BOX_INTERNET];
/// Figures, as whoever scrapes them would have them.
const METRICS: &str = "[metrics]\nlisten = \"127.0.0.1:9618\"";
/// Asks for them.
const SCRAPE: &str = "ip link set lo up && exec 3<>/dev/tcp/127.0.0.1/9618 && \
                      printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 20 cat <&3";
const PLAN_MBPS: f64 = 8.0;
const TCP_PORT: u16 = 5_201;
/// A watchdog that takes less of the scenario's time than the unit's own.
const IMPATIENT: &str = "[Service]\nWatchdogSec=8\nRestartSec=1\n";
/// Until a daemon of which a thread hangs is another one.
const WATCHDOG_MAX: Duration = Duration::from_secs(60);

/// The package comes, is configured, reloaded, restarted, upgraded, hangs, and goes.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let [package, next] = programs.packages.as_slice() else {
        anyhow::bail!("there are no packages to install: --package PATH, twice");
    };
    let circuits = HOSTS.iter().zip(["one", "two", "three"]);
    let circuits = circuits.map(|(host, id)| Circuit::new(id, host, "", (PLAN_MBPS, PLAN_MBPS)));
    let circuits = Provider::flat(circuits.collect());
    let provider = Provider { leaves: CAKE, sections: METRICS, ..circuits };
    let mut stage = Stage::dark(programs, &provider, Forwarding::Bridge, &HOSTS)?;
    let folder = Path::new(FOLDER);
    let config = folder.join("tidegate.toml");
    stage.spec = DaemonSpec {
        deadline: ANSWER_MAX,
        ..DaemonSpec::new("/usr/bin/tidegated", config, SOCKET)
    };
    let before = stage.traces(&NICS)?;
    let began = Instant::now();
    let system = System::boot(&stage.lab)?;
    findings.measured("systemd is up after", began.elapsed().as_secs_f64(), "s");

    let installed = install(&system, package)?;
    ensure!(installed.contains("enabled, but not started"), "{installed}");
    system.systemctl("start")?;
    let state = system.property("ActiveState")?;
    findings.expect(state == "inactive", || format!("the sample is {state}"));
    provider.write(folder, Path::new(SOCKET), Path::new(PINS))?;
    steer(&system, "1")?;
    let began = Instant::now();
    system.systemctl("start")?;
    findings.measured("started in", began.elapsed().as_secs_f64(), "s");
    works(&stage, &system, findings)?;
    let steered = steering(&system)?;
    findings.expect(steered == 0, || format!("transmit steering is {steered:x}"));

    reload(&mut stage, &system, findings)?;
    succeed(&mut stage, &system, next, findings)?;
    hang(&mut stage, &system, findings)?;

    system.systemctl("stop")?;
    let state = system.property("ActiveState")?;
    findings.expect(state == "inactive", || format!("after a stop it is {state}"));
    shapes(&stage, findings, "stopped")?;
    system.run(&[&DPKG[..], &["--remove", "tidegate"]].concat())?;
    let after = stage.traces(&NICS)?;
    findings.expect(after == before, || format!("left on the NICs: {after}"));
    let steered = steering(&system)?;
    findings.expect(steered == 1, || format!("transmit steering was 1 and is {steered:x}"));
    let pins = system.try_run(&["test", "-e", PINS])?;
    findings.expect(!pins.status.success(), || "left: the folder of pins".to_owned());
    Ok(())
}

/// dpkg with books of its own: reading those of all that this machine has takes a minute and a half here, and
/// what the package depends on is in them.
const DPKG: [&str; 4] = ["dpkg", "--admindir=/run/dpkg", "--force-depends", "--force-confold"];

/// Installs a package as an operator would.
fn install(system: &System, package: &Path) -> Result<String> {
    fs::create_dir_all("/run/dpkg/info")?;
    fs::create_dir_all("/run/dpkg/updates")?;
    fs::File::options().append(true).create(true).open("/run/dpkg/status")?;
    let package = package.to_str().context("a path that is not UTF-8")?;
    let output = system.run(&[&DPKG[..], &["--install", package]].concat())?;
    Ok(format!("{}{}", output.stdout, output.stderr))
}

/// What a daemon in its sandbox does: it is ready, answers, shapes, writes its files.
fn works(stage: &Stage, system: &System, findings: &mut Findings) -> Result<()> {
    let state = system.property("ActiveState")?;
    findings.expect(state == "active", || format!("after the start it is {state}"));
    let shown = system.run(&["systemctl", "status", "--no-pager", "tidegated"])?.stdout;
    let wanted = "Status: \"configuration 1 is in force: 3 circuits, 0 nodes\"";
    findings.expect(shown.contains(wanted), || format!("systemctl status shows:\n{shown}"));
    let patience = system.property("WatchdogUSec")?;
    findings.expect(patience == "30s", || format!("its watchdog waits for {patience}"));
    let status = stage.status()?;
    findings.expect(status.circuits == 3, || format!("{} circuits", status.circuits));
    let figures = system.run(&["bash", "-c", SCRAPE])?.stdout;
    findings.expect(figures.contains("tidegate_circuits 3\n"), || format!("figures: {figures}"));
    shapes(stage, findings, "in the sandbox")?;
    // a share of the time since the tick before: there is none with the first
    let cpus = wait_until("how busy CPUs are", ANSWER_MAX, || {
        let cpus = stage.status()?.cpus;
        Ok((!cpus.is_empty()).then_some(cpus))
    });
    findings.expect(cpus.is_ok(), || "how busy CPUs are is hidden".to_owned());
    let words = ["tidegate", "set", "circuit", "two", "--download", "5 Mbps"];
    system.run(&words)?;
    let devices = fs::read_to_string(format!("{FOLDER}/ShapedDevices.csv"))?;
    findings.expect(devices.contains(",5,8,"), || format!("it was not written:\n{devices}"));
    // what hid the processors and the home folders would fail without a word
    let forbidden = system.property("ProtectHome")?;
    findings.expect(forbidden == "yes", || format!("ProtectHome is {forbidden}"));
    Ok(())
}

/// One TCP connection gets no more than its plan. What systemd does beside it takes from a rate here; that the
/// plan is reached is for other scenarios to show.
fn shapes(stage: &Stage, findings: &mut Findings, when: &str) -> Result<()> {
    let mut iperf = Iperf::new(HOSTS[0].parse()?, Direction::Download, TCP_PORT);
    (iperf.seconds, iperf.omit) = (4, 2);
    let rate = iperf.run(&stage.lab)?.rate.mbps();
    findings.measured(format!("plan {PLAN_MBPS} Mbps, {when}"), rate, "Mbps");
    let is_shaped = (0.4..=1.1).contains(&(rate / PLAN_MBPS));
    findings.expect(is_shaped, || format!("{when}: {rate:.2} Mbps"));
    Ok(())
}

/// Does something with the service under traffic: classes go on counting, so none was made anew, and packets go
/// on passing. That not one is lost is for others to show: here programs that are emulated beside it
/// leave the streams' own no time.
fn go_on(
    stage: &mut Stage,
    findings: &mut Findings,
    name: &str,
    deed: impl FnOnce(&mut Doing<'_>) -> Result<()>,
) -> Result<()> {
    let before = counted(stage)?;
    let Toll { sent, lost } = disturb(stage, findings, name, deed)?;
    let counted = counted(stage)?.saturating_sub(before);
    findings.expect(counted >= sent - lost, || {
        format!("{name}: of {sent} packets classes have counted {counted}: they were made anew")
    });
    findings.expect(lost * 100 <= sent, || format!("{name}: {lost} of {sent} packets were lost"));
    Ok(())
}

/// Packets that classes have counted since they were made.
fn counted(stage: &Stage) -> Result<u64> {
    stage.with_queues(&NICS, |controller, nics| {
        let mut packets = 0;
        for nic in nics {
            let classes = controller.classes(*nic)?;
            packets += classes.iter().map(|class| class.stats.packets.get()).sum::<u64>();
        }
        Ok(packets)
    })
}

fn reload(stage: &mut Stage, system: &System, findings: &mut Findings) -> Result<()> {
    let before = stage.status()?.config.generation;
    go_on(stage, findings, "systemctl reload", |doing| {
        system.systemctl("reload")?;
        wait_until("the reload", ANSWER_MAX, || {
            let status = doing.client()?.status()?;
            Ok((status.config.generation > before).then_some(()))
        })
    })?;
    let text = system.property("StatusText")?;
    let wanted = format!("configuration {} is in force", before + 1);
    findings.expect(text.starts_with(&wanted), || format!("after a reload: {text}"));
    Ok(())
}

/// A restart has another process, an upgrade the same with another program.
fn succeed(stage: &mut Stage, system: &System, next: &Path, findings: &mut Findings) -> Result<()> {
    let first = system.property("MainPID")?;
    go_on(stage, findings, "systemctl restart", |_| system.systemctl("restart"))?;
    let second = system.property("MainPID")?;
    findings.expect(first != second, || format!("process {first} was not restarted"));
    let running = |id: &str| -> Result<String> {
        Ok(system.run(&["stat", "-Lc", "%i", &format!("/proc/{id}/exe")])?.stdout)
    };
    let program = running(&second)?;
    let mut said = String::new();
    go_on(stage, findings, "upgrade", |_| {
        said = install(system, next)?;
        Ok(())
    })?;
    findings.expect(said.contains("has taken over"), || format!("the upgrade said: {said}"));
    let third = system.property("MainPID")?;
    findings.expect(third == second, || format!("process {second} has become {third}"));
    findings.expect(running(&third)? != program, || "it is the old program".to_owned());
    let state = system.property("ActiveState")?;
    findings.expect(state == "active", || format!("after the upgrade it is {state}"));
    Ok(())
}

/// systemd puts another daemon in the place of one of which a thread hangs, and the journal says which.
fn hang(stage: &mut Stage, system: &System, findings: &mut Findings) -> Result<()> {
    let folder = Path::new("/run/systemd/system/tidegated.service.d");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("impatient.conf"), IMPATIENT)?;
    system.run(&["systemctl", "daemon-reload"])?;
    system.systemctl("restart")?;
    let hung = system.property("MainPID")?;
    let began = Instant::now();
    go_on(stage, findings, "a thread hangs", |_| {
        let _hang = Hang::of(daemon()?, "tick")?;
        wait_until("another daemon", WATCHDOG_MAX, || {
            let is_other = system.property("MainPID")? != hung;
            Ok((is_other && system.property("ActiveState")? == "active").then_some(()))
        })
    })?;
    findings.measured("another daemon after", began.elapsed().as_secs_f64(), "s");
    let restarts = system.property("NRestarts")?;
    findings.expect(restarts == "1", || format!("{restarts} restarts"));
    let journal = system.run(&["journalctl", "--output=json", "--unit=tidegated", "--no-pager"])?;
    let late = |line: &&str| line.contains("its heartbeat is late");
    let line = journal.stdout.lines().find(late).unwrap_or_default();
    let has_fields = line.contains("\"TIDEGATE_THREAD\":\"tick\"")
        && line.contains("\"SYSLOG_IDENTIFIER\":\"tidegated\"");
    findings.expect(has_fields, || format!("the journal has {line:?} of {}", journal.stdout));
    Ok(())
}

/// A setting of a NIC that the daemon changes by a file.
fn steering(system: &System) -> Result<u64> {
    let mask = system.run(&["cat", &steering_file()])?.stdout;
    Ok(u64::from_str_radix(mask.trim(), 16)?)
}

fn steer(system: &System, mask: &str) -> Result<()> {
    let script = format!("echo {mask} > {}", steering_file());
    system.run(&["sh", "-c", &script]).map(drop)
}

fn steering_file() -> String {
    format!("/sys/class/net/{BOX_CUSTOMERS}/queues/tx-0/xps_cpus")
}

/// The daemon's process, as it is numbered out here.
fn daemon() -> Result<u32> {
    let is_daemon = |folder: &Path| {
        fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == "tidegated")
    };
    let found = fs::read_dir("/proc")?.flatten().find(|entry| is_daemon(&entry.path()));
    let name = found.context("no daemon runs")?.file_name();
    Ok(name.to_string_lossy().parse()?)
}
