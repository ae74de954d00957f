//! The demo: the example network in a lab, real traffic through the real daemon, and a verdict.

mod box_config;
mod judge;
mod live;
mod network;
mod phases;
mod quality;
mod report;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testkit::{Daemon, DaemonSpec, Iperf, IperfRun, Lab, LabSpec, Ping, PingReport, Place};
use units::BitsPerSec;

use crate::{setup, step};
use box_config::BoxConfig;
use live::Live;
use network::Example;
use phases::{Phase, Transfer};
use report::{Measured, Report};

/// Transmit queues of the lab's NICs, as many as the example asks for.
const QUEUES: u16 = 2;
/// Port of the first server; each transfer has its own.
const FIRST_PORT: u16 = 5201;
/// A customer's host that no device covers.
const UNKNOWN_HOST: &str = "100.64.9.9";
/// Seconds at the start of each transfer in which TCP finds the rate.
const OMIT: u32 = 2;
/// Beyond its time, how long a phase may take to end: queues drain and results travel.
const PHASE_SLACK: Duration = Duration::from_secs(20);

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the lab and the daemon up, and say how to look around.
    #[arg(long)]
    keep: bool,
    /// Also write the summary as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// How long to make traffic, about.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(16..=600))]
    seconds: u32,
}

/// What one transfer reached.
struct Outcome {
    transfer: Transfer,
    rate: BitsPerSec,
}

/// Runs the demo.
///
/// # Errors
/// When something cannot be started, or when shaping missed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    step::run(step::cargo().args([
        "build",
        "--release",
        "--package",
        "daemon",
        "--package",
        "cli",
    ]))?;
    let example = Example::load(&step::root().join("config/example"))?;
    let unknown: IpAddr = UNKNOWN_HOST.parse().context("the unknown host has no address")?;
    let mut spec = LabSpec::new(example.circuits.iter().map(|circuit| circuit.address));
    spec.customers.push(unknown);
    spec.queues = QUEUES;
    let lab = Lab::new(&spec)?;
    let config = BoxConfig::write(&example.folder, lab.folder(), &lab.bpffs())?;
    let programs = step::target().join("release");
    let daemon = Daemon::start(
        &lab,
        DaemonSpec::new(programs.join("tidegated"), &config.path, &config.socket),
    )?;
    println!(
        "{} circuits on the box; {} s of TCP follow",
        example.circuits.len(),
        arguments.seconds
    );
    // what is missing here, CAKE above all, shows in every figure below
    for warning in quality::warnings(&config.socket)? {
        println!("note: {warning}");
    }
    let live = Live::follow(&config.socket, std::io::stdout().is_terminal())?;
    let outcome = traffic(&lab, &example, live, &config.socket, unknown, arguments.seconds);
    let outcome = outcome.with_context(|| format!("the daemon's log:\n{}", daemon.log()))?;
    let report = Report::new(&example, &outcome);
    print!("{report}");
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if arguments.keep {
        look_around(&lab, &config, &programs.join("tidegate"), &daemon);
        daemon.leave_running();
        lab.keep()?;
    } else {
        ensure!(daemon.stop()?.success(), "the daemon did not stop well");
    }
    if !report.passed() {
        bail!("shaping missed");
    }
    Ok(())
}

/// What all phases together brought.
struct Traffic {
    phases: Vec<Measured>,
    peaks: live::Peaks,
    unknown: PingReport,
    measured: quality::Measured,
}

/// Runs the phases one after the other.
fn traffic(
    lab: &Lab,
    example: &Example,
    mut live: Live,
    socket: &Path,
    unknown: IpAddr,
    seconds: u32,
) -> Result<Traffic> {
    let phases = phases::of(example);
    let each = seconds / u32::try_from(phases.len())?;
    let mut outcomes = Vec::new();
    let count = phases.len();
    for (n, phase) in (1..).zip(phases) {
        println!("\n{n} of {count}: {}", phase.title);
        let outcome = run_phase(lab, example, &mut live, &phase, each)?;
        outcomes.push((phase, outcome));
    }
    let unknown = Ping::from(unknown, lab.server_for(unknown)).run(lab, Place::Customers)?;
    let measured = quality::Measured::ask(socket)?;
    Ok(Traffic { phases: outcomes, peaks: live.into_peaks(), unknown, measured })
}

/// Starts all transfers of a phase, shows the table while they run, and collects their results.
fn run_phase(
    lab: &Lab,
    example: &Example,
    live: &mut Live,
    phase: &Phase,
    seconds: u32,
) -> Result<Vec<Outcome>> {
    let mut runs: Vec<(Transfer, IperfRun)> = Vec::new();
    for (transfer, port) in phase.transfers.iter().zip(FIRST_PORT..) {
        let address = example.circuits[transfer.circuit].address;
        let mut iperf = Iperf::new(address, transfer.direction, port);
        (iperf.omit, iperf.seconds) = (OMIT, seconds.saturating_sub(OMIT).max(1));
        runs.push((*transfer, iperf.start(lab)?));
    }
    let end = Instant::now() + Duration::from_secs(u64::from(seconds)) + PHASE_SLACK;
    while Instant::now() < end && still_running(&mut runs)? {
        live.show_next()?;
    }
    live.end_table();
    let result = |(transfer, run): (Transfer, IperfRun)| {
        let circuit = &example.circuits[transfer.circuit];
        let goodput = run
            .finish()
            .with_context(|| format!("circuit {}, {}", circuit.id, transfer.direction))?;
        Ok(Outcome { transfer, rate: goodput.rate })
    };
    runs.into_iter().map(result).collect()
}

fn still_running(runs: &mut [(Transfer, IperfRun)]) -> Result<bool> {
    for (_, run) in runs {
        if run.is_running()? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn look_around(lab: &Lab, config: &BoxConfig, cli: &Path, daemon: &Daemon) {
    let inside = |place| format!("ip netns exec {}", lab.namespace(place).name());
    let cli = format!("{} --socket {}", cli.display(), config.socket.display());
    println!("\nThe lab is up. To look around:");
    println!("  {cli} circuits --watch");
    println!("  {cli} tree");
    println!("  {cli} flows --recent");
    println!("  {cli} rtt --histogram");
    println!("  {} tc -s class show dev {}", inside(Place::Box), testkit::BOX_CUSTOMERS);
    println!("  {} bash", inside(Place::Customers));
    println!("  {} iperf3 --server", inside(Place::Internet));
    println!("  less {}", daemon.log_path().display());
    println!("The server is {} and {}. To take the lab away:", lab.server4(), lab.server6());
    for command in lab.removal_commands() {
        println!("  {command}");
    }
}
