//! The control street: configuration, plan, kernel, and back.

mod change;
mod difference;
mod gone;
mod nics;
mod shrink;
mod sleep;

pub use change::Wanted;
pub use difference::Difference;
pub use nics::NicsNow;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apply::{ApplyError, Left, Operation, Report, apply};
use config::{Config, Files, Loaded, Outset, Sources};
use kernel::LinuxKernel;
use kernel::datapath::{
    self, Attached, Attachment, Control, DatapathError, MapTables, Pins, Readers,
};
use kernel::tc::Controller;
use plan::{Change, Plan};
use tracing::{info, warn};
use units::CircuitSlot;

use crate::error::ShaperError;
use crate::facts::{self, Machine};
use crate::files::Stamps;
use crate::fixed::{options, refuse_fixed, refuse_moved, refuse_unreachable, sides};
use crate::guards::{NicGuards, guards, kept_nics};
use crate::in_force::current;
use crate::kept::{Kept, KeptFile};
use crate::prepare::Prepared;
use crate::put_up::{begin, succeed, take_down, unclaimed_queues};
use crate::shared::Current;
use gone::There;
use shrink::refuse_shrunk;

/// Everything of ours in the kernel, under one configuration. Dropping it takes it all out again.
#[derive(Debug)]
pub struct Shaper {
    path: PathBuf,
    /// The files as they were before they were read last.
    seen: Stamps,
    /// The files that are in force.
    in_force: Stamps,
    loaded: Loaded,
    machine: Machine,
    current: Arc<Current>,
    kernel: LinuxKernel<MapTables>,
    /// None once it is left to another daemon.
    attached: Option<Attached>,
    // Dropped last: while programs and classes are there the NICs have to be as they want them.
    nics: Vec<NicGuards>,
    kept: KeptFile,
    /// Circuits that have no class for want of traffic.
    asleep: Arc<BTreeSet<CircuitSlot>>,
    /// Whether the kernel has what is in force: not so where neither a change nor going back has succeeded.
    is_known: bool,
    /// What the kernel has, as far as that is known.
    there: Option<There>,
    /// Whether it took over what a daemon before has left.
    succeeds: bool,
}

/// What a reload would do.
#[derive(Debug)]
pub struct Preview {
    /// In the operator's words.
    pub changes: Vec<Change>,
    /// In the kernel's.
    pub steps: Vec<Operation>,
    /// What deserves attention.
    pub warnings: Vec<String>,
    /// The files' texts before and after; none where no file would be written.
    pub texts: Option<[Arc<Sources>; 2]>,
}

/// A way from one plan to another.
type Way = fn(&mut LinuxKernel<MapTables>, &Plan, &Plan) -> Result<Report, ApplyError>;

/// The way on which what the kernel has is read first.
fn apply_read(
    kernel: &mut LinuxKernel<MapTables>,
    before: &Plan,
    after: &Plan,
) -> Result<Report, ApplyError> {
    apply(kernel, Some(before), after)
}

impl Shaper {
    /// Puts everything in place, for a configuration that was prepared. The programs are verified
    /// before anything is touched. Where a daemon before was killed, its programs still run: ours take
    /// their places at once, with the maps as they are, and then comes what the plan changes.
    ///
    /// # Errors
    /// When any part fails. What was in place by then is taken out again; but what a daemon before has left
    /// stays at work.
    pub fn start(
        (path, seen): (&Path, Stamps),
        prepared: Prepared,
        machine: Machine,
        (file, kept): (KeptFile, Kept),
    ) -> Result<(Self, Readers), ShaperError> {
        let Prepared { loaded: configured, plan, warnings } = prepared;
        let config = &configured.config;
        let pins = Pins::take(&config.files.pins)?;
        let succeeds = pins.has_attachments()?;
        let mut loaded = datapath::Loaded::inheriting(options(config, &machine.facts), &pins)?;
        let has_tables = loaded.kept().tables;
        let tables = loaded.take_tables().ok_or(DatapathError::Missing("tables"))?;
        let readers = loaded.take_readers().ok_or(DatapathError::Missing("readers"))?;
        let controller = Controller::open()?;
        let sides = sides(&config.interfaces);
        loaded.preflight(&sides, &pins)?;
        let nics = guards(config, &sides, &kept)?;
        let keep = Kept {
            plan: kept.plan,
            asleep: kept.asleep,
            nics: kept_nics(&nics),
            interfaces: Some(config.interfaces.clone()),
        };
        file.write(&keep);
        let before = keep.plan.as_ref();
        let asleep = sleep::asleep(config, before.map(|plan| (plan, &keep.asleep)), &plan);
        let kernel = LinuxKernel { controller, tables };
        let before = before.map(|plan| plan.with_asleep(&keep.asleep));
        let awake = plan.with_asleep(&asleep);
        let change = (before.as_deref(), &*awake);
        let attach = || loaded.attach(&sides, pins);
        let put_up = if succeeds {
            succeed(kernel, change, has_tables, attach)
        } else {
            begin(kernel, change, attach)
        };
        let (kernel, attached) = match put_up {
            Ok(put_up) => put_up,
            Err(error) => {
                if succeeds {
                    nics.into_iter().for_each(NicGuards::leave);
                } else {
                    file.remove();
                }
                return Err(error);
            }
        };
        for attachment in attached.attachments() {
            let Attachment { nic, xdp, tc, .. } = attachment;
            info!(nic, ?xdp, ?tc, taken_over = succeeds, "programs are attached");
        }
        for warning in &machine.warnings {
            warn!("{warning}");
        }
        let there = Some(There::of(&awake));
        let current = Arc::new(current(1, config, plan, warnings));
        let path = path.to_owned();
        let attached = Some(attached);
        let (in_force, kept) = (seen.clone(), file);
        let shaper = Self {
            path,
            seen,
            in_force,
            loaded: configured,
            machine,
            current,
            kernel,
            attached,
            nics,
            kept,
            asleep: Arc::new(asleep),
            is_known: true,
            there,
            succeeds,
        };
        shaper.keep();
        Ok((shaper, readers))
    }

    /// Whether it took over what a daemon before has left.
    pub const fn succeeds(&self) -> bool {
        self.succeeds
    }

    /// Leaves everything as it is, to the daemon that comes.
    pub fn leave(mut self) {
        self.keep();
        if let Some(attached) = self.attached.take() {
            attached.leave();
        }
        self.nics.drain(..).for_each(NicGuards::leave);
    }

    /// Leaves to the next daemon what it needs, should this one be killed.
    pub fn keep(&self) {
        let plan = Some(self.current.plan.clone());
        let asleep = self.asleep.as_ref().clone();
        let interfaces = Some(self.config().interfaces.clone());
        self.kept.write(&Kept { plan, asleep, nics: kept_nics(&self.nics), interfaces });
    }

    /// The configuration in force.
    pub const fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// What deserves attention about the machine.
    pub fn machine_warnings(&self) -> &[String] {
        &self.machine.warnings
    }

    /// What is in force.
    pub const fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// The programs' switches.
    pub fn control(&self) -> Control {
        self.kernel.tables.control().clone()
    }

    /// How the programs sit on the NICs.
    pub fn attachments(&self) -> &[Attachment] {
        self.attached.as_ref().map_or(&[], Attached::attachments)
    }

    /// The files whose changes are to be put in force, by their names and behind all links; none when
    /// nobody wants that.
    pub fn watched(&self) -> Vec<PathBuf> {
        let files = &self.loaded.config.files;
        if !files.watch {
            return Vec::new();
        }
        let named = named(&self.path, files);
        let behind = named.iter().filter_map(|file| fs::canonicalize(file).ok());
        named.iter().map(|file| file.to_path_buf()).chain(behind).collect()
    }

    /// Whether a file is not as it was before it was read last.
    pub fn files_changed(&self) -> bool {
        self.seen != self.stamps()
    }

    /// Whether a file is not the one that is in force.
    pub fn files_differ(&self) -> bool {
        self.in_force != self.stamps()
    }

    /// The files, and what they were like when they were put in force: to be compared by who must not wait
    /// for a disk while others wait for the shaper.
    pub fn files_in_force(&self) -> (Vec<PathBuf>, Stamps) {
        let files = named(&self.path, &self.loaded.config.files);
        (files.map(Path::to_owned).into(), self.in_force.clone())
    }

    fn stamps(&self) -> Stamps {
        Stamps::of(&named(&self.path, &self.loaded.config.files))
    }

    /// What a reload would do now.
    ///
    /// # Errors
    /// As [`Shaper::reload`].
    pub fn preview(&mut self) -> Result<Preview, ShaperError> {
        let (prepared, difference, _) = self.prepare_next(true)?;
        let mut preview = self.compared(&prepared)?;
        if let Err(failure) = refuse_shrunk(&self.loaded.config.network, &difference) {
            preview.warnings.push(format!("a reload would be refused: {failure}"));
        }
        Ok(preview)
    }

    /// Reads the files and plans them, as the next of what is in force.
    fn prepare_next(&self, shrink: bool) -> Result<(Prepared, Difference, Machine), ShaperError> {
        let loaded = Config::load(&self.path).map_err(ShaperError::Config)?;
        refuse_fixed(&self.loaded.config, &loaded.config)?;
        let machine = facts::read(&loaded.config.interfaces)?;
        let (prepared, difference) = self.prepare_guarded(loaded, &machine, shrink)?;
        refuse_moved(&self.machine.facts, &machine.facts)?;
        Ok((prepared, difference, machine))
    }

    /// Makes sure that a daemon that begins with the files as they are finds what this one leaves.
    ///
    /// # Errors
    /// Why it would not.
    pub fn require_reachable(&self) -> Result<(), ShaperError> {
        self.reachable_files().map(drop)
    }

    /// The files that such a daemon reads.
    fn reachable_files(&self) -> Result<Files, ShaperError> {
        let outset = Config::outset(&self.path).map_err(ShaperError::Config)?;
        let Outset { interfaces, files, bus, .. } = outset;
        refuse_unreachable(&self.loaded.config, (interfaces.as_ref(), &files, &bus))?;
        Ok(files)
    }

    /// Reads the files again and brings the kernel into line. If `shrink`, most of the circuits may go.
    ///
    /// # Errors
    /// When any part fails. What was in force stays, unless it could not be restored either: then
    /// the error says what is left.
    pub fn reload(&mut self, shrink: bool) -> Result<(Arc<Current>, Difference), ShaperError> {
        self.seen = self.stamps();
        // it may name other files than before
        let outset = Config::outset(&self.path).map_err(ShaperError::Config)?;
        let in_force = Stamps::of(&named(&self.path, &outset.files));
        let (prepared, difference, machine) = self.prepare_next(shrink)?;
        self.put_up(prepared, machine, "reloaded")?;
        (self.seen, self.in_force) = (in_force.clone(), in_force);
        Ok((Arc::clone(&self.current), difference))
    }

    /// Brings the kernel into line with what was prepared for this machine.
    fn put_up(
        &mut self,
        prepared: Prepared,
        machine: Machine,
        done: &'static str,
    ) -> Result<(), ShaperError> {
        let nics =
            |machine: &Machine| (machine.facts.customers.clone(), machine.facts.internet.clone());
        if nics(&machine) != nics(&self.machine) {
            self.refresh_guards()?;
        }
        let current = Arc::clone(&self.current);
        let (before, after, asleep) = self.awake(&current.plan, &prepared);
        let report = self.bring(apply_read, &before, &after)?;
        info!(operations = report.operations, circuits = report.circuits, done);
        self.asleep = Arc::new(asleep);
        self.machine = machine;
        self.put_in_force(prepared);
        self.keep();
        Ok(())
    }

    /// Brings the kernel from one plan to another. One that is not known is read whichever way is asked for.
    fn bring(&mut self, how: Way, before: &Plan, after: &Plan) -> Result<Report, ApplyError> {
        let how = if self.is_known { how } else { apply_read };
        let was_known = std::mem::replace(&mut self.is_known, false);
        let there = self.there.take();
        let brought = how(&mut self.kernel, before, after);
        (self.is_known, self.there) = match &brought {
            Ok(_) => (true, Some(There::of(after))),
            Err(error) => match error.left {
                Left::Previous => (true, Some(There::of(before))),
                Left::Untouched => (was_known, there),
                Left::Nothing | Left::Unknown(_) => (false, None),
            },
        };
        brought
    }

    /// Whether the kernel has what is in force, as far as is known.
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Brings the kernel to what is in force, after something left it otherwise. Tells whether anything was.
    ///
    /// # Errors
    /// When that fails again.
    pub fn repair(&mut self) -> Result<bool, ShaperError> {
        self.require_nics()?;
        let current = Arc::clone(&self.current);
        let plan = current.plan.with_asleep(&self.asleep);
        let report = self.bring(apply_read, &plan, &plan)?;
        Ok(report != Report::default())
    }

    /// What the kernel has become.
    fn put_in_force(&mut self, prepared: Prepared) {
        let Prepared { loaded, plan, warnings } = prepared;
        self.kernel.tables.control().set_queues(unclaimed_queues(&plan));
        self.current =
            Arc::new(current(self.current.generation + 1, &loaded.config, plan, warnings));
        self.loaded = loaded;
    }
}

/// The configuration's files.
pub fn named<'a>(path: &'a Path, files: &'a Files) -> [&'a Path; 3] {
    [path, &files.network, &files.devices]
}

impl Drop for Shaper {
    fn drop(&mut self) {
        if self.attached.is_some() {
            take_down(&mut self.kernel, &self.current.plan);
            self.kept.remove();
        }
    }
}
