//! One reload at a time, and what clients are told of it.

mod edit;
mod lines;
mod preview;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use bus::{Cause, ErrorCode, EventKind, Refusal, Reloaded, Severity};
use config::EditError;
use supervisor::with_causes;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::error::ShaperError;
use crate::files::Stamps;
use crate::handover::Handover;
use crate::notice::Notices;
use crate::service::Reloading;
use crate::shaper::{Difference, Shaper};
use crate::shared::{Current, NicProblem, Problem, Shared};

/// How long a reload waits for the first snapshot of what it brought.
const SHOWN_MAX: Duration = Duration::from_secs(3);

/// Reloads on behalf of signals and clients. Clones act on the same shaper.
#[derive(Clone, Debug)]
pub struct Reloader {
    shaper: Arc<Mutex<Option<Shaper>>>,
    shared: Arc<Shared>,
}

impl Reloader {
    /// One that acts on `shaper`.
    pub fn new(shaper: Shaper, shared: Arc<Shared>) -> Self {
        Self { shaper: Arc::new(Mutex::new(Some(shaper))), shared }
    }

    /// Reads the files again and brings the kernel into line, after any reload that is under way.
    /// A failure changes nothing, and is remembered for the status. If `shrink`, most of the circuits may go.
    ///
    /// # Errors
    /// Why the configuration that was in force stays.
    pub async fn reload(&self, cause: Cause, shrink: bool) -> Result<Reloaded, Refusal> {
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || this.reload_now(cause, shrink));
        let mut ticks = self.shared.ticks.subscribe();
        let outcome = task.await.unwrap_or_else(|error| {
            Err(Refusal::new(ErrorCode::Internal, format!("the reload did not end: {error}")))
        });
        if outcome.is_ok() {
            // whoever asked and then looks must not see the snapshot of what was before
            ticks.mark_unchanged();
            let _ = timeout(SHOWN_MAX, ticks.changed()).await;
        }
        outcome
    }

    /// Likewise, but only if a file is not as it was when it was read last. How it went is logged and
    /// remembered.
    pub async fn reload_changed(&self) {
        let this = self.clone();
        let reload = move || {
            let has_changed = this.lock().as_ref().is_some_and(Shaper::files_changed);
            has_changed.then(|| this.reload_now(Cause::Files, false))
        };
        // one that panics is as one that fails
        let _ = tokio::task::spawn_blocking(reload).await;
    }

    /// The files whose changes are to be put in force; none when nobody wants that.
    pub async fn watched(&self) -> Vec<PathBuf> {
        let this = self.clone();
        // whoever changes something may take a while
        let task = tokio::task::spawn_blocking(move || this.with_shaper(|shaper| shaper.watched()));
        task.await.ok().flatten().unwrap_or_default()
    }

    fn reload_now(&self, cause: Cause, shrink: bool) -> Result<Reloaded, Refusal> {
        let started = Instant::now();
        let mut shaper = self.lock();
        let shaper = self.for_change(shaper.as_mut())?;
        let _told = Reloading::begin(&self.shared);
        let was_known = shaper.is_known();
        match shaper.reload(shrink) {
            Ok((current, difference)) => {
                self.all_is_well();
                self.publish(&current, shaper);
                let reloaded = reloaded(&current, &difference, shaper, started);
                let Reloaded { circuits, nodes, took_ms, .. } = reloaded;
                let text = format!(
                    "reloaded: {circuits} circuits on {nodes} nodes, in {took_ms} ms ({difference})"
                );
                self.tell(EventKind::Configuration, Severity::Info, cause, text);
                Ok(reloaded)
            }
            Err(failure) => {
                let text = with_causes(&failure);
                error!(problem = text, "could not reload");
                let told = format!("the last reload failed: {text}");
                self.tell(EventKind::Configuration, Severity::Error, cause, told.clone());
                self.shared.reload_problem.store(Some(Problem::now(told)));
                if was_known && !shaper.is_known() {
                    self.tell_of_kernel(&text);
                }
                Err(Refusal::new(code(&failure), text))
            }
        }
    }

    /// What a change is made with: nothing once the end, or another program, was asked for. That has checked
    /// the files as they are.
    fn for_change<'s>(&self, shaper: Option<&'s mut Shaper>) -> Result<&'s mut Shaper, Refusal> {
        let is_ending = self.shared.stop.is_stopped() || self.handover().is_asked();
        shaper.filter(|_| !is_ending).ok_or_else(stopping)
    }

    /// Remembers something that happened.
    pub fn tell(&self, kind: EventKind, severity: Severity, cause: Cause, text: impl Into<String>) {
        self.shared.events.tell(kind, severity, cause, text);
    }

    fn tell_of_kernel(&self, text: &str) {
        let text = format!("the queues are not as they should be: {text}");
        let before = self.shared.kernel_problem.load_full();
        if before.as_ref().is_none_or(|before| before.text != text) {
            self.tell(EventKind::Kernel, Severity::Error, Cause::Daemon, text.clone());
        }
        let since = before.map_or_else(Instant::now, |problem| problem.since);
        self.shared.kernel_problem.store(Some(Arc::new(Problem { text, since })));
    }

    /// The files are in force, and in the kernel.
    fn all_is_well(&self) {
        self.shared.reload_problem.store(None);
        self.shared.kernel_problem.store(None);
        self.shared.files_changed.store(false, Ordering::Relaxed);
    }

    /// Brings the kernel to what is in force, where something has left it otherwise; tells whether it is so
    /// now.
    pub fn repair(&self) -> bool {
        self.with_shaper(|shaper| self.repair_now(shaper)).unwrap_or(true)
    }

    fn repair_now(&self, shaper: &mut Shaper) -> bool {
        let repaired = if shaper.is_known() {
            // a change may have repaired it in passing
            Ok(self.shared.kernel_problem.load().is_some())
        } else {
            shaper.repair()
        };
        match repaired {
            Ok(was_otherwise) => {
                if was_otherwise {
                    let text = "the queues are as they should be again";
                    info!("{text}");
                    self.tell(EventKind::Kernel, Severity::Info, Cause::Daemon, text);
                }
                self.shared.kernel_problem.store(None);
                true
            }
            Err(failure) => {
                let text = with_causes(&failure);
                error!(problem = text, "the queues are not as they should be");
                self.tell_of_kernel(&text);
                false
            }
        }
    }

    /// Whether the kernel has what is in force, as far as is known.
    pub fn is_known(&self) -> bool {
        self.with_shaper(|shaper| shaper.is_known()).unwrap_or(true)
    }

    /// Looks whether somebody else has taken out queues or classes, and puts them back by the next
    /// [`Reloader::repair`]; attaches programs again at once.
    ///
    /// # Errors
    /// When a program cannot be attached again.
    pub fn look_for_gone(&self) -> Result<(), String> {
        let sample = self.shared.classes.load_full();
        let found = self.with_shaper(|shaper| {
            let gone = sample.as_ref().and_then(|sample| shaper.look_for_gone(sample));
            (gone, shaper.reattach())
        });
        let Some((gone, reattached)) = found else { return Ok(()) };
        if let Some(gone) = gone {
            warn!("{gone}: somebody else has changed them; putting them back");
            self.tell_of_kernel(&gone);
        }
        for program in reattached.map_err(|failure| with_causes(&failure))? {
            warn!(program, "somebody else has detached it; it is attached again");
            let text = format!("somebody else has detached {program}; it is attached again");
            self.tell(EventKind::Kernel, Severity::Warning, Cause::Daemon, text);
        }
        Ok(())
    }

    /// Looks whether the files are those that are in force.
    pub fn look_at_files(&self) {
        let Some((files, in_force)) = self.with_shaper(|shaper| shaper.files_in_force()) else {
            return;
        };
        let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        self.shared.files_changed.store(Stamps::of(&files) != in_force, Ordering::Relaxed);
    }

    /// Shows what is in force to those who look.
    fn publish(&self, current: &Arc<Current>, shaper: &Shaper) {
        self.shared.events.set_generation(current.generation);
        self.shared.asleep.store(Arc::clone(shaper.asleep()));
        self.shared.current.store(Arc::clone(current));
    }

    /// Has the program that lies now where this one came from make sure that it can take over, after any
    /// reload that is under way. Then whoever asked is to raise the stop.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn prepare_handover(&self, cause: Cause) -> Result<(), Refusal> {
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let shaper = this.lock();
            if let Some(shaper) = &*shaper {
                shaper.require_successor().map_err(|failure| with_causes(&failure))?;
            }
            this.handover().prepare(Path::new(&this.shared.config))
        });
        let outcome = task.await.unwrap_or_else(|error| Err(error.to_string()));
        match outcome {
            Ok(()) => {
                self.tell(
                    EventKind::Daemon,
                    Severity::Info,
                    cause,
                    "making way for another program",
                );
                Ok(())
            }
            Err(text) => {
                error!(problem = text, "could not hand over");
                let told = format!("could not make way: {text}");
                // what is wrong with the files may name subscribers
                self.tell(EventKind::Configuration, Severity::Error, cause, told);
                Err(Refusal::new(ErrorCode::Invalid, text))
            }
        }
    }

    /// Does something with the shaper, after any change that is under way; nothing when there is none any
    /// more.
    pub fn with_shaper<T>(&self, work: impl FnOnce(&mut Shaper) -> T) -> Option<T> {
        self.lock().as_mut().map(work)
    }

    /// Whether a change is under way, for which [`Reloader::with_shaper`] would wait.
    pub fn is_busy(&self) -> bool {
        matches!(self.shaper.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Plans for the NICs as they are now and brings the kernel into line, after any change that is under way.
    ///
    /// # Errors
    /// Why the plan that was in force stays.
    pub fn fit_to_nics(&self) -> Result<(), String> {
        let fitted = self.with_shaper(|shaper| {
            let current = Arc::clone(shaper.fit_to_nics()?);
            self.publish(&current, shaper);
            let text = "planned anew for the NICs as they are now";
            self.tell(EventKind::Nic, Severity::Info, Cause::Daemon, text);
            Ok(())
        });
        fitted.unwrap_or(Ok(())).map_err(|failure: ShaperError| with_causes(&failure))
    }

    /// Has the daemon begin anew, as for a handover.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn begin_anew(&self) -> Result<(), String> {
        let shaper = self.lock();
        if let Some(shaper) = &*shaper {
            shaper.require_successor().map_err(|failure| with_causes(&failure))?;
        }
        let prepared = self.handover().prepare(Path::new(&self.shared.config));
        // what follows the first line may name subscribers
        let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
        prepared.map_err(first)?;
        self.shared.stop.stop();
        Ok(())
    }

    /// Remembers what has become otherwise of threads and tables, and refusals that were only counted.
    pub fn notice(&self, notices: &mut Notices) {
        self.shared.events.look_at_refusals();
        let tables = &self.shared.store.latest().maps;
        for (kind, severity, text) in notices.look(self.shared.monitor.report(), tables) {
            match severity {
                Severity::Info => info!("{text}"),
                Severity::Warning => warn!("{text}"),
                Severity::Error => error!("{text}"),
            }
            self.tell(kind, severity, Cause::Daemon, text);
        }
    }

    /// Tells clients what is wrong with the NICs.
    pub fn tell_of_nics(&self, problems: Vec<NicProblem>) {
        let told = self.shared.nic_problems.load();
        for NicProblem { kind, text } in problems.iter().filter(|it| !told.contains(it)) {
            warn!("{text}");
            self.tell(*kind, Severity::Warning, Cause::Daemon, text.clone());
        }
        for NicProblem { kind, text } in told.iter().filter(|it| !problems.contains(it)) {
            self.tell(*kind, Severity::Info, Cause::Daemon, format!("no longer: {text}"));
        }
        self.shared.nic_problems.store(Arc::new(problems));
    }

    /// The program that may take over.
    pub fn handover(&self) -> &Handover {
        &self.shared.handover
    }

    /// Leaves what a daemon before has left, and takes down what is our own.
    pub fn give_up(&self) {
        if let Some(shaper) = self.lock().take().filter(Shaper::succeeds) {
            shaper.leave();
        }
    }

    /// Which settings are others by now than those by which the next daemon would find what is left.
    pub fn moved(&self) -> Vec<&'static str> {
        match self.with_shaper(|shaper| shaper.require_reachable()) {
            Some(Err(ShaperError::Stop(moved))) => moved,
            // files that are wrong are mended before the next one can start
            _ => Vec::new(),
        }
    }

    /// Leaves everything in the kernel to the daemon that comes.
    pub fn leave(&self) {
        if let Some(shaper) = self.lock().take() {
            shaper.leave();
        }
    }

    /// Takes everything out of the kernel, after any reload that is under way.
    pub fn take_down(&self) {
        drop(self.lock().take());
    }

    /// A reload that panicked has left a shaper that still knows what to take down.
    fn lock(&self) -> MutexGuard<'_, Option<Shaper>> {
        self.shaper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reloaded(current: &Current, by: &Difference, shaper: &Shaper, since: Instant) -> Reloaded {
    Reloaded {
        generation: current.generation,
        circuits: current.layout.circuits.len() as u32,
        nodes: current.layout.nodes.len() as u32,
        circuit_changes: by.circuits.counts(),
        node_changes: by.nodes.counts(),
        took_ms: since.elapsed().as_millis() as u64,
        warnings: current.warnings.iter().chain(shaper.machine_warnings()).cloned().collect(),
    }
}

fn stopping() -> Refusal {
    Refusal::new(ErrorCode::Busy, "the daemon is stopping, or making way for another; ask again")
}

const fn code(failure: &ShaperError) -> ErrorCode {
    match failure {
        ShaperError::Config(_)
        | ShaperError::Plan(_)
        | ShaperError::Handover(_)
        | ShaperError::Stop(_)
        | ShaperError::Shrinks { .. }
        | ShaperError::Facts(_) => ErrorCode::Invalid,
        ShaperError::Edit(EditError::NoCircuit(_) | EditError::NoDevice { .. }) => {
            ErrorCode::NotFound
        }
        ShaperError::Edit(_) => ErrorCode::Invalid,
        ShaperError::Outdated(_) | ShaperError::FilesChanged => ErrorCode::Outdated,
        ShaperError::OtherNics => ErrorCode::Busy,
        _ => ErrorCode::Internal,
    }
}
