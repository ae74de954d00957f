//! From the command line to a running daemon, and its orderly end.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use bus::{Cause, EventKind, Severity};
use config::{Config, Interfaces, Outset};
use kernel::datapath::{Pins, Readers};
use kernel::privileges::missing_capabilities;
use kernel::tc::check_clock;
use state::{Engine, FlowEngine, FlowLimits, Timeouts};
use supervisor::{Heart, Policy, Supervisor, with_causes};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::Arguments;
use crate::captures::CaptureDesk;
use crate::error::ShaperError;
use crate::exit::Failure;
use crate::facts;
use crate::files::{Stamps, finish};
use crate::handover::Handover;
use crate::kept::{Kept, KeptFile};
use crate::lazy;
use crate::lock::Lock;
use crate::log;
use crate::look;
use crate::memory::Memory;
use crate::metrics;
use crate::prepare::prepare;
use crate::reload::Reloader;
use crate::remains;
use crate::serve::Server;
use crate::service::{self, Start};
use crate::shaper::{Shaper, named};
use crate::shared::{NicProblem, Shared};
use crate::signals::{End, Signals};
use crate::threads::{self, Sources};
use crate::watch::Watch;

/// How long all threads together may take to end.
const SHUT_DOWN_MAX: Duration = Duration::from_secs(10);

/// How long captures may take to tell their clients of their end.
const CAPTURES_END_MAX: Duration = Duration::from_millis(200);

/// How long circuits may take to get their classes: 50,000 at once take three minutes.
const LAZY_HEARTBEAT_MAX: Duration = Duration::from_secs(300);

/// How often the runtime shows that it lives, and after what time it is late.
const PULSE: Duration = Duration::from_secs(1);
const BUS_HEARTBEAT_MAX: Duration = Duration::from_secs(10);

/// How often it is looked whether files are to be watched that were not.
const UNWATCHED: Duration = Duration::from_secs(1);

/// How long clients' tasks may take to end; a reload that is under way is waited for elsewhere.
const CLIENTS_END_MAX: Duration = Duration::from_secs(1);

/// Does what the arguments say.
///
/// # Errors
/// Why the daemon, or the check, ended otherwise than as asked.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = arguments.config.as_path();
    if arguments.take_down {
        return remains::take_down(path);
    }
    let load = || Config::load(path).map_err(ShaperError::Config);
    if arguments.facts {
        let interfaces = match Config::outset(path) {
            Ok(Outset { interfaces: Some(interfaces), .. }) => interfaces,
            // what is wrong is told with all else
            _ => load()?.config.interfaces,
        };
        require_rights()?;
        return print_facts(&interfaces);
    }
    if arguments.check {
        let loaded = load()?;
        require_rights()?;
        return check(path, loaded);
    }
    let start = Start::begin();
    let ended = work(path, start);
    ended.inspect_err(|failure| service::say(&with_causes(failure)))
}

/// Works until something asks for the end.
fn work(path: &Path, start: Start) -> Result<(), Failure> {
    let load = || Config::load(path).map_err(ShaperError::Config);
    // where that has errors, all files' are to be told
    let Outset { files, bus, log: wanted, .. } = match Config::outset(path) {
        Ok(outset) => outset,
        Err(problems) => {
            load()?;
            // it was mended just now: whoever starts this again finds it so
            return Err(ShaperError::Config(problems).into());
        }
    };
    require_rights()?;
    log::start(&wanted.filter);
    let _lock = Lock::take(&bus.socket)?;
    finish(&[&files.network, &files.devices]);
    let read = Stamps::of(&named(path, &files));
    let loaded = load()?;
    check_clock().map_err(|error| Failure::System("check the scheduler's clock", error.into()))?;
    let mut supervisor = Supervisor::new();
    // From here on a signal asks for the orderly end, however early it comes.
    let signals = Signals::start(supervisor.stop().clone())
        .map_err(|error| Failure::System("listen for signals", error.into()))?;
    service::say("starting");
    let memory = Memory::begin(&bus.socket, loaded.config.log.audit.clone());
    let mode = loaded.config.interfaces.mode;
    let outcome = shape((path, read), loaded, &memory, &mut supervisor, (&signals, start));
    let is_handover = outcome.as_ref().is_ok_and(|reloader| reloader.handover().is_asked());
    if is_handover {
        service::handing_over();
    } else {
        service::stopping();
    }
    let death = supervisor.death();
    let ended = supervisor.shut_down(SHUT_DOWN_MAX);
    if !ended.stuck.is_empty() {
        warn!(threads = ended.stuck.join(", "), "did not end in time and were left behind");
    }
    let reloader = outcome?;
    let end = signals.end();
    if is_handover && end.is_some() {
        info!("not making way: the end was asked for meanwhile");
        service::stopping();
    } else if is_handover {
        reloader.leave();
        info!("making way");
        drop(memory);
        let Some(end) = signals.end() else {
            let error = reloader.handover().carry_out();
            return Err(Failure::System("start the program that takes over", error.into()));
        };
        // asked for while what the next one needs was written down
        service::stopping();
        return end_of_what_was_left(end, &files.pins, &KeptFile::beside(&bus.socket));
    }
    if let Some(death) = death {
        reloader.leave();
        warn!("what is in the kernel stays at work, for the daemon that comes");
        return Err(death.into());
    }
    let is_left = end == Some(End::DaemonAlone);
    let moved = if is_left { reloader.moved() } else { Vec::new() };
    if !moved.is_empty() {
        warn!("{} changed: the next daemon begins from nothing", moved.join(", "));
    }
    if is_left && moved.is_empty() {
        reloader.leave();
        info!("stopped; what is in the kernel stays at work, for the daemon that comes");
    } else {
        reloader.take_down();
        info!("stopped; {}", remains::after(mode));
    }
    Ok(())
}

/// Ends what was left to another daemon that will not come.
fn end_of_what_was_left(end: End, pins: &Path, file: &KeptFile) -> Result<(), Failure> {
    info!("not making way: the end was asked for meanwhile");
    match end {
        End::DaemonAlone => Ok(()),
        End::Everything => remains::take_out(pins, file, &file.read()).map(drop),
    }
}

/// Puts the shaper up and serves clients and signals until something asks for the end. What has to
/// be taken down after the threads have ended comes back.
fn shape(
    (path, read): (&Path, Stamps),
    loaded: config::Loaded,
    memory: &Memory,
    supervisor: &mut Supervisor,
    (signals, start): (&Signals, Start),
) -> Result<Reloader, Failure> {
    let started = Instant::now();
    let handover = Handover::note()
        .map_err(|error| Failure::System("learn where this program is", error.into()))?;
    let (bus, figures) = (loaded.config.bus.clone(), loaded.config.metrics);
    let file = KeptFile::beside(&bus.socket);
    let mut kept = file.read();
    let machine = facts::read(&loaded.config.interfaces).map_err(ShaperError::from)?;
    let suits = kept.suits(&loaded.config.interfaces);
    let prepared = prepare(loaded, &machine, kept.plan.as_ref().filter(|_| suits))?;
    if !suits {
        info!("what the daemon before left on other [interfaces] is taken out");
        remains::take_out(&prepared.loaded.config.files.pins, &file, &kept)?;
        kept = Kept::default();
    }
    let (shaper, readers) = Shaper::start((path, read), prepared, machine, (file, kept))?;
    let Readers { counters, activity, flows, quality, retransmits, captures } = readers;
    let engine = Engine::new();
    let (limits, timeouts) = (flow_limits(shaper.config()), Timeouts::default());
    let flow_engine = FlowEngine::new(limits, timeouts);
    let config = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let shared = Arc::new(Shared {
        config: config.display().to_string(),
        store: engine.store(),
        flows: flow_engine.store(),
        retransmits_dropped: AtomicU64::new(0),
        origin_problems: ArcSwap::default(),
        nic_problems: ArcSwap::from_pointee(
            shaper.machine_warnings().iter().cloned().map(NicProblem::of_nic).collect(),
        ),
        current: ArcSwap::new(Arc::clone(shaper.current())),
        asleep: ArcSwap::new(Arc::clone(shaper.asleep())),
        reload_problem: ArcSwapOption::empty(),
        kernel_problem: ArcSwapOption::empty(),
        files_changed: AtomicBool::new(false),
        metrics_problem: ArcSwapOption::empty(),
        events: Arc::clone(memory.events()),
        classes: ArcSwapOption::empty(),
        captures: CaptureDesk::new(captures),
        control: shaper.control(),
        attachments: shaper.attachments().to_vec(),
        handover,
        stop: supervisor.stop().clone(),
        monitor: supervisor.monitor(),
        ticks: watch::Sender::new(0),
        started,
        clients: AtomicU32::new(0),
        strangers: AtomicU32::new(0),
        clients_max: bus.clients,
        clients_refused: AtomicU64::new(0),
        views_missed: AtomicU64::new(0),
    });
    shared.events.set_generation(shared.current.load().generation);
    let reloader = Reloader::new(shaper, Arc::clone(&shared));
    let sources = Sources { engine, flow_engine, counters, flows, quality, retransmits };
    let lazy = (Arc::clone(&shared), reloader.clone());
    let served = threads::audit(supervisor, memory.audit())
        .and_then(|()| threads::start(supervisor, &shared, sources))
        .and_then(|()| {
            supervisor.spawn("lazy", Policy::Essential, LAZY_HEARTBEAT_MAX, move |context| {
                lazy::run(context, &lazy.0, &lazy.1, &activity);
                Ok::<(), Infallible>(())
            })
        })
        .map_err(|error| Failure::System("start the measuring threads", error.into()))
        .and_then(|()| serve((&bus, figures), &shared, &reloader, (supervisor, signals), start));
    match served {
        Ok(()) => Ok(reloader),
        Err(failure) => {
            reloader.give_up();
            Err(failure)
        }
    }
}

/// As many flows as the kernel remembers. How long each may be silent is the configuration's too, and
/// may change: the thread that keeps flows sees to it.
fn flow_limits(config: &Config) -> FlowLimits {
    FlowLimits {
        flows: config.limits.flows as usize,
        recent: config.flows.recent_flows as usize,
        ..FlowLimits::default()
    }
}

/// Serves clients and reloads until something asks for the end.
fn serve(
    (bus, figures): (&config::Bus, config::Metrics),
    shared: &Arc<Shared>,
    reloader: &Reloader,
    (supervisor, signals): (&Supervisor, &Signals),
    start: Start,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("bus")
        .enable_all()
        .build()
        .map_err(|error| Failure::System("start the bus's threads", error.into()))?;
    let served = runtime.block_on(async {
        let server = Server::bind(bus, Arc::clone(shared), reloader.clone())?;
        drop(start);
        service::ready(shared);
        info!(socket = %bus.socket.display(), "ready");
        let ready = concat!("tidegated ", env!("CARGO_PKG_VERSION"), " is ready");
        reloader.tell(EventKind::Daemon, Severity::Info, Cause::Daemon, ready);
        let heart = supervisor.heart("bus", BUS_HEARTBEAT_MAX);
        tokio::select! {
            () = server.run() => {}
            () = follow(signals, reloader) => {}
            () = follow_files(reloader) => {}
            () = look::look_after(reloader) => {}
            () = metrics::tell(figures, shared) => {}
            () = pulse(&heart) => {}
            () = supervisor.stop().stopped() => {}
        }
        captures_end(shared).await;
        if !reloader.handover().is_asked() {
            reloader.tell(EventKind::Daemon, Severity::Warning, Cause::Daemon, "stopping");
        }
        Ok(())
    });
    runtime.shutdown_timeout(CLIENTS_END_MAX);
    served
}

/// Shows that the runtime lives: the thread that this runs on, and those that serve clients.
async fn pulse(heart: &Heart) {
    loop {
        let answered = tokio::spawn(async {}).await;
        if answered.is_ok() {
            heart.beat();
        }
        tokio::time::sleep(PULSE).await;
    }
}

/// Gives captures a moment to tell their clients that they are over.
async fn captures_end(shared: &Shared) {
    let deadline = Instant::now() + CAPTURES_END_MAX;
    while shared.captures.running() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reloads whenever asked to by signal. Several signals during one reload ask for one more.
async fn follow(signals: &Signals, reloader: &Reloader) {
    loop {
        signals.reload_asked().await;
        // the reloader logs and remembers how it went
        let _ = reloader.reload(Cause::Signal, false).await;
    }
}

/// Reloads whenever a file has changed, as long as the configuration in force wants that. One reload brings
/// what came until it began. Files that it names anew are followed before they are looked at again.
async fn follow_files(reloader: &Reloader) {
    let mut watch = Watch::new(&[]);
    loop {
        let files = reloader.watched().await;
        let (mut followed, wanted) = (watch, files.clone());
        let follow = move || {
            followed.follow(&wanted);
            followed
        };
        // a folder on another machine may take its time
        watch = tokio::task::spawn_blocking(follow).await.unwrap_or_else(|_| Watch::new(&[]));
        if files.is_empty() {
            // a reload that was asked for may want them watched
            tokio::time::sleep(UNWATCHED).await;
            continue;
        }
        // also what changed before it was watched
        reloader.reload_changed().await;
        watch.changed().await;
    }
}

pub fn require_rights() -> Result<(), Failure> {
    let missing = missing_capabilities()
        .map_err(|error| Failure::System("read the process's capabilities", error.into()))?;
    if missing.is_empty() { Ok(()) } else { Err(Failure::Rights(missing)) }
}

fn print_facts(interfaces: &Interfaces) -> Result<(), Failure> {
    let machine = facts::read(interfaces).map_err(ShaperError::from)?;
    let json = serde_json::to_string_pretty(&machine.facts)
        .map_err(|error| Failure::System("write the facts", error.into()))?;
    println!("{json}");
    Ok(())
}

fn check(path: &Path, loaded: config::Loaded) -> Result<(), Failure> {
    let machine = facts::read(&loaded.config.interfaces).map_err(ShaperError::from)?;
    let pins = loaded.config.files.pins.clone();
    let prepared = prepare(loaded, &machine, None)?;
    Pins::require_place(&pins).map_err(ShaperError::from)?;
    for warning in prepared.warnings.iter().chain(&machine.warnings) {
        eprintln!("warning: {warning}");
    }
    let network = &prepared.loaded.config.network;
    println!(
        "{}: valid, {} circuits on {} nodes",
        path.display(),
        network.circuits.len(),
        network.nodes.len()
    );
    Ok(())
}
