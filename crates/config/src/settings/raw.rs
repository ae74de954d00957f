//! Every key of tidegate.toml, declared once.

use std::path::PathBuf;
use std::time::Duration;

use toml::de::{DeTable, DeValue};
use units::{BitsPerSec, IpPrefix};

use super::value::{Field, Listed, ModeName, Presence, Section};
use crate::model::Leaf;
use crate::nearest::did_you_mean;
use crate::problem::Report;
use crate::source::Lines;

/// A section as the sample shows it.
pub(crate) struct SectionDoc {
    pub(crate) name: &'static str,
    pub(crate) about: &'static [&'static str],
    pub(crate) keys: &'static [KeyDoc],
}

/// A key as the sample shows it.
pub(crate) struct KeyDoc {
    pub(crate) name: &'static str,
    pub(crate) about: &'static [&'static str],
    pub(crate) presence: Presence,
    pub(crate) sample: &'static str,
}

/// Declares sections: from the doc comments, types and sample values come the `Raw*` structs, their
/// readers and [`SECTIONS`].
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])*
        [$section:ident] $raw:ident {
            $( $(#[doc = $doc:literal])* $key:ident: $type:ty = $presence:ident $sample:literal; )*
        }
    )*) => {
        /// tidegate.toml as it is written: known keys with the right types, nothing compared yet.
        #[derive(Debug)]
        pub(crate) struct RawSettings {
            $( $(#[doc = $about])* pub(crate) $section: $raw, )*
        }

        impl RawSettings {
            /// Reads every section; unknown ones are errors.
            pub(crate) fn read(root: &DeTable<'_>, lines: &Lines, report: &mut Report<'_>) -> Self {
                refuse_unknown_sections(root, lines, report);
                Self { $( $section: $raw::read(root, lines, report), )* }
            }
        }

        $(
            $(#[doc = $about])*
            #[derive(Debug)]
            pub(crate) struct $raw {
                $( $(#[doc = $doc])* pub(crate) $key: Field<$type>, )*
            }

            impl $raw {
                fn read(root: &DeTable<'_>, lines: &Lines, report: &mut Report<'_>) -> Self {
                    let section = find_section(stringify!($section), root, lines, report);
                    Self { $(
                        $key: section.field(
                            concat!(stringify!($section), ".", stringify!($key)),
                            Presence::$presence,
                            $sample,
                            report,
                        ),
                    )* }
                }
            }
        )*

        /// Every section, in the order of the sample.
        pub(crate) const SECTIONS: &[SectionDoc] = &[ $( SectionDoc {
            name: stringify!($section),
            about: &[$($about),*],
            keys: &[ $( KeyDoc {
                name: stringify!($key),
                about: &[$($doc),*],
                presence: Presence::$presence,
                sample: $sample,
            }, )* ],
        }, )* ];
    };
}

settings! {
    /// The network cards that carry the traffic, and how it crosses this machine.
    [interfaces] RawInterfaces {
        /// "bridge":     a Linux bridge that you set up forwards; Tidegate shapes.
        /// "xdp-bridge": Tidegate forwards from card to card itself, without a Linux bridge.
        /// "stick":      one card carries both sides in two VLANs; Tidegate forwards between them.
        /// "observe":    like "bridge", but traffic is only measured, never shaped.
        mode: ModeName = Default "\"bridge\"";
        /// The card towards the Internet. Not with "stick".
        internet: String = Set "\"eth0\"";
        /// The card towards the customers. Not with "stick".
        customers: String = Set "\"eth1\"";
        /// The one card of mode "stick".
        interface: String = Optional "\"eth0\"";
        /// Mode "stick": VLAN id of the Internet side, 1 to 4094.
        internet_vlan: i64 = Optional "10";
        /// Mode "stick": VLAN id of the customers' side, 1 to 4094.
        customers_vlan: i64 = Optional "20";
    }

    /// Where files are. Relative paths start from the folder of this file.
    [files] RawFiles {
        /// The tree of sites and access points.
        network: PathBuf = Default "\"network.json\"";
        /// The circuits with their rates and addresses.
        devices: PathBuf = Default "\"ShapedDevices.csv\"";
        /// Tables that tell which network and country an Internet address belongs to, at most 16:
        /// tab-separated ranges (start, end, AS number, country, name) or MMDB, plain or gzip. The
        /// first that knows an address's network, or its country, counts. They are read again when
        /// they change. Example: ["ip2asn-combined.tsv.gz"]
        origins: Vec<Listed<PathBuf>> = Default "[]";
        /// Whether a change of this file, or of the two with network and circuits, is put in force as soon
        /// as it is written. Otherwise `tidegate reload` does it.
        watch: bool = Default "true";
        /// Folder inside a mounted BPF filesystem, where attached programs are pinned.
        pins: PathBuf = Default "\"/sys/fs/bpf/tidegate\"";
    }

    /// How traffic is queued. Rates are text with a unit: bps, kbps, Mbps, Gbps or Tbps.
    [queues] RawQueues {
        /// Rate of your Internet link towards the customers. Keep it a little below what the link
        /// can do, so that packets queue here and not in someone else's equipment. Each transmit
        /// queue is held to it by itself, so several busy ones may send more together. A node lies
        /// in one queue with all that is below it, so its limit holds exactly; for the link's to
        /// hold as exactly, set `count = 1` or have one node above all others.
        download: BitsPerSec = Set "\"950 Mbps\"";
        /// Rate of your Internet link towards the Internet.
        upload: BitsPerSec = Set "\"950 Mbps\"";
        /// The queue under each circuit: "cake diffserv4", "cake diffserv3", "cake diffserv8",
        /// "cake besteffort", "fq_codel", "fifo", or "none" for the plain one that HTB has.
        leaf: Leaf = Default "\"cake diffserv4\"";
        /// The queue to use instead where this machine's kernel lacks the one above. Without this
        /// key, a kernel that lacks it is an error.
        leaf_fallback: Leaf = Optional "\"fq_codel\"";
        /// The queue for circuits whose maximum is at least `fast_leaf_from`; give both or neither.
        fast_leaf: Leaf = Optional "\"fq_codel\"";
        /// The maximum from which on a circuit counts as fast, each direction by itself.
        fast_leaf_from: BitsPerSec = Optional "\"500 Mbps\"";
        /// Transmit queues to use on each card, 1 to 1024. Without this key, as many as both cards
        /// and the processors allow.
        count: i64 = Optional "8";
        /// Percent that a circuit's class gets on top of its plan, 0 to 25. Frame headers take 4
        /// to 6 percent, so that with the default a speed test shows the plan's rate.
        framing_percent: i64 = Default "5";
        /// A circuit that was silent for so long gives its class and queue back, and gets them again with its
        /// next packet, which passes meanwhile below the link's limit alone; 1 s to 24 h. Good for many
        /// circuits of which few are busy. Without this key, each has its class all the time.
        lazy_after: Duration = Optional "\"30 min\"";
    }

    /// Which addresses are customers' and which are left alone.
    [ranges] RawRanges {
        /// Hosts in here that no device covers are listed as unknown. Empty: hosts everywhere.
        customers: Vec<Listed<IpPrefix>> = Default "[]";
        /// Hosts in here are neither shaped nor listed, unless a device covers them.
        ignored: Vec<Listed<IpPrefix>> = Default "[]";
    }

    /// When flows end, and how long ended ones are kept. Times are text with a unit: s, min or h.
    [flows] RawFlows {
        /// A TCP connection that was silent for this long has ended, 10 s to 24 h.
        tcp_idle: Duration = Default "\"10 min\"";
        /// The same for UDP and all that is neither TCP nor ICMP, 5 s to 24 h.
        udp_idle: Duration = Default "\"2 min\"";
        /// The same for ICMP, 5 s to 24 h.
        icmp_idle: Duration = Default "\"30 s\"";
        /// The same for flows of any kind in which one side never answered, 2 s to 24 h. Short, so
        /// that scans do not fill the table.
        unanswered_idle: Duration = Default "\"15 s\"";
        /// How long an ended flow is kept to be looked at, at most 1 h; "0 s" keeps none.
        recent: Duration = Default "\"5 min\"";
        /// Ended flows that are kept at most, 1 to 4000000; the oldest go first.
        recent_flows: i64 = Default "100000";
    }

    /// What `tidegate capture` may take.
    [capture] RawCapture {
        /// Captures that may run at once, 1 to 8.
        at_once: i64 = Default "4";
        /// Packets that one capture may take, 1 to 100000000.
        packets_max: i64 = Default "1000000";
        /// How long one capture may run, 1 s to 24 h.
        seconds_max: Duration = Default "\"10 min\"";
        /// Bytes of each packet that a capture may take, 64 to 256: headers, and no more.
        snap_length_max: i64 = Default "256";
    }

    /// The socket on which clients speak to the daemon.
    [bus] RawBus {
        /// The socket. The daemon makes it, and its lock file beside it.
        socket: PathBuf = Default "\"/run/tidegate/bus.sock\"";
        /// Members of this group may look.
        read_group: String = Default "\"tidegate\"";
        /// Members of this group may also change things.
        admin_group: String = Default "\"tidegate-admin\"";
        /// Clients that may be connected at once, 1 to 10000.
        clients: i64 = Default "128";
    }

    /// Figures for Prometheus and its kin, over HTTP.
    [metrics] RawMetrics {
        /// Address and port on which they are told, at /metrics; "off" tells them to nobody. Whoever reaches the
        /// port can read them.
        listen: String = Default "\"off\"";
        /// Whether circuits are among them: some twenty figures each.
        circuits: bool = Default "false";
    }

    /// How much the kernel's tables hold. They are made when the daemon starts and take memory in
    /// proportion.
    [limits] RawLimits {
        /// Circuits, 1 to 1000000. One takes about 1.2 KB and 128 bytes for each processor.
        circuits: i64 = Default "32768";
        /// Single addresses of devices, 1 to 4000000.
        hosts: i64 = Default "131072";
        /// Address blocks of devices and ranges, 1 to 4000000.
        prefixes: i64 = Default "65536";
        /// Hosts without a circuit that are remembered, 1 to 4000000.
        unknown_hosts: i64 = Default "65536";
        /// Flows that are measured at once, 1024 to 16000000. One takes 328 bytes.
        flows: i64 = Default "131072";
    }

    /// What the daemon writes down.
    [log] RawLog {
        /// A level (error, warn, info, debug, trace), or levels by part: "warn,apply=debug".
        filter: String = Default "\"info\"";
        /// The file to which every change is appended, a line of JSON each: who, what, when. Whoever
        /// rotates it need not tell the daemon. "off" keeps none.
        audit: PathBuf = Default "\"/var/log/tidegate/audit.jsonl\"";
    }
}

/// The section of this name with only its known keys; the others are errors.
fn find_section<'t>(
    name: &str,
    root: &'t DeTable<'t>,
    lines: &'t Lines,
    report: &mut Report<'_>,
) -> Section<'t> {
    let entry = root.iter().find(|(key, _)| key.get_ref().as_ref() == name);
    let Some((key, value)) = entry else {
        return Section { table: None, line: None, lines };
    };
    let line = lines.at(key.span().start);
    let DeValue::Table(table) = value.get_ref() else {
        report
            .error(line, name, "is a section, not a key")
            .help(format!("write its keys on lines of their own under [{name}]"));
        return Section { table: None, line: Some(line), lines };
    };
    refuse_unknown_keys(name, table, lines, report);
    Section { table: Some(table), line: Some(line), lines }
}

fn refuse_unknown_keys(section: &str, table: &DeTable<'_>, lines: &Lines, report: &mut Report<'_>) {
    let known = SECTIONS.iter().find(|doc| doc.name == section).map_or(&[][..], |doc| doc.keys);
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if known.iter().all(|doc| doc.name != name) {
            let help = did_you_mean(name, known.iter().map(|doc| doc.name))
                .or_else(|| belongs_elsewhere(name));
            report
                .error(
                    lines.at(key.span().start),
                    &format!("{section}.{name}"),
                    format!("[{section}] has no such key"),
                )
                .help(help);
        }
    }
}

fn refuse_unknown_sections(root: &DeTable<'_>, lines: &Lines, report: &mut Report<'_>) {
    for (key, value) in root {
        let name = key.get_ref().as_ref();
        if SECTIONS.iter().any(|doc| doc.name == name) {
            continue;
        }
        let line = lines.at(key.span().start);
        if value.get_ref().is_table() {
            report
                .error(line, name, "there is no such section")
                .help(did_you_mean(name, SECTIONS.iter().map(|doc| doc.name)));
        } else {
            report.error(line, name, "stands outside of a section").help(belongs_elsewhere(name));
        }
    }
}

/// Says which section has a key of this name.
fn belongs_elsewhere(name: &str) -> Option<String> {
    let home = SECTIONS.iter().find(|doc| doc.keys.iter().any(|key| key.name == name))?;
    Some(format!("it belongs in [{}]", home.name))
}
