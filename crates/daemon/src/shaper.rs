//! The control street: configuration, plan, kernel, and back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use apply::{ApplyError, apply, teardown};
use config::{Config, Mode, Problems};
use kernel::LinuxKernel;
use kernel::datapath::{
    Attached, Attachment, Control, DatapathError, Loaded, MapSizes, MapTables, Options, Readers,
    Side,
};
use kernel::netlink::NetlinkError;
use kernel::nic::{FeatureError, RxVlanGuard, XpsError, XpsGuard};
use kernel::tc::Controller;
use plan::{Facts, Plan, plan};
use supervisor::with_causes;
use tracing::{info, warn};
use units::{Direction, PerDirection, QueueId};

use crate::facts::{self, FactsError, Machine};
use crate::layout::layout;
use crate::shared::Current;

/// Problems that one message shows.
const PROBLEMS_SHOWN: usize = 50;

/// Everything of ours in the kernel, under one configuration. Dropping it takes it all out again.
#[derive(Debug)]
pub struct Shaper {
    path: PathBuf,
    config: Config,
    facts: Facts,
    current: Arc<Current>,
    kernel: LinuxKernel<MapTables>,
    attached: Attached,
    // Dropped last: while programs and classes are there the NICs have to be as they want them.
    _nics: Vec<NicGuards>,
}

/// What was changed on a NIC, restored when dropped.
#[derive(Debug)]
struct NicGuards {
    _xps: XpsGuard,
    _rx_vlan: RxVlanGuard,
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

impl Shaper {
    /// Puts everything in place, for a configuration that was prepared. The programs are verified
    /// before anything is touched.
    ///
    /// # Errors
    /// When any part fails; what was in place by then is taken out again.
    pub fn start(
        path: &Path,
        prepared: Prepared,
        facts: Facts,
    ) -> Result<(Self, Readers), ShaperError> {
        let Prepared { config, plan, warnings } = prepared;
        let mut loaded = Loaded::new(options(&config, &facts))?;
        let tables = loaded.take_tables().ok_or(DatapathError::Missing("tables"))?;
        let readers = loaded.take_readers().ok_or(DatapathError::Missing("readers"))?;
        let controller = Controller::open()?;
        let sides = sides(&config);
        loaded.preflight(&sides, &config.files.pins)?;
        let nics = match config.interfaces.mode {
            Mode::Observe => Vec::new(),
            _ => sides.iter().map(|(nic, _)| guard(nic)).collect::<Result<_, _>>()?,
        };
        let mut kernel = LinuxKernel { controller, tables };
        let report = apply(&mut kernel, None, &plan)?;
        info!(operations = report.operations, circuits = report.circuits, "classes are in place");
        kernel.tables.control().set_queues(unclaimed_queues(&plan));
        let attached = match loaded.attach(&sides, &config.files.pins) {
            Ok(attached) => attached,
            Err(error) => {
                take_down(&mut kernel, &plan);
                return Err(error.into());
            }
        };
        for attachment in attached.attachments() {
            let Attachment { nic, xdp, tc, .. } = attachment;
            info!(nic, ?xdp, ?tc, "programs are attached");
        }
        let current = Arc::new(current(1, &config, plan, warnings));
        Ok((
            Self { path: path.to_owned(), config, facts, current, kernel, attached, _nics: nics },
            readers,
        ))
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
        self.attached.attachments()
    }

    /// Reads the files again and brings the kernel into line.
    ///
    /// # Errors
    /// When any part fails. What was in force stays, unless it could not be restored either: then
    /// the error says what is left.
    pub fn reload(&mut self) -> Result<&Arc<Current>, ShaperError> {
        let loaded = Config::load(&self.path).map_err(ShaperError::Config)?;
        refuse(fixed_changes(&self.config, &loaded.config))?;
        let (prepared, facts) = prepare(loaded, Some(&self.current.plan))?;
        let Prepared { config, plan, warnings } = prepared;
        refuse(moved(&self.facts, &facts))?;
        let report = apply(&mut self.kernel, Some(&self.current.plan), &plan)?;
        self.kernel.tables.control().set_queues(unclaimed_queues(&plan));
        info!(operations = report.operations, circuits = report.circuits, "reloaded");
        self.current = Arc::new(current(self.current.generation + 1, &config, plan, warnings));
        self.config = config;
        Ok(&self.current)
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        take_down(&mut self.kernel, &self.current.plan);
    }
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
    Current { generation, since: Instant::now(), plan, layout, warnings }
}

fn guard(nic: &str) -> Result<NicGuards, ShaperError> {
    Ok(NicGuards { _xps: XpsGuard::clear(nic)?, _rx_vlan: RxVlanGuard::turn_off(nic)? })
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
            flows: 131_072,
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
    let Config { interfaces, files, queues: _, ranges: _, bus, limits, log, network: _ } = new;
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
