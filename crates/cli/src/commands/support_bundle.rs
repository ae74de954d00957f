//! `tidegate support-bundle`: what whoever helps has to see, in one file.
//!
//! Subscribers are left out unless they are asked for: no circuits, hosts or flows, of the files tidegate.toml
//! alone, no log, and no text that may name one: problems, warnings, events of kinds that tell of circuits.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use bus::{
    CircuitsQuery, EventKind, EventsQuery, FlowsQuery, HostsQuery, RttQuery, Topic, TreeQuery,
    UnknownQuery, View,
};
use clap::Args;
use config::Config;
use flate2::Compression;
use flate2::write::GzEncoder;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tar::{Builder, Header};

use super::doctor;
use crate::arguments::ConfigFile;
use crate::failure::Failure;
use crate::figures::{bytes, count};
use crate::output::Output;
use crate::reading::connect;

/// What tells of the machine, and of how its CPUs share the work.
const FILES: [&str; 9] = [
    "/etc/os-release",
    "/proc/version",
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/interrupts",
    "/proc/softirqs",
    "/proc/net/softnet_stat",
    "/proc/loadavg",
];

/// What tells of the NICs, and the daemon's log, under a time that none may exceed.
const COMMANDS: [(&str, &[&str]); 3] = [
    ("ip-link.txt", &["ip", "-details", "-statistics", "link"]),
    ("tc-qdisc.txt", &["tc", "-statistics", "qdisc"]),
    ("bridge-link.txt", &["bridge", "-details", "link"]),
];

/// The daemon's log.
const LOG: [&str; 6] = ["journalctl", "--unit", "tidegated", "--lines", "5000", "--no-pager"];

/// What stands for a text that may name a subscriber.
const LEFT_OUT: &str = "(left out: --subscribers has it)";

/// Events that tell of no circuit and no host.
const OF_THE_BOX: [EventKind; 6] = [
    EventKind::Daemon,
    EventKind::Bypass,
    EventKind::Refusal,
    EventKind::Nic,
    EventKind::Thread,
    EventKind::Table,
];

/// Seconds that one command may take.
const COMMAND_SECONDS: &str = "10";

/// What to gather, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    config: ConfigFile,

    /// The file to write.
    #[arg(long, short, value_name = "FILE", default_value = "tidegate-support.tar.gz")]
    output: PathBuf,

    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,

    /// Also circuits, hosts and flows, all events, problems, the daemon's log and the network's files: names and
    /// addresses of subscribers.
    #[arg(long)]
    subscribers: bool,
}

/// What was gathered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SupportBundle")]
pub(crate) struct Bundle {
    /// Where it is.
    file: String,
    /// Its size.
    bytes: u64,
    /// What is in it.
    parts: Vec<String>,
    /// What could not be had, and why.
    missing: Vec<String>,
}

/// Gathers it.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let path = &options.output;
    let failed = |source: io::Error| Failure::Write { path: path.clone(), source };
    let file = open(path, options.force)?;
    let begun = file.metadata().and_then(|it| it.modified()).map_err(failed)?;
    let begun = begun.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let archive = Builder::new(GzEncoder::new(file, Compression::default()));
    let mut gathered = Gathered { archive, parts: Vec::new(), missing: Vec::new(), begun };
    let outcome = gather(&mut gathered, socket, options).and_then(|()| {
        gathered.archive.into_inner()?.finish()?.sync_all()?;
        fs::metadata(path)
    });
    let size = outcome.map_err(|error| {
        // half of it helps nobody
        let _ = fs::remove_file(path);
        failed(error)
    })?;
    let file = path.display().to_string();
    let Gathered { parts, missing, .. } = gathered;
    output.show(&Bundle { file, bytes: size.len(), parts, missing }, |bundle, look| {
        let mut text: String =
            bundle.missing.iter().map(|it| look.warning(&format!("left out: {it}"))).collect();
        let (parts, size) = (count(bundle.parts.len() as u64), bytes(bundle.bytes));
        text += &format!("{}: {parts} parts, {size}\n", bus::inert(&bundle.file));
        text += "Look through it before you send it: `tar tzf` lists the parts.\n";
        text
    })
}

/// The file, readable by its owner only. One that is replaced is removed first, as it may be a link to another.
fn open(path: &Path, force: bool) -> Result<fs::File, Failure> {
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(Failure::Folder { path: path.to_owned() });
    }
    if force {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::Exists { path: path.to_owned() },
        _ => failed(source),
    })
}

fn gather(to: &mut Gathered, socket: &Path, options: &Options) -> io::Result<()> {
    let config = &options.config.config;
    let findings = doctor::json(socket, config, (!options.subscribers).then_some(LEFT_OUT));
    to.add("doctor.json", findings.map_err(|error| error.to_string()))?;
    to.add("tidegate.toml", read(config))?;
    for path in FILES {
        to.add(&path[1..].replace('/', "-"), read(Path::new(path)))?;
    }
    for (name, command) in COMMANDS {
        to.add(name, said(command))?;
    }
    if options.subscribers {
        to.add("journal.txt", said(&LOG))?;
        match Config::outset(config) {
            Ok(outset) => {
                to.add("network.json", read(&outset.files.network))?;
                to.add("ShapedDevices.csv", read(&outset.files.devices))?;
            }
            Err(problems) => to.missing.push(format!("the network's files: {problems}")),
        }
    }
    ask(to, socket, options.subscribers)
}

/// What the daemon shows.
fn ask(to: &mut Gathered, socket: &Path, subscribers: bool) -> io::Result<()> {
    let mut client = match connect(socket) {
        Ok(client) => client,
        Err(failure) => {
            to.missing.push(format!("what the daemon shows: {failure}"));
            return Ok(());
        }
    };
    let kinds = if subscribers { EventKind::ALL.to_vec() } else { OF_THE_BOX.to_vec() };
    let events = EventsQuery { kinds, limit: EventsQuery::MAX_LIMIT, ..EventsQuery::default() };
    let mut topics = vec![
        Topic::Status,
        Topic::Tree(TreeQuery::default()),
        Topic::Queues,
        Topic::History,
        Topic::Rtt(RttQuery { histogram: true, ..RttQuery::default() }),
        Topic::Events(events),
    ];
    if subscribers {
        let limit = CircuitsQuery::MAX_LIMIT;
        topics.extend([
            Topic::Circuits(CircuitsQuery { limit, ..CircuitsQuery::default() }),
            Topic::Unknown(UnknownQuery { limit, ..UnknownQuery::default() }),
            Topic::Hosts(HostsQuery { limit, ..HostsQuery::default() }),
            Topic::Flows(FlowsQuery { limit, ..FlowsQuery::default() }),
        ]);
    }
    for topic in topics {
        let name = format!("{}.json", topic.name());
        let mut view = client.show(topic).map_err(|error| error.to_string());
        if let (Ok(View::Status(status)), false) = (&mut view, subscribers) {
            let texts = status.config.problem.iter_mut().chain(&mut status.warnings);
            texts.for_each(|text| LEFT_OUT.clone_into(text));
        }
        to.add(&name, view.and_then(|view| json(&view)))?;
    }
    Ok(())
}

/// The view's figures, as `--json` has them.
fn json(view: &View) -> Result<Vec<u8>, String> {
    let text = |error: serde_json::Error| error.to_string();
    // a view is one of many: it is wrapped in the name of its kind
    let value = match serde_json::to_value(view).map_err(text)? {
        Value::Object(kinds) => kinds.into_iter().next().map_or(Value::Null, |(_, value)| value),
        other => other,
    };
    serde_json::to_vec_pretty(&value).map_err(text)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What a program writes.
fn said(command: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("timeout").arg(COMMAND_SECONDS).args(command).output();
    match output {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}: {}", command[0], why.lines().next().unwrap_or("it failed")))
        }
        Err(error) => Err(format!("{}: {error}", command[0])),
    }
}

/// The archive so far.
struct Gathered {
    archive: Builder<GzEncoder<fs::File>>,
    parts: Vec<String>,
    missing: Vec<String>,
    /// When the file was made, in seconds since 1970.
    begun: u64,
}

impl Gathered {
    /// Adds a part, or remembers why there is none.
    fn add(&mut self, name: &str, part: Result<Vec<u8>, String>) -> io::Result<()> {
        let content = match part {
            Ok(content) => content,
            Err(why) => {
                self.missing.push(why);
                return Ok(());
            }
        };
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.begun);
        header.set_cksum();
        let path = format!("tidegate-support/{name}");
        self.archive.append_data(&mut header, path, &*content)?;
        self.parts.push(name.to_owned());
        Ok(())
    }
}
