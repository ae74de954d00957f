//! The control street: configuration, plan, kernel, and back.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use apply::{ApplyError, Left, Operation, apply, point, steps, teardown};
use config::{Config, Files, Mode, Problems};
use kernel::LinuxKernel;
use kernel::datapath::{
    Attached, Attachment, Control, DatapathError, Loaded, MapSizes, MapTables, Options, Pins,
    Readers, Side,
};
use kernel::netlink::NetlinkError;
use kernel::nic::{
    FeatureError, PromiscuousError, PromiscuousGuard, RxVlanGuard, XpsError, XpsGuard,
};
use kernel::tc::Controller;
use plan::{Change, Facts, Plan, changes, plan};
use state::MapFill;
use supervisor::with_causes;
use tracing::{info, warn};
use units::{Direction, PerDirection, QueueId};

use crate::facts::{self, FactsError, Machine};
use crate::kept::{Kept, KeptFile, KeptNic};
use crate::layout::layout;
use crate::shared::Current;

/// Problems that one message shows.
const PROBLEMS_SHOWN: usize = 50;

/// Everything of ours in the kernel, under one configuration. Dropping it takes it all out again.
#[derive(Debug)]
pub struct Shaper {
    path: PathBuf,
    /// The files as they were before they were read last; none before the first reload.
    read: Option<Vec<Stamp>>,
    config: Config,
    facts: Facts,
    current: Arc<Current>,
    kernel: LinuxKernel<MapTables>,
    /// None once it is left to another daemon.
    attached: Option<Attached>,
    // Dropped last: while programs and classes are there the NICs have to be as they want them.
    nics: Vec<NicGuards>,
    kept: KeptFile,
    /// Whether it took over what a daemon before has left.
    succeeds: bool,
}

/// By which a file that was written is told from the one before: inode, size, time. None where there is
/// no file.
type Stamp = Option<(u64, u64, SystemTime)>;

/// What was changed on a NIC, restored when dropped.
#[derive(Debug)]
struct NicGuards {
    name: String,
    xps: XpsGuard,
    rx_vlan: RxVlanGuard,
    promiscuous: Option<PromiscuousGuard>,
}

/// Why the kernel is not as the configuration wants it.
#[derive(Debug, thiserror::Error)]
pub enum ShaperError {
    /// The files have errors.
    #[error("the configuration is not valid:\n{}", .0.summary(PROBLEMS_SHOWN))]
    Config(Problems),
    /// The network cannot be planned on this machine.
    #[error("the network cannot be planned on this machine:\n{}", list(.0))]
    Plan(plan::Problems),
    /// Something that is fixed while the daemon runs was changed.
    #[error("{} cannot change while tidegated runs; restart it to use the new setting", .0.join(", "))]
    Restart(Vec<&'static str>),
    /// The machine's facts are not known.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The programs could not be put in place.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// A NIC's transmit steering could not be changed.
    #[error(transparent)]
    Xps(#[from] XpsError),
    /// A NIC's VLAN offload could not be changed.
    #[error(transparent)]
    RxVlan(#[from] FeatureError),
    /// A NIC could not be told to receive everything.
    #[error(transparent)]
    Promiscuous(#[from] PromiscuousError),
    /// Netlink is not to be had.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The classes could not be put in place.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

fn list(problems: &plan::Problems) -> String {
    let lines = problems.0.iter().take(PROBLEMS_SHOWN).map(ToString::to_string);
    let more = problems.0.len().saturating_sub(PROBLEMS_SHOWN);
    let more = (more > 0).then(|| format!("... and {more} more"));
    lines.chain(more).collect::<Vec<_>>().join("\n")
}

/// A configuration with the plan that follows from it here.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// The plan.
    pub plan: Plan,
    /// What deserves attention.
    pub warnings: Vec<String>,
}

/// Plans a configuration for this machine, and changes nothing.
///
/// # Errors
/// When the machine or the network stand in the way.
pub fn prepare(
    loaded: config::Loaded,
    previous: Option<&Plan>,
) -> Result<(Prepared, Facts), ShaperError> {
    let Machine { facts, warnings } = facts::read(&loaded.config.interfaces)?;
    let nobody = loaded
        .config
        .network
        .circuits
        .is_empty()
        .then_some("the devices file has no circuits, so everything passes unshaped");
    let planned = plan(&loaded.config, &facts, previous).map_err(ShaperError::Plan)?;
    let warnings = loaded
        .warnings
        .iter()
        .map(ToString::to_string)
        .chain(planned.warnings.iter().map(ToString::to_string))
        .chain(warnings)
        .chain(nobody.map(str::to_owned))
        .collect();
    Ok((Prepared { config: loaded.config, plan: planned.plan, warnings }, facts))
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
        path: &Path,
        prepared: Prepared,
        facts: Facts,
        (file, kept): (KeptFile, Kept),
    ) -> Result<(Self, Readers), ShaperError> {
        let Prepared { config, plan, warnings } = prepared;
        let pins = Pins::take(&config.files.pins)?;
        let succeeds = pins.has_attachments()?;
        let mut loaded = Loaded::inheriting(options(&config, &facts), &pins)?;
        let has_tables = loaded.kept().tables;
        let tables = loaded.take_tables().ok_or(DatapathError::Missing("tables"))?;
        let readers = loaded.take_readers().ok_or(DatapathError::Missing("readers"))?;
        let controller = Controller::open()?;
        let sides = sides(&config);
        loaded.preflight(&sides, &pins)?;
        let nics = guards(&config, &sides, &kept)?;
        let keep = Kept { plan: kept.plan, nics: kept_nics(&nics) };
        file.write(&keep);
        let kernel = LinuxKernel { controller, tables };
        let change = (keep.plan.as_ref(), &plan);
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
            info!(nic, ?xdp, ?tc, succeeds, "programs are attached");
        }
        let current = Arc::new(current(1, &config, plan, warnings));
        let path = path.to_owned();
        let attached = Some(attached);
        let (read, kept) = (None, file);
        let shaper =
            Self { path, read, config, facts, current, kernel, attached, nics, kept, succeeds };
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
    fn keep(&self) {
        let plan = Some(self.current.plan.clone());
        self.kept.write(&Kept { plan, nics: kept_nics(&self.nics) });
    }

    /// The configuration in force.
    pub const fn config(&self) -> &Config {
        &self.config
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

    /// The files whose changes are to be put in force; none when nobody wants that.
    pub fn watched(&self) -> Vec<PathBuf> {
        if self.config.files.watch { self.files().map(Path::to_owned).into() } else { Vec::new() }
    }

    /// Whether a file is not as it was before it was read last.
    pub fn files_changed(&self) -> bool {
        self.read.as_ref() != Some(&self.stamps())
    }

    fn files(&self) -> [&Path; 3] {
        let Files { network, devices, .. } = &self.config.files;
        [&self.path, network, devices]
    }

    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |file: &Path| {
            let found = fs::metadata(file).ok()?;
            Some((found.ino(), found.len(), found.modified().ok()?))
        };
        self.files().map(stamp).into()
    }

    /// What a reload would do now.
    ///
    /// # Errors
    /// As [`Shaper::reload`].
    pub fn preview(&mut self) -> Result<Preview, ShaperError> {
        let Prepared { plan, warnings, .. } = self.prepare_next()?;
        let changes = changes(&self.current.plan, &plan);
        let steps = steps(&mut self.kernel, Some(&self.current.plan), &plan)
            .map_err(|failure| ApplyError { failure, left: Left::Untouched })?;
        Ok(Preview { changes, steps, warnings })
    }

    /// Reads the files and plans them, as the next of what is in force.
    fn prepare_next(&self) -> Result<Prepared, ShaperError> {
        let loaded = Config::load(&self.path).map_err(ShaperError::Config)?;
        refuse(fixed_changes(&self.config, &loaded.config))?;
        let (prepared, facts) = prepare(loaded, Some(&self.current.plan))?;
        refuse(moved(&self.facts, &facts))?;
        Ok(prepared)
    }

    /// Reads the files again and brings the kernel into line.
    ///
    /// # Errors
    /// When any part fails. What was in force stays, unless it could not be restored either: then
    /// the error says what is left.
    pub fn reload(&mut self) -> Result<&Arc<Current>, ShaperError> {
        self.read = Some(self.stamps());
        let Prepared { config, plan, warnings } = self.prepare_next()?;
        let report = apply(&mut self.kernel, Some(&self.current.plan), &plan)?;
        self.kernel.tables.control().set_queues(unclaimed_queues(&plan));
        info!(operations = report.operations, circuits = report.circuits, "reloaded");
        self.current = Arc::new(current(self.current.generation + 1, &config, plan, warnings));
        self.config = config;
        self.keep();
        Ok(&self.current)
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        if self.attached.is_some() {
            take_down(&mut self.kernel, &self.current.plan);
            self.kept.remove();
        }
    }
}

/// Puts all up where nothing is: classes first, so that packets have them when programs name them.
fn begin(
    mut kernel: LinuxKernel<MapTables>,
    (previous, plan): (Option<&Plan>, &Plan),
    attach: impl FnOnce() -> Result<Attached, DatapathError>,
) -> Result<(LinuxKernel<MapTables>, Attached), ShaperError> {
    put_up(&mut kernel, previous, plan)?;
    kernel.tables.control().set_queues(unclaimed_queues(plan));
    match attach() {
        Ok(attached) => Ok((kernel, attached)),
        Err(error) => {
            take_down(&mut kernel, plan);
            Err(error.into())
        }
    }
}

/// Puts our programs in the places of those that run, and then changes what the plan changes.
fn succeed(
    mut kernel: LinuxKernel<MapTables>,
    (previous, plan): (Option<&Plan>, &Plan),
    has_tables: bool,
    attach: impl FnOnce() -> Result<Attached, DatapathError>,
) -> Result<(LinuxKernel<MapTables>, Attached), ShaperError> {
    // tables that were taken over may be ahead of the plan that was kept
    if let Some(previous) = previous.filter(|_| !has_tables) {
        point(&mut kernel, previous)?;
    }
    kernel.tables.control().set_queues(unclaimed_queues(plan));
    let attached = attach()?;
    match put_up(&mut kernel, previous, plan) {
        Ok(()) => Ok((kernel, attached)),
        Err(error) => {
            attached.leave();
            Err(error.into())
        }
    }
}

fn put_up(
    kernel: &mut LinuxKernel<MapTables>,
    previous: Option<&Plan>,
    plan: &Plan,
) -> Result<(), ApplyError> {
    let report = apply(kernel, previous, plan)?;
    info!(operations = report.operations, circuits = report.circuits, "classes are in place");
    Ok(())
}

fn take_down(kernel: &mut LinuxKernel<MapTables>, plan: &Plan) {
    if let Err(error) = teardown(kernel, plan) {
        warn!(error = with_causes(&error), "could not take everything down");
    }
}

fn current(generation: u64, config: &Config, plan: Plan, warnings: Vec<String>) -> Current {
    for warning in &warnings {
        warn!("{warning}");
    }
    let layout = Arc::new(layout(generation, config, &plan));
    let maps = fills(&config.limits, &plan);
    Current {
        generation,
        since: Instant::now(),
        plan,
        layout,
        maps,
        flows: config.flows,
        origins: config.files.origins.clone(),
        capture: config.capture,
        warnings,
    }
}

/// How full the maps are that only a plan fills.
fn fills(limits: &config::Limits, plan: &Plan) -> Vec<MapFill> {
    let hosts = plan.addresses.iter().filter(|entry| entry.prefix.is_host()).count();
    let fill = |name, used: usize, capacity: u32| MapFill {
        name,
        used: used as u64,
        capacity: capacity.into(),
    };
    vec![
        fill("circuits", plan.circuits.len(), limits.circuits),
        fill("hosts", hosts, limits.hosts),
        fill("prefixes", plan.addresses.len() - hosts, limits.prefixes),
    ]
}

/// Has the NICs be as programs and classes want them. What a daemon before has changed is restored with
/// the rest.
fn guards(
    config: &Config,
    sides: &[(String, Side)],
    kept: &Kept,
) -> Result<Vec<NicGuards>, ShaperError> {
    let forwards = matches!(config.interfaces.mode, Mode::XdpBridge | Mode::Stick { .. });
    if config.interfaces.mode == Mode::Observe {
        return Ok(Vec::new());
    }
    let guard = |name: &String| -> Result<NicGuards, ShaperError> {
        let mut guards = NicGuards {
            name: name.clone(),
            xps: XpsGuard::clear(name)?,
            rx_vlan: RxVlanGuard::turn_off(name)?,
            promiscuous: forwards.then(|| PromiscuousGuard::turn_on(name)).transpose()?,
        };
        if let Some(kept) = kept.nics.iter().find(|kept| kept.name == *name) {
            guards.take_over(kept);
        }
        Ok(guards)
    };
    sides.iter().map(|(nic, _)| guard(nic)).collect()
}

fn kept_nics(nics: &[NicGuards]) -> Vec<KeptNic> {
    nics.iter()
        .map(|nic| KeptNic {
            name: nic.name.clone(),
            xps: nic.xps.changed().to_vec(),
            rx_vlan: nic.rx_vlan.was_on(),
            promiscuous: nic.promiscuous.as_ref().is_some_and(PromiscuousGuard::changed),
        })
        .collect()
}

impl NicGuards {
    fn leave(self) {
        self.xps.leave();
        self.rx_vlan.leave();
        if let Some(promiscuous) = self.promiscuous {
            promiscuous.leave();
        }
    }

    fn take_over(&mut self, kept: &KeptNic) {
        self.xps.take_over(kept.xps.clone());
        if kept.rx_vlan {
            self.rx_vlan.take_over(&self.name);
        }
        if let Some(promiscuous) = self.promiscuous.as_mut().filter(|_| kept.promiscuous) {
            promiscuous.take_over();
        }
    }
}

/// The NICs and where they are.
fn sides(config: &Config) -> Vec<(String, Side)> {
    let interfaces = &config.interfaces;
    if let Mode::Stick { .. } = interfaces.mode {
        return vec![(interfaces.internet.clone(), Side::Both)];
    }
    vec![
        (interfaces.customers.clone(), Side::Customers),
        (interfaces.internet.clone(), Side::Internet),
    ]
}

fn options(config: &Config, facts: &Facts) -> Options {
    let (mode, vlans) = match config.interfaces.mode {
        Mode::Bridge => (abi::Mode::Bridge, None),
        Mode::XdpBridge => (abi::Mode::XdpBridge, None),
        Mode::Observe => (abi::Mode::Observe, None),
        Mode::Stick { internet_vlan, customers_vlan } => {
            (abi::Mode::Stick, Some((internet_vlan, customers_vlan)))
        }
    };
    let limits = &config.limits;
    Options {
        mode,
        internet: facts.internet.ifindex,
        customers: facts.customers.ifindex,
        vlans,
        tcx: true,
        cpus: facts.cpus.clone(),
        sizes: MapSizes {
            circuits: limits.circuits,
            hosts: limits.hosts,
            prefixes: limits.prefixes,
            unknown_hosts: limits.unknown_hosts,
            flows: limits.flows,
        },
    }
}

/// The queues over which each direction's unclaimed packets are spread: those of the plan.
fn unclaimed_queues(plan: &Plan) -> PerDirection<(QueueId, u16)> {
    PerDirection::from_fn(|direction: Direction| {
        let queues = plan.nics.iter().flat_map(|nic| &nic.queues);
        let mut ids: Vec<_> =
            queues.filter(|queue| queue.direction == direction).map(|queue| queue.queue).collect();
        ids.sort();
        (ids.first().copied().unwrap_or_default(), ids.len() as u16)
    })
}

/// What of the machine is not what the programs were loaded for.
fn moved(old: &Facts, new: &Facts) -> Vec<&'static str> {
    let ifindexes = |facts: &Facts| (facts.customers.ifindex, facts.internet.ifindex);
    [
        ("the network interfaces' indexes", ifindexes(old) != ifindexes(new)),
        ("the CPUs", old.cpus != new.cpus),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

fn refuse(changes: Vec<&'static str>) -> Result<(), ShaperError> {
    if changes.is_empty() { Ok(()) } else { Err(ShaperError::Restart(changes)) }
}

/// Settings that differ and that only a new daemon can use.
fn fixed_changes(old: &Config, new: &Config) -> Vec<&'static str> {
    let Config {
        interfaces,
        files,
        queues: _,
        ranges: _,
        flows: _,
        capture: _,
        bus,
        limits,
        log,
        network: _,
    } = new;
    [
        ("[interfaces]", old.interfaces != *interfaces),
        ("[files] pins", old.files.pins != files.pins),
        ("[bus]", old.bus != *bus),
        ("[limits]", old.limits != *limits),
        ("[log]", old.log != *log),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
