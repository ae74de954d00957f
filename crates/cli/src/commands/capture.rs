//! `tidegate capture`: the headers of a circuit's or a host's packets, as pcapng.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bus::{
    Capture, CaptureEnd, CaptureEnded, CaptureRequest, CaptureTarget, Capturing, Pcapng, inert,
};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;
use crate::figures::{count, duration};
use crate::output::Output;
use crate::reading::connect;

/// How often the progress is told.
const PROGRESS: Duration = Duration::from_millis(250);

/// Whose packets, how many, and where to.
///
/// Packets are taken as they arrive at the box, before they wait in a queue: what a queue drops later is
/// in the file, and what it delays is not delayed there.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A circuit's id, or a host's address on either side.
    #[arg(value_name = "CIRCUIT|HOST")]
    target: String,

    /// The target is a circuit's id even if it reads like an address.
    #[arg(long)]
    circuit: bool,

    /// End after so many seconds.
    #[arg(long, value_name = "N", default_value = "60",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CaptureRequest::MAX_SECONDS)))]
    seconds: u32,

    /// End after so many packets.
    #[arg(long, value_name = "N", default_value = "100000",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CaptureRequest::MAX_PACKETS)))]
    packets: u32,

    /// The most bytes of each frame. Payload is never captured.
    #[arg(long, value_name = "N", default_value = "128",
        value_parser = clap::value_parser!(u16).range(14..=i64::from(CaptureRequest::MAX_SNAP_LENGTH)))]
    snap_length: u16,

    /// The file to write; `-` is the standard output, and the summary then goes to the standard
    /// error.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

impl Options {
    fn to_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }

    fn request(&self) -> CaptureRequest {
        let target = match self.target.parse::<IpAddr>() {
            Ok(addr) if !self.circuit => CaptureTarget::Host(addr),
            _ => CaptureTarget::Circuit(self.target.clone()),
        };
        let Self { seconds, packets, snap_length, .. } = *self;
        CaptureRequest { target, seconds, packets, snap_length }
    }
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Capture")]
pub(crate) struct Summary {
    file: String,
    packets: u64,
    lost: u64,
    reason: CaptureEnd,
}

/// Where packets go.
type File = Pcapng<BufWriter<Box<dyn Write>>>;

/// Captures until a bound is reached or Ctrl-C; a second Ctrl-C ends the program at once.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    if options.to_stdout() && io::stdout().is_terminal() {
        return Err(Failure::Terminal);
    }
    let stop = stop_flag().map_err(Failure::Signals)?;
    let mut client = connect(socket)?;
    let program = format!("tidegated {}", client.welcome().daemon_version);
    let request = options.request();
    let comment = format!("{}, as packets arrived, before any queue", request.target);
    let mut capture = client.capture(request)?;
    let out = BufWriter::new(open(options)?);
    let failed = |error| write_failure(options, error);
    let terms = capture.capturing();
    output.note(&limited(options, terms));
    let mut file = Pcapng::begin(out, &program, &comment, &terms.interfaces, terms.snap_length)
        .map_err(failed)?;
    let pumped = pump(&mut capture, &mut file, &stop, options);
    let (packets, ended) = (file.packets(), capture.ended());
    // whatever happened, what came so far is worth having
    let finished = file.finish(ended.map_or(0, |ended| ended.lost)).map_err(failed);
    let name = options.output.display();
    match (&pumped, &finished) {
        // whoever read it has seen enough
        (_, Err(Failure::Output(_))) | (Ok(()), Ok(())) => {}
        (Err(_), Ok(())) => {
            output.note(&format!("{} packets are in {name}, then:\n", count(packets)));
        }
        (_, Err(_)) => output.note(&format!("{name} is incomplete\n")),
    }
    pumped.and(finished)?;
    ended.map_or(Ok(()), |ended| tell(options, packets, ended, output))
}

/// What the configuration grants less of than was asked for.
fn limited(options: &Options, terms: &Capturing) -> String {
    let Options { seconds, packets, snap_length, .. } = *options;
    let mut limits = Vec::new();
    if terms.seconds < seconds {
        limits.push(format!("{} s (seconds_max)", terms.seconds));
    }
    if terms.packets < packets {
        limits.push(format!("{} packets (packets_max)", count(terms.packets.into())));
    }
    if terms.snap_length < snap_length {
        limits.push(format!("{} bytes of each (snap_length_max)", terms.snap_length));
    }
    if limits.is_empty() {
        return String::new();
    }
    format!("limited by [capture] to {}\n", limits.join(", "))
}

/// Raised by the first Ctrl-C or SIGTERM; the second then does what it does by default.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// The file, readable by its owner only: it tells who spoke with whom.
fn open(options: &Options) -> Result<Box<dyn Write>, Failure> {
    if options.to_stdout() {
        return Ok(Box::new(io::stdout()));
    }
    let mut how = OpenOptions::new();
    how.write(true).mode(0o600);
    let how = if options.force { how.create(true).truncate(true) } else { how.create_new(true) };
    let path = &options.output;
    if path.is_dir() {
        return Err(Failure::Folder { path: path.clone() });
    }
    match how.open(path).and_then(kept_to_its_owner) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::Exists { path: path.clone() })
        }
        Err(source) => Err(Failure::Write { path: path.clone(), source }),
    }
}

/// One that was there may have been for others to read.
fn kept_to_its_owner(file: fs::File) -> io::Result<fs::File> {
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn write_failure(options: &Options, source: io::Error) -> Failure {
    if options.to_stdout() {
        Failure::Output(source)
    } else {
        Failure::Write { path: options.output.clone(), source }
    }
}

/// Writes packets as they come, until the capture ends.
fn pump(
    capture: &mut Capture<'_>,
    file: &mut File,
    stop: &AtomicBool,
    options: &Options,
) -> Result<(), Failure> {
    let mut progress = Progress::begin();
    let mut asked = false;
    while let Some(batch) = capture.next() {
        for packet in batch? {
            file.packet(&packet).map_err(|error| write_failure(options, error))?;
        }
        file.flush().map_err(|error| write_failure(options, error))?;
        progress.tell(file.packets());
        if stop.load(Ordering::Relaxed) && !asked {
            capture.stop()?;
            asked = true;
        }
    }
    Ok(())
}

/// A line on the standard error, where that is a terminal; dropping it takes the line away.
struct Progress {
    begun: Instant,
    told: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    fn begin() -> Self {
        Self { begun: Instant::now(), told: None, is_shown: io::stderr().is_terminal() }
    }

    fn tell(&mut self, packets: u64) {
        if !self.is_shown || self.told.is_some_and(|told| told.elapsed() < PROGRESS) {
            return;
        }
        self.told = Some(Instant::now());
        let since = duration(self.begun.elapsed().as_millis() as u64);
        // the capture matters more than its progress
        let _ = write!(io::stderr(), "\r{} packets in {since}, Ctrl-C ends\x1b[K", count(packets));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn tell(
    options: &Options,
    packets: u64,
    ended: CaptureEnded,
    output: Output,
) -> Result<(), Failure> {
    let file = options.output.display().to_string();
    let summary = Summary { file, packets, lost: ended.lost, reason: ended.reason };
    if !options.to_stdout() {
        return output.show(&summary, |summary, _| text(summary));
    }
    let told = if output.json {
        serde_json::to_string(&summary).map_err(Failure::Json)? + "\n"
    } else {
        text(&summary)
    };
    output.note(&told);
    Ok(())
}

fn text(summary: &Summary) -> String {
    let ended = match summary.reason {
        CaptureEnd::Seconds => " (the time was over)",
        CaptureEnd::Packets => " (all that were asked for)",
        CaptureEnd::Asked => "",
        CaptureEnd::Stopped => " (the daemon ended it)",
    };
    let (packets, lost) = (count(summary.packets), count(summary.lost));
    format!("{packets} packets, {lost} lost, {}{ended}\n", inert(&summary.file))
}
