//! `tidegate doctor`: looks at the whole box and says what is wrong.

use std::path::Path;

use bus::{Client, ClientError, Exit};
use clap::Args;
use config::{Config, Loaded, Outset};
use machine::{Machine, Seen};
use rustix::process::geteuid;
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::ConfigFile;
use crate::doctor::{Daemon, Finding, Patient, State, examine, names};
use crate::failure::Failure;
use crate::lines::wrapped;
use crate::output::{Look, Output, Tone};
use crate::reading::connect;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    config: ConfigFile,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Doctor")]
pub(crate) struct Report<'a> {
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Finding>,
    /// What the machine is set to.
    seen: &'a Seen,
}

/// Looks and tells.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<Exit, Failure> {
    let (findings, seen) = look(socket, &options.config.config);
    let report = Report::of(findings, &seen);
    output.show(&report, text)?;
    Ok(if report.errors + report.warnings == 0 { Exit::Done } else { Exit::Found })
}

/// What is found, as JSON. `instead` stands for texts of the configuration's and the daemon's own, which may name
/// subscribers.
pub(super) fn json(
    socket: &Path,
    config: &Path,
    instead: Option<&str>,
) -> serde_json::Result<Vec<u8>> {
    let (mut findings, seen) = look(socket, config);
    if let Some(instead) = instead {
        let told = |it: &&mut Finding| {
            it.state != State::Ok
                && ["configuration", "in-force", "daemon-says"].contains(&it.check)
        };
        findings.iter_mut().filter(told).for_each(|it| instead.clone_into(&mut it.what));
    }
    serde_json::to_vec_pretty(&Report::of(findings, &seen))
}

/// What is found, and what the machine is set to.
fn look(socket: &Path, config: &Path) -> (Vec<Finding>, Seen) {
    // commands that are told work from everywhere
    let path = &std::path::absolute(config).unwrap_or(config.to_owned());
    let (config, problems) = match Config::load(path) {
        Ok(Loaded { config, warnings, .. }) => (Some(config), warnings),
        Err(problems) => (None, problems),
    };
    // a wrong network does not keep from looking at the NICs
    let outset = if config.is_none() { Config::outset(path).ok() } else { None };
    let interfaces = match (&config, &outset) {
        (Some(config), _) => Some(&config.interfaces),
        (None, Some(Outset { interfaces, .. })) => interfaces.as_ref(),
        (None, None) => None,
    };
    let files = config.as_ref().map(|it| &it.files).or(outset.as_ref().map(|it| &it.files));
    let mut machine = Machine::this();
    let seen = machine.see(&interfaces.map(names).unwrap_or_default());
    let daemon = ask(socket);
    let pins_folder = files.map(|files| files.pins.as_path());
    let pins = pins_folder.map(|folder| machine.pins(&folder.to_string_lossy()));
    let open_files = daemon.status().map(|status| machine.open_files(status.process));
    let bus = config.as_ref().map(|it| &it.bus).or(outset.as_ref().map(|it| &it.bus));
    let findings = examine(&Patient {
        seen: &seen,
        path,
        socket,
        own_socket: bus.map(|bus| bus.socket.as_path()),
        has_unit: machine.has_unit("tidegated.service"),
        problems: &problems,
        interfaces,
        queues: config.as_ref().map(|config| &config.queues),
        pins_folder,
        pins: pins.as_deref().unwrap_or_default(),
        daemon: &daemon,
        open_files: open_files.as_ref(),
        is_root: geteuid().is_root(),
    });
    (findings, seen)
}

fn ask(socket: &Path) -> Daemon {
    let status = connect(socket).and_then(|mut client: Client| Ok(client.status()?));
    match status {
        Ok(status) => Daemon::Answers(Box::new(status)),
        Err(Failure::Bus(ClientError::NotRunning { .. })) => Daemon::Silent,
        Err(failure) => Daemon::Unknown(failure.to_string()),
    }
}

impl<'a> Report<'a> {
    fn of(findings: Vec<Finding>, seen: &'a Seen) -> Self {
        let count = |state| findings.iter().filter(|finding| finding.state == state).count();
        Self {
            errors: count(State::Error),
            warnings: count(State::Warning),
            notes: count(State::Note),
            findings,
            seen,
        }
    }
}

fn text(report: &Report<'_>, look: &Look) -> String {
    let (well, ill): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|finding| finding.state == State::Ok);
    let mut shown: String = ill.iter().map(|finding| told(finding, look)).collect();
    for finding in &well {
        shown.push_str(&wrapped("ok: ", "    ", &finding.what, look));
    }
    let count = |number: usize, what: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {what}{plural}")
    };
    let (errors, warnings, notes) = (report.errors, report.warnings, report.notes);
    let last = format!(
        "{}, {}, {}; {} checks found all well",
        count(errors, "error"),
        count(warnings, "warning"),
        count(notes, "note"),
        well.len()
    );
    let tone = if errors > 0 { Tone::Alarming } else { Tone::Plain };
    shown.push_str(&look.paint(tone, &last));
    shown.push('\n');
    shown
}

/// What is wrong, why that matters, and what to do: a command stands on a line of its own, whole.
fn told(finding: &Finding, look: &Look) -> String {
    let (label, tone) = match finding.state {
        State::Error => ("error: ", Tone::Alarming),
        State::Warning => ("warning: ", Tone::Notable),
        State::Note | State::Ok => ("note: ", Tone::Plain),
    };
    let mut shown = String::new();
    for line in wrapped(label, "  ", &finding.what, look).lines() {
        shown.push_str(&look.paint(tone, line));
        shown.push('\n');
    }
    if let Some(why) = finding.why {
        shown.push_str(&wrapped("  ", "  ", why, look));
    }
    if let Some(command) = &finding.command {
        shown.push_str(&format!("  $ {}\n", bus::inert(command)));
    }
    shown.push('\n');
    shown
}
