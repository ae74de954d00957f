//! From raw sections to those of the configuration.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use units::{BitsPerSec, IpPrefix, PerDirection};

use super::measure::{DAY, time_in_range, validate_capture, validate_flows};
use super::raw::{
    RawBus, RawFiles, RawInterfaces, RawLimits, RawLog, RawMetrics, RawQueues, RawRanges,
    RawSettings,
};
use super::value::{Field, Listed, ModeName};
use crate::model::{
    Bus, Capture, FastLeaf, Files, Flows, Interfaces, Limits, Log, Metrics, Mode, Queues, Ranges,
};
use crate::nearest::did_you_mean;
use crate::prefix::touches_mapped_ipv4;
use crate::problem::Report;
use crate::rate::{RATE_MAX, RATE_MIN};

/// Longest interface name in bytes: the kernel's `IFNAMSIZ` less the closing zero.
const INTERFACE_NAME_MAX: usize = 15;
/// Longest socket path in bytes: `sun_path` less the closing zero.
const SOCKET_PATH_MAX: usize = 107;
/// Most tables of the Internet's addresses: each is asked in turn for every new flow.
const ORIGINS_MAX: usize = 16;

/// The sections of tidegate.toml; none stands for one with errors.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) interfaces: Option<Interfaces>,
    pub(crate) files: Option<Files>,
    pub(crate) queues: Option<Queues>,
    pub(crate) ranges: Option<Ranges>,
    pub(crate) flows: Option<Flows>,
    pub(crate) capture: Option<Capture>,
    pub(crate) bus: Option<Bus>,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) limits: Option<Limits>,
    pub(crate) log: Option<Log>,
}

/// Validates every section. Relative paths start from `folder`.
pub(crate) fn validate(raw: &RawSettings, folder: &Path, report: &mut Report<'_>) -> Settings {
    Settings {
        interfaces: validate_interfaces(&raw.interfaces, report),
        files: validate_files(&raw.files, folder, report),
        queues: validate_queues(&raw.queues, report),
        ranges: validate_ranges(&raw.ranges, report),
        flows: validate_flows(&raw.flows, report),
        capture: validate_capture(&raw.capture, report),
        bus: validate_bus(&raw.bus, report),
        metrics: validate_metrics(&raw.metrics, report),
        limits: validate_limits(&raw.limits, report),
        log: validate_log(&raw.log, report),
    }
}

fn validate_interfaces(raw: &RawInterfaces, report: &mut Report<'_>) -> Option<Interfaces> {
    match raw.mode.get()? {
        ModeName::Bridge => validate_two_cards(raw, Mode::Bridge, report),
        ModeName::XdpBridge => validate_two_cards(raw, Mode::XdpBridge, report),
        ModeName::Observe => validate_two_cards(raw, Mode::Observe, report),
        ModeName::Stick => validate_stick(raw, report),
    }
}

fn validate_two_cards(
    raw: &RawInterfaces,
    mode: Mode,
    report: &mut Report<'_>,
) -> Option<Interfaces> {
    for (field, given) in [
        (raw.interface.key, &raw.interface.is_given().then_some(raw.interface.line)),
        (raw.internet_vlan.key, &raw.internet_vlan.is_given().then_some(raw.internet_vlan.line)),
        (raw.customers_vlan.key, &raw.customers_vlan.is_given().then_some(raw.customers_vlan.line)),
    ] {
        if let Some(line) = given {
            report
                .error(*line, field, "is only for mode \"stick\"")
                .help("remove it, or set mode = \"stick\"".to_owned());
        }
    }
    let internet = validate_interface_name(&raw.internet, report);
    let customers = validate_interface_name(&raw.customers, report);
    let (internet, customers) = (internet?, customers?);
    if internet == customers {
        raw.customers
            .error(report, format!("{customers:?} is also interfaces.internet"))
            .help("name two cards, or use mode \"stick\" for one card with two VLANs".to_owned());
        return None;
    }
    Some(Interfaces { mode, internet, customers })
}

fn validate_stick(raw: &RawInterfaces, report: &mut Report<'_>) -> Option<Interfaces> {
    for field in [&raw.internet, &raw.customers] {
        if field.is_given() {
            field
                .error(report, "is not for mode \"stick\", which has one card")
                .help("name the card with `interface` instead".to_owned());
        }
    }
    let interface = validate_interface_name(&raw.interface, report);
    let vlan = |field: &Field<i64>, report: &mut Report<'_>| {
        field.required(report)?;
        in_range(field, 1, 4094, report)
    };
    let internet_vlan = vlan(&raw.internet_vlan, report);
    let customers_vlan = vlan(&raw.customers_vlan, report);
    let (internet_vlan, customers_vlan) = (internet_vlan? as u16, customers_vlan? as u16);
    if internet_vlan == customers_vlan {
        raw.customers_vlan.error(
            report,
            format!("{customers_vlan} is also the Internet side's VLAN; the two must differ"),
        );
        return None;
    }
    let interface = interface?;
    Some(Interfaces {
        mode: Mode::Stick { internet_vlan, customers_vlan },
        internet: interface.clone(),
        customers: interface,
    })
}

/// The kernel's rule (`dev_valid_name` in net/core/dev.c).
fn validate_interface_name(field: &Field<String>, report: &mut Report<'_>) -> Option<String> {
    let name = field.required(report)?;
    let forbidden = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    let why = if name.is_empty() || name == "." || name == ".." || name.contains(forbidden) {
        format!("{name:?} cannot be the name of a network interface")
    } else if name.len() > INTERFACE_NAME_MAX {
        format!(
            "{name:?} is longer than the {INTERFACE_NAME_MAX} bytes that an interface's name can have"
        )
    } else {
        return Some(name.clone());
    };
    field.error(report, why).help("`ip link` lists the names".to_owned());
    None
}

fn validate_files(raw: &RawFiles, folder: &Path, report: &mut Report<'_>) -> Option<Files> {
    let pins = validate_absolute(&raw.pins, report);
    let origins = validate_origins(&raw.origins, folder, report);
    Some(Files {
        network: folder.join(raw.network.get()?),
        devices: folder.join(raw.devices.get()?),
        origins: origins?,
        watch: *raw.watch.get()?,
        pins: pins?,
    })
}

/// Whether the files exist is found out by those who read them: they may come later.
fn validate_origins(
    field: &Field<Vec<Listed<PathBuf>>>,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<Vec<PathBuf>> {
    let listed = field.get()?;
    let mut paths = Vec::new();
    for Listed { line, value } in listed {
        let path = folder.join(value);
        if paths.contains(&path) {
            report.warning(*line, field.key, format!("{} is listed twice", value.display()));
        } else {
            paths.push(path);
        }
    }
    if paths.len() > ORIGINS_MAX {
        field.error(report, format!("{} files are more than {ORIGINS_MAX}", paths.len()));
        return None;
    }
    Some(paths)
}

fn validate_absolute(field: &Field<PathBuf>, report: &mut Report<'_>) -> Option<PathBuf> {
    let path = field.get()?;
    if !path.is_absolute() {
        field.error(report, format!("{path:?} must start with \"/\""));
        return None;
    }
    Some(path.clone())
}

fn validate_queues(raw: &RawQueues, report: &mut Report<'_>) -> Option<Queues> {
    let down = validate_link(&raw.download, report);
    let up = validate_link(&raw.upload, report);
    let fast_leaf = validate_fast_leaf(raw, report);
    let count = match raw.count.is_given() {
        true => in_range(&raw.count, 1, 1024, report).map(|count| Some(count as u16)),
        false => Some(None),
    };
    let framing_percent = in_range(&raw.framing_percent, 0, 25, report);
    let lazy_after = match raw.lazy_after.is_given() {
        true => time_in_range(&raw.lazy_after, 1, DAY, report).map(Some),
        false => Some(None),
    };
    if let (Some(leaf), Some(fallback)) = (raw.leaf.get(), raw.leaf_fallback.get())
        && leaf == fallback
    {
        report.warning(
            raw.leaf_fallback.line,
            raw.leaf_fallback.key,
            "is the same as `leaf`, and so has no effect",
        );
    }
    let leaf_fallback = match raw.leaf_fallback.is_given() {
        true => Some(*raw.leaf_fallback.get()?),
        false => None,
    };
    Some(Queues {
        link: PerDirection { down: down?, up: up? },
        leaf: *raw.leaf.get()?,
        leaf_fallback,
        fast_leaf: fast_leaf?,
        count: count?,
        framing_percent: framing_percent? as u8,
        lazy_after: lazy_after?,
    })
}

fn validate_link(field: &Field<BitsPerSec>, report: &mut Report<'_>) -> Option<BitsPerSec> {
    field.required(report)?;
    validate_rate(field, report)
}

fn validate_rate(field: &Field<BitsPerSec>, report: &mut Report<'_>) -> Option<BitsPerSec> {
    let rate = *field.get()?;
    if (RATE_MIN..=RATE_MAX).contains(&rate) {
        return Some(rate);
    }
    field.error(report, format!("{rate} is not between {RATE_MIN} and {RATE_MAX}"));
    None
}

/// The outer option says whether the two keys make sense, the inner one whether they are used.
fn validate_fast_leaf(raw: &RawQueues, report: &mut Report<'_>) -> Option<Option<FastLeaf>> {
    match (raw.fast_leaf.is_given(), raw.fast_leaf_from.is_given()) {
        (false, false) => return Some(None),
        (true, true) => {}
        (true, false) => {
            raw.fast_leaf
                .error(report, "has no effect without fast_leaf_from")
                .help("add the rate from which on it is used".to_owned());
        }
        (false, true) => {
            raw.fast_leaf_from
                .error(report, "has no effect without fast_leaf")
                .help("add the leaf that fast circuits get".to_owned());
        }
    }
    let from = validate_rate(&raw.fast_leaf_from, report);
    Some(Some(FastLeaf { from: from?, leaf: *raw.fast_leaf.get()? }))
}

fn validate_ranges(raw: &RawRanges, report: &mut Report<'_>) -> Option<Ranges> {
    let customers = validate_range(&raw.customers, report);
    let ignored = validate_range(&raw.ignored, report);
    let mut sane = true;
    for listed in raw.ignored.get()? {
        let clash = raw.customers.get()?.iter().any(|other| other.value == listed.value);
        if clash {
            sane = false;
            report.error(
                listed.line,
                raw.ignored.key,
                format!("{} is also in ranges.customers", listed.value),
            );
        }
    }
    let (customers, ignored) = (customers?, ignored?);
    sane.then_some(Ranges { customers, ignored })
}

fn validate_range(
    field: &Field<Vec<Listed<IpPrefix>>>,
    report: &mut Report<'_>,
) -> Option<Vec<IpPrefix>> {
    let mut sane = true;
    let mut prefixes: Vec<IpPrefix> = Vec::new();
    for Listed { line, value } in field.get()? {
        if touches_mapped_ipv4(*value) {
            sane = false;
            report
                .error(*line, field.key, format!("{value} covers the IPv4-mapped ::ffff:0:0/96"))
                .help(mapped_help(*value));
        } else if prefixes.contains(value) {
            report.warning(*line, field.key, format!("{value} is listed twice"));
        } else {
            prefixes.push(*value);
        }
    }
    sane.then_some(prefixes)
}

fn mapped_help(prefix: IpPrefix) -> String {
    match prefix.addr() {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => "write IPv4 ranges as IPv4".to_owned(),
        _ => "name the blocks that are yours; an empty list means everywhere".to_owned(),
    }
}

fn validate_bus(raw: &RawBus, report: &mut Report<'_>) -> Option<Bus> {
    let socket = validate_absolute(&raw.socket, report).filter(|path| {
        let fits = path.as_os_str().len() <= SOCKET_PATH_MAX;
        if !fits {
            raw.socket.error(
                report,
                format!("is longer than the {SOCKET_PATH_MAX} bytes that a socket's path can have"),
            );
        }
        fits
    });
    let read_group = validate_group(&raw.read_group, report);
    let admin_group = validate_group(&raw.admin_group, report);
    let clients = in_range(&raw.clients, 1, 10_000, report);
    Some(Bus {
        socket: socket?,
        read_group: read_group?,
        admin_group: admin_group?,
        clients: clients? as u32,
    })
}

fn validate_group(field: &Field<String>, report: &mut Report<'_>) -> Option<String> {
    let name = field.get()?;
    let forbidden = |c: char| c == ':' || c == ',' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.contains(forbidden) {
        field.error(report, format!("{name:?} cannot be the name of a group"));
        return None;
    }
    Some(name.clone())
}

fn validate_limits(raw: &RawLimits, report: &mut Report<'_>) -> Option<Limits> {
    let circuits = in_range(&raw.circuits, 1, 1_000_000, report);
    let hosts = in_range(&raw.hosts, 1, 4_000_000, report);
    let prefixes = in_range(&raw.prefixes, 1, 4_000_000, report);
    let unknown_hosts = in_range(&raw.unknown_hosts, 1, 4_000_000, report);
    let flows = in_range(&raw.flows, 1_024, 16_000_000, report);
    Some(Limits {
        circuits: circuits? as u32,
        hosts: hosts? as u32,
        prefixes: prefixes? as u32,
        unknown_hosts: unknown_hosts? as u32,
        flows: flows? as u32,
    })
}

/// The number, when it lies between `least` and `most`.
pub(super) fn in_range(
    field: &Field<i64>,
    least: i64,
    most: i64,
    report: &mut Report<'_>,
) -> Option<i64> {
    let number = *field.get()?;
    if (least..=most).contains(&number) {
        return Some(number);
    }
    field.error(report, format!("{number} is not between {least} and {most}"));
    None
}

fn validate_metrics(raw: &RawMetrics, report: &mut Report<'_>) -> Option<Metrics> {
    let text = raw.listen.get()?;
    let listen = match text.parse() {
        _ if text == "off" => None,
        Ok(address) => Some(address),
        Err(_) => {
            raw.listen
                .error(report, format!("{text:?} is no address with a port"))
                .help("write \"127.0.0.1:9618\" or \"[::1]:9618\", or \"off\"".to_owned());
            return None;
        }
    };
    Some(Metrics { listen, circuits: *raw.circuits.get()? })
}

fn validate_log(raw: &RawLog, report: &mut Report<'_>) -> Option<Log> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let filter = raw.filter.get()?;
    for directive in filter.split(',').map(str::trim) {
        let (part, level) = match directive.rsplit_once('=') {
            Some((part, level)) => (Some(part), level),
            None => (None, directive),
        };
        let known = LEVELS.iter().any(|name| name.eq_ignore_ascii_case(level));
        if !known || part.is_some_and(str::is_empty) {
            raw.filter
                .error(report, format!("{directive:?} is neither a level nor part=level"))
                .help(
                    did_you_mean(level, LEVELS)
                        .or_else(|| Some(format!("the levels are {}", LEVELS.join(", ")))),
                );
            return None;
        }
    }
    let is_off = raw.audit.get().is_some_and(|path| path.as_os_str() == "off");
    let audit = if is_off { None } else { Some(validate_absolute(&raw.audit, report)?) };
    Some(Log { filter: filter.clone(), audit })
}
