//! What the viewer costs: the real program in a real terminal, beside a daemon that serves 10,000 circuits
//! once a second.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::Tmux;
use tui::samples::{Provider, StandIn};

use crate::record::Record;

const CIRCUITS: u32 = 10_000;
/// The terminal.
const SIZE: (u16, u16) = (120, 40);
/// How long each pane is watched.
const WATCHED: Duration = Duration::from_secs(20);
/// How long it is left alone before, until first views and pages are there.
const SETTLED: Duration = Duration::from_secs(3);

/// Measures the panes.
pub(crate) fn run() -> Result<Vec<Record>> {
    let folder = std::env::temp_dir().join(format!("tidegate-top-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let socket = folder.join("bus.sock");
    let records = measured(&socket);
    fs::remove_dir_all(&folder)?;
    records
}

fn measured(socket: &Path) -> Result<Vec<Record>> {
    let _daemon = StandIn::start(Provider::new(CIRCUITS), socket, Duration::from_secs(1))?;
    let terminal = Tmux::start(SIZE, &[("COLORTERM", "truecolor")])?;
    // in place of the shell, so that the terminal's process is the viewer
    let program = program()?;
    terminal.type_text(&format!("exec {} --socket {} top", program.display(), socket.display()))?;
    terminal.press(&["Enter"])?;
    terminal.wait_for("the viewer", |screen| screen.contains("live"))?;
    let process = terminal.fact("#{pane_pid}")?;
    [("overview", "1", "download"), ("circuits", "3", "1–34 of 10,000")]
        .map(|(pane, key, shown)| {
            terminal.press(&[key])?;
            terminal.wait_for(pane, |screen| screen.contains(shown))?;
            Ok(Record {
                bench: "top".into(),
                scenario: if pane == "circuits" {
                    format!("circuits-{CIRCUITS}")
                } else {
                    format!("{pane}-{CIRCUITS}")
                },
                metric: "cpu_percent".into(),
                unit: "% of a CPU".into(),
                value: watch(&terminal, &process)?,
                reference: None,
            })
        })
        .into_iter()
        .collect()
}

/// The share of one CPU that a process takes.
fn watch(terminal: &Tmux, process: &str) -> Result<f64> {
    std::thread::sleep(SETTLED);
    let (first, before, began) = (tick(terminal)?, cpu_seconds(process)?, Instant::now());
    std::thread::sleep(WATCHED);
    let used = cpu_seconds(process)? - before;
    let took = began.elapsed().as_secs_f64();
    let shown = tick(terminal)? - first;
    ensure!(shown as f64 + 2.0 >= took, "only {shown} ticks were shown in {took:.0} s");
    Ok(used * 100.0 / took)
}

/// The tick that is shown.
fn tick(terminal: &Tmux) -> Result<u64> {
    let screen = terminal.screen()?;
    let tick = screen.lines().next().and_then(|head| head.split("tick ").nth(1));
    tick.and_then(|it| it.trim().parse().ok()).context("the viewer shows no tick")
}

/// CPU time that a process has taken, of all its threads: the first field of `schedstat`, in nanoseconds. `stat`
/// counts in hundredths of a second, which is as much as there is to measure.
fn cpu_seconds(process: &str) -> Result<f64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).context("the viewer is gone")?;
    let mut ns = 0;
    for thread in threads {
        let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let ran = stat.split_whitespace().next().unwrap_or_default();
        ns += ran.parse::<u64>().context("schedstat has another form")?;
    }
    Ok(ns as f64 / 1e9)
}

/// The program beside this one.
fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("tidegate");
    ensure!(program.is_file(), "{} is missing: cargo build --release -p cli", program.display());
    Ok(program)
}
