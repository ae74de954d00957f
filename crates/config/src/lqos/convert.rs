//! From the keys of lqos.conf to the text of a tidegate.toml.

use std::path::{Path, PathBuf};

use units::{BitsPerSec, IpPrefix, PrefixError};

use super::Import;
use super::keys::Settings;
use crate::load;
use crate::model::Leaf;
use crate::problem::Report;
use crate::rate::checked;
use crate::settings::{leaf_named, leaf_text};
use crate::source::Source;

/// Converts what was read from `file`.
pub(super) fn convert(
    mut settings: Settings,
    file: &Path,
    is_folder: bool,
    report: &mut Report<'_>,
) -> Import {
    let (network, devices) = files(&mut settings, file, is_folder);
    let mut toml = String::from(
        "# Imported from LibreQoS. `tidegate import lqos` names what was not carried over.\n",
    );
    let sections = [
        ("interfaces", interfaces(&mut settings, report)),
        ("files", vec![path_key("network", &network), path_key("devices", &devices)]),
        ("queues", queues(&mut settings, report)),
        ("ranges", ranges(&mut settings)),
        ("flows", flows(&mut settings)),
    ];
    for (name, keys) in sections {
        if !keys.is_empty() {
            toml.push_str(&format!("\n[{name}]\n{}\n", keys.join("\n")));
        }
    }
    if report.errors() == 0 {
        // what was put together here is held against the rules for every tidegate.toml
        for problem in load::check_settings(&Source::new(file, toml.as_bytes())) {
            report
                .error(None, problem.key.as_deref().unwrap_or(""), problem.why)
                .help(problem.help);
        }
    }
    Import { toml, notes: settings.into_notes(), network, devices }
}

/// Where the two files are: beside lqos.conf when a folder is imported, otherwise where it says.
fn files(settings: &mut Settings, file: &Path, is_folder: bool) -> (PathBuf, PathBuf) {
    let beside = file.parent().unwrap_or(Path::new("")).to_owned();
    let named = settings.take_text("lqos_directory");
    let folder = match named {
        Some((line, _)) if is_folder && beside.join("network.json").exists() => {
            settings.note(line, "lqos_directory", "not used: the files beside lqos.conf are");
            beside
        }
        Some((_, folder)) => beside.join(folder),
        None => beside,
    };
    // an empty or unreachable working folder leaves the path as it was given
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    (folder.join("network.json"), folder.join("ShapedDevices.csv"))
}

fn interfaces(settings: &mut Settings, report: &mut Report<'_>) -> Vec<String> {
    let observe = observes(settings);
    if let Some((_, interface)) = settings.take_text("single_interface.interface") {
        if let Some(line) = observe {
            settings.note(
                line,
                "queues.queue_mode",
                "not carried over: mode \"stick\" always shapes; think before you start it",
            );
        }
        let mut keys = vec![text_key("mode", "stick"), text_key("interface", &interface)];
        for (theirs, ours) in [
            ("single_interface.internet_vlan", "internet_vlan"),
            ("single_interface.network_vlan", "customers_vlan"),
        ] {
            match settings.take_number(theirs) {
                Some((_, vlan)) => keys.push(format!("{ours} = {vlan:.0}")),
                None => {
                    report.error(None, theirs, "is missing");
                }
            }
        }
        return keys;
    }
    let xdp = settings.take_truth("bridge.use_xdp_bridge");
    let mode = match (observe, xdp) {
        (Some(_), Some((line, true))) => {
            settings.note(
                line,
                "bridge.use_xdp_bridge",
                "not carried over: mode \"observe\" needs a Linux bridge; set one up",
            );
            "observe"
        }
        (Some(_), _) => "observe",
        (None, Some((_, true))) => "xdp-bridge",
        (None, _) => "bridge",
    };
    let mut keys = vec![text_key("mode", mode)];
    for (theirs, ours) in [("bridge.to_internet", "internet"), ("bridge.to_network", "customers")] {
        match settings.take_text(theirs) {
            Some((_, name)) => keys.push(text_key(ours, &name)),
            None => {
                report.error(None, theirs, "is missing");
            }
        }
    }
    keys
}

/// The line that asks for observing only, in the newer or the older way.
fn observes(settings: &mut Settings) -> Option<u32> {
    match settings.take_text("queues.queue_mode") {
        Some((line, mode)) if mode == "observe" => Some(line),
        Some((_, mode)) if mode == "shape" => None,
        Some((line, mode)) => {
            let why = format!("not carried over: {mode:?} is neither \"shape\" nor \"observe\"");
            settings.note(line, "queues.queue_mode", why);
            None
        }
        None => match settings.take_truth("queues.monitor_only") {
            Some((line, true)) => Some(line),
            _ => None,
        },
    }
}

fn queues(settings: &mut Settings, report: &mut Report<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    for (theirs, ours) in
        [("queues.downlink_bandwidth_mbps", "download"), ("queues.uplink_bandwidth_mbps", "upload")]
    {
        match settings.take_number(theirs) {
            Some((line, number)) => match checked(number, &number.to_string()) {
                Ok(rate) => keys.push(rate_key(ours, rate)),
                Err(why) => {
                    report.error(line, theirs, why);
                }
            },
            None => {
                report.error(None, theirs, "is missing").help(
                    "without the rate of the Internet link there is nothing to shape to".to_owned(),
                );
            }
        }
    }
    if let Some((line, text)) = settings.take_text("queues.default_sqm") {
        match leaf_named(text.trim()) {
            Some(leaf) => keys.push(text_key("leaf", leaf_text(leaf))),
            None => settings.note(
                line,
                "queues.default_sqm",
                format!("not carried over: Tidegate has no leaf {text:?}; cake diffserv4 is used"),
            ),
        }
    }
    if let Some((line, from)) = settings.take_number("queues.fast_queues_fq_codel") {
        match checked(from, &from.to_string()) {
            Ok(rate) => {
                keys.push(text_key("fast_leaf", leaf_text(Leaf::FqCodel)));
                keys.push(rate_key("fast_leaf_from", rate));
            }
            Err(why) => {
                settings.note(
                    line,
                    "queues.fast_queues_fq_codel",
                    format!("not carried over: {why}"),
                );
            }
        }
    }
    if let Some((line, count)) = settings.take_number("queues.override_available_queues") {
        if (1.0..=1024.0).contains(&count) {
            keys.push(format!("count = {count:.0}"));
        } else {
            let why = format!("not carried over: {count} is not between 1 and 1024");
            settings.note(line, "queues.override_available_queues", why);
        }
    }
    keys
}

fn ranges(settings: &mut Settings) -> Vec<String> {
    let mut taken: Vec<IpPrefix> = Vec::new();
    let mut keys = Vec::new();
    for (theirs, ours) in
        [("ip_ranges.ignore_subnets", "ignored"), ("ip_ranges.allow_subnets", "customers")]
    {
        let Some((line, texts)) = settings.take_texts(theirs) else { continue };
        let mut prefixes = Vec::new();
        for text in texts {
            match read_range(&text, &taken) {
                Ok((prefix, changed)) => {
                    if changed {
                        settings.note(
                            line,
                            theirs,
                            format!("{text:?} has host bits set; {prefix} is used"),
                        );
                    }
                    if !prefixes.contains(&prefix) {
                        prefixes.push(prefix);
                    }
                }
                Err(why) => {
                    settings.note(line, theirs, format!("{text:?} is not carried over: {why}"));
                }
            }
        }
        taken.extend(&prefixes);
        let listed: Vec<String> = prefixes.iter().map(|prefix| format!("\"{prefix}\"")).collect();
        keys.push(format!("{ours} = [{}]", listed.join(", ")));
    }
    keys
}

/// The block, and whether bits had to be cleared for it.
fn read_range(text: &str, taken: &[IpPrefix]) -> Result<(IpPrefix, bool), String> {
    let (prefix, changed) = match text.trim().parse() {
        Ok(prefix) => (prefix, false),
        Err(PrefixError::HostBits { network }) => (network, true),
        Err(error) => return Err(error.to_string()),
    };
    if crate::prefix::touches_mapped_ipv4(prefix) {
        return Err("it covers the IPv4-mapped ::ffff:0:0/96".to_owned());
    }
    if taken.contains(&prefix) {
        return Err("it is ignored, too, and that is what is kept".to_owned());
    }
    Ok((prefix, changed))
}

/// One time for all flows becomes one for each kind.
fn flows(settings: &mut Settings) -> Vec<String> {
    const TIMEOUT: &str = "flows.flow_timeout_seconds";
    let Some((line, seconds)) = settings.take_number(TIMEOUT) else { return Vec::new() };
    if seconds.fract() != 0.0 || !(10.0..=86_400.0).contains(&seconds) {
        let why = format!("not carried over: {seconds} is not a whole number from 10 to 86400");
        settings.note(line, TIMEOUT, why);
        return Vec::new();
    }
    ["tcp_idle", "udp_idle", "icmp_idle"].map(|key| text_key(key, &format!("{seconds} s"))).into()
}

fn text_key(key: &str, text: &str) -> String {
    format!("{key} = {}", toml::Value::from(text))
}

fn path_key(key: &str, path: &Path) -> String {
    text_key(key, &path.to_string_lossy())
}

/// In Mbps, or in whole bits where that is not exact.
fn rate_key(key: &str, rate: BitsPerSec) -> String {
    let mbps = format!("{} Mbps", rate.mbps());
    let exact = mbps.parse() == Ok(rate);
    text_key(key, &if exact { mbps } else { format!("{} bps", rate.get()) })
}
