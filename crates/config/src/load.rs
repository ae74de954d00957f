//! From files or texts to a configuration, with everything that is wrong in them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::devices::{self, Surroundings};
use crate::model::{Bus, Config, Files, Interfaces, Log, Network};
use crate::network;
use crate::problem::{Problem, Problems, Report, Severity};
use crate::settings::{self, Settings};
use crate::source::{Fallback, Source, Sources, decode, read_file};

/// A configuration with what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The texts that say it.
    pub sources: Arc<Sources>,
    /// Warnings only.
    pub warnings: Problems,
}

/// What of a configuration is needed before all of it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outset {
    /// The NICs; none where another version of this program means something by them that this one does not know.
    pub interfaces: Option<Interfaces>,
    /// Where the other files are.
    pub files: Files,
    /// Where the daemon listens.
    pub bus: Bus,
    /// What is logged.
    pub log: Log,
}

impl Config {
    /// Reads tidegate.toml at `path` and the two files that it names.
    ///
    /// # Errors
    /// Every problem of all three files when one of them is an error. Files that cannot be read
    /// are problems too.
    pub fn load(path: &Path) -> Result<Loaded, Problems> {
        let mut problems = Problems::default();
        let toml = open(path, &mut problems);
        let settings = toml.as_ref().and_then(|source| read_settings(source, &mut problems));
        let Some(settings) = settings else {
            return Err(problems);
        };
        let (network, devices) = match &settings.files {
            Some(files) => {
                (open(&files.network, &mut problems), open(&files.devices, &mut problems))
            }
            None => (None, None),
        };
        let order = [Some(path), path_of(&network), path_of(&devices)];
        let config = finish(&settings, network.as_ref(), devices.as_ref(), order, &mut problems);
        match (config, toml, network, devices) {
            (Some(config), Some(settings), Some(network), Some(devices)) => {
                let sources = Arc::new(Sources { settings, network, devices });
                Ok(Loaded { config, sources, warnings: problems })
            }
            _ => Err(problems),
        }
    }

    /// Of tidegate.toml at `path`, what it takes before the others are read.
    ///
    /// # Errors
    /// Every problem of the file when one of them is an error.
    pub fn outset(path: &Path) -> Result<Outset, Problems> {
        let mut problems = Problems::default();
        let settings = open(path, &mut problems);
        let settings = settings.and_then(|source| read_settings(&source, &mut problems));
        match settings {
            Some(Settings {
                interfaces,
                files: Some(files),
                bus: Some(bus),
                log: Some(log),
                ..
            }) => Ok(Outset { interfaces, files, bus, log }),
            _ => Err(problems),
        }
    }

    /// The same for texts in memory; the paths under `[files]` are kept, but not read.
    ///
    /// # Errors
    /// Every problem when one of them is an error.
    pub fn from_sources(sources: &Sources) -> Result<Loaded, Problems> {
        let mut problems = Problems::default();
        let Some(settings) = read_settings(&sources.settings, &mut problems) else {
            return Err(problems);
        };
        let Sources { settings: toml, network, devices } = sources;
        let order = [Some(toml.path.as_path()), Some(&network.path), Some(&devices.path)];
        match finish(&settings, Some(network), Some(devices), order, &mut problems) {
            Some(config) => {
                Ok(Loaded { config, sources: Arc::new(sources.clone()), warnings: problems })
            }
            None => Err(problems),
        }
    }
}

fn path_of(source: &Option<Source>) -> Option<&Path> {
    source.as_ref().map(|source| source.path.as_path())
}

fn open(path: &Path, problems: &mut Problems) -> Option<Source> {
    read_file(path)
        .map(|bytes| Source::new(path, bytes))
        .map_err(|error: io::Error| {
            Report::new(&path.into(), problems).error(None, "", format!("cannot be read: {error}"));
        })
        .ok()
}

fn read_settings(source: &Source, problems: &mut Problems) -> Option<Settings> {
    let report = &mut Report::new(&source.path.as_path().into(), problems);
    let text = decode(&source.bytes, Fallback::Refuse, report)?;
    let raw = settings::read(&text, report)?;
    let folder = source.path.parent().unwrap_or(Path::new(""));
    Some(settings::validate(&raw, folder, report))
}

/// Reads the other two files and puts all together; nothing when one has errors.
fn finish(
    settings: &Settings,
    network: Option<&Source>,
    devices: Option<&Source>,
    order: [Option<&Path>; 3],
    problems: &mut Problems,
) -> Option<Config> {
    let tree = network.and_then(|source| {
        let report = &mut Report::new(&source.path.as_path().into(), problems);
        let text = decode(&source.bytes, Fallback::Refuse, report)?;
        network::read(&text, report)
    });
    let around = Surroundings {
        tree: tree.as_ref(),
        leaf: settings.queues.as_ref().map(|queues| queues.leaf),
        ranges: settings.ranges.as_ref(),
        limits: settings.limits,
    };
    let circuits = devices.and_then(|source| {
        let report = &mut Report::new(&source.path.as_path().into(), problems);
        let text = decode(&source.bytes, Fallback::Windows1252, report)?;
        Some(devices::read(&text, around, report))
    });
    let order: Vec<Arc<Path>> = order.into_iter().flatten().map(Arc::from).collect();
    problems.sort(&order);
    let network =
        tree.zip(circuits).map(|(tree, circuits)| Network { nodes: tree.nodes, circuits });
    assemble(settings, network).filter(|_| problems.errors() == 0)
}

/// The configuration, when every part is there.
fn assemble(settings: &Settings, network: Option<Network>) -> Option<Config> {
    let Settings { interfaces, files, queues, ranges, flows, capture, bus, metrics, limits, log } =
        settings;
    Some(Config {
        interfaces: interfaces.clone()?,
        files: files.clone()?,
        queues: queues.clone()?,
        ranges: ranges.clone()?,
        flows: (*flows)?,
        capture: (*capture)?,
        bus: bus.clone()?,
        metrics: (*metrics)?,
        limits: (*limits)?,
        log: log.clone()?,
        network: network?,
    })
}

/// The errors of a tidegate.toml by itself.
pub(crate) fn check_settings(source: &Source) -> Vec<Problem> {
    let mut problems = Problems::default();
    read_settings(source, &mut problems);
    problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}
