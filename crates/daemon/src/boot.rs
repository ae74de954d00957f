//! From the command line to a running daemon, and its orderly end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use config::Config;
use kernel::privileges::missing_capabilities;
use kernel::tc::check_clock;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use state::Engine;
use supervisor::{Stop, Supervisor};
use tokio::sync::mpsc;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::Arguments;
use crate::exit::Failure;
use crate::lock::Lock;
use crate::reload::Reloader;
use crate::serve::Server;
use crate::shaper::{Shaper, ShaperError, prepare};
use crate::shared::Shared;
use crate::threads;

/// How long all threads together may take to end.
const SHUT_DOWN_MAX: Duration = Duration::from_secs(10);

/// How long clients' tasks may take to end; a reload that is under way is waited for elsewhere.
const CLIENTS_END_MAX: Duration = Duration::from_secs(1);

/// Signals that may wait to be acted upon; more of the same say nothing new.
const SIGNALS_WAITING: usize = 8;

/// Does what the arguments say.
///
/// # Errors
/// Why the daemon, or the check, ended otherwise than as asked.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.facts {
        return print_facts(arguments);
    }
    if arguments.check {
        return check(arguments);
    }
    require_rights()?;
    let started = Instant::now();
    let config = Config::load(&arguments.config).map_err(ShaperError::Config)?.config;
    start_log(&config.log.filter);
    let _lock = Lock::take(&config.bus.socket)?;
    check_clock().map_err(|error| Failure::System("check the scheduler's clock", error.into()))?;
    let (prepared, facts) = prepare(&arguments.config, None)?;
    let (shaper, counters) = Shaper::start(&arguments.config, prepared, &facts)?;

    let engine = Engine::new();
    let mut supervisor = Supervisor::new();
    let shared = Arc::new(Shared {
        store: engine.store(),
        current: ArcSwap::new(Arc::clone(shaper.current())),
        problem: ArcSwapOption::empty(),
        classes: ArcSwapOption::empty(),
        control: shaper.control(),
        attachments: shaper.attachments().to_vec(),
        monitor: supervisor.monitor(),
        ticks: tokio::sync::watch::Sender::new(0),
        started,
        clients: AtomicU32::new(0),
        clients_max: config.bus.clients,
        clients_refused: AtomicU64::new(0),
        ticks_skipped: AtomicU64::new(0),
    });
    let reloader = Reloader::new(shaper, Arc::clone(&shared));
    let outcome = threads::start(&mut supervisor, &shared, engine, counters)
        .map_err(|error| Failure::System("start the measuring threads", error.into()))
        .and_then(|()| serve_until_stopped(&config, &shared, &reloader, supervisor.stop()));

    let death = supervisor.death();
    let ended = supervisor.shut_down(SHUT_DOWN_MAX);
    if !ended.stuck.is_empty() {
        warn!(threads = ended.stuck.join(", "), "did not end in time and were left behind");
    }
    reloader.take_down();
    info!("stopped");
    outcome.and(death.map_or(Ok(()), |death| Err(death.into())))
}

fn require_rights() -> Result<(), Failure> {
    let missing = missing_capabilities()
        .map_err(|error| Failure::System("read the process's capabilities", error.into()))?;
    if missing.is_empty() { Ok(()) } else { Err(Failure::Rights(missing)) }
}

fn start_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn print_facts(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::load(&arguments.config).map_err(ShaperError::Config)?.config;
    let machine = crate::facts::read(&config.interfaces).map_err(ShaperError::from)?;
    let json = serde_json::to_string_pretty(&machine.facts)
        .map_err(|error| Failure::System("write the facts", error.into()))?;
    println!("{json}");
    Ok(())
}

fn check(arguments: &Arguments) -> Result<(), Failure> {
    let (prepared, _) = prepare(&arguments.config, None)?;
    for warning in &prepared.warnings {
        eprintln!("{warning}");
    }
    let network = &prepared.config.network;
    println!(
        "{}: valid, {} circuits on {} nodes",
        arguments.config.display(),
        network.circuits.len(),
        network.nodes.len()
    );
    Ok(())
}

/// Serves clients and signals until something asks for the end.
fn serve_until_stopped(
    config: &Config,
    shared: &Arc<Shared>,
    reloader: &Reloader,
    stop: &Stop,
) -> Result<(), Failure> {
    let failed = |what| move |error: std::io::Error| Failure::System(what, error.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("bus")
        .enable_all()
        .build()
        .map_err(failed("start the bus's threads"))?;
    let mut signals =
        Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(failed("listen for signals"))?;
    let handle = signals.handle();
    let (sender, receiver) = mpsc::channel(SIGNALS_WAITING);
    let listener = thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in &mut signals {
                // full means that as many wait already
                let _ = sender.try_send(signal);
            }
        })
        .map_err(failed("start the signals' thread"))?;
    let served = runtime.block_on(async {
        let server = Server::bind(&config.bus, Arc::clone(shared), reloader.clone())?;
        info!(socket = %config.bus.socket.display(), "ready");
        tokio::select! {
            () = server.run() => {}
            () = follow(receiver, reloader) => {}
            () = stop.stopped() => {}
        }
        Ok(())
    });
    handle.close();
    // the loop above ends with the handle
    let _ = listener.join();
    runtime.shutdown_timeout(CLIENTS_END_MAX);
    served
}

/// Acts on signals until one asks for the end.
async fn follow(mut signals: mpsc::Receiver<i32>, reloader: &Reloader) {
    while let Some(signal) = signals.recv().await {
        if signal != SIGHUP {
            info!(signal, "asked to stop");
            return;
        }
        // the reloader logs and remembers how it went
        let _ = reloader.reload().await;
    }
}
