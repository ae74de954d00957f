//! What the machine is set to, as it was read.

use std::collections::BTreeMap;
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::CpuId;

use crate::cpus::CpuSet;
use crate::interrupts::{self, Interrupt};
use crate::known::Known;
use crate::nic::XPS_MAPS;
use crate::programs::{self, Holder};
use crate::system::{self, Limit, Release};
use crate::tree::{Tree, not_as_expected};
use crate::wire::{Channel, Classifier, Link, Offload, Qdisc, Ring, Sizes, Sockets, Wire};

/// A machine to look at and to set.
#[derive(Debug)]
pub struct Machine {
    pub(crate) tree: Tree,
    pub(crate) wire: Box<dyn Wire>,
}

/// What a machine is set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// The kernel's release.
    pub release: Known<Release>,
    /// Whether the kernel describes its types.
    pub btf: bool,
    /// Queueing disciplines that it has or could load.
    pub qdiscs: BTreeMap<String, Known<bool>>,
    /// CPUs that are online.
    pub cpus: Known<CpuSet>,
    /// How each CPU chooses its frequency; empty where the machine does not let the kernel choose.
    pub governors: BTreeMap<CpuId, String>,
    /// Settings of the kernel.
    pub sysctls: BTreeMap<String, Known<u64>>,
    /// Packets dropped as a CPU's backlog was full, and polls cut short, since the machine started.
    pub softnet: Known<(u64, u64)>,
    /// The process of irqbalance, where one runs.
    pub irqbalance: Option<u32>,
    /// What the kernel's clock is read from.
    pub clock_source: Known<String>,
    /// What it could be read from.
    pub clock_sources: Known<String>,
    /// Memory that this process may lock, in bytes.
    pub memlock: Known<Limit>,
    /// Mount points of BPF filesystems.
    pub bpffs: Known<Vec<String>>,
    /// The NICs that were asked for.
    pub nics: Vec<NicSeen>,
    /// Processes that hold BPF programs which are on those NICs, by the programs' numbers.
    pub holders: BTreeMap<u32, Holder>,
}

/// What one NIC is set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NicSeen {
    /// Its name.
    pub name: String,
    /// The driver, or the kind of a virtual device.
    pub driver: Known<String>,
    /// What rtnetlink tells.
    pub link: Known<Link>,
    /// Offloads by the kernel's names for them.
    pub offloads: Known<BTreeMap<String, Offload>>,
    /// Sizes of its rings.
    pub rings: Known<Sizes<Ring>>,
    /// Numbers of its channels.
    pub channels: Known<Sizes<Channel>>,
    /// Transmit queues in use.
    pub tx_queues: Known<u16>,
    /// Its interrupts.
    pub interrupts: Known<Vec<Interrupt>>,
    /// Masks by which the kernel chooses transmit queues, of each queue that has one.
    pub xps: Known<Vec<QueueMask>>,
    /// Masks by which the kernel spreads packets that arrived, of each queue that has one.
    pub rps: Known<Vec<QueueMask>>,
    /// The bridge that it is a port of; none where it is in none.
    pub port: Known<Option<BridgePort>>,
    /// Its queueing disciplines at the root and on the way in.
    pub qdiscs: Known<Vec<Qdisc>>,
    /// BPF classifiers of clsact.
    pub classifiers: Known<Vec<Classifier>>,
}

/// A queue's mask that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueMask {
    /// The queue, as sysfs calls it: `tx-0`.
    pub queue: String,
    /// The mask, as sysfs calls it: `xps_cpus`.
    pub mask: String,
    /// CPUs, or receive queues with `xps_rxqs`.
    pub set: CpuSet,
}

/// A NIC as a port of a bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BridgePort {
    /// The bridge's name.
    pub bridge: String,
    /// Whether it is up.
    pub bridge_up: bool,
    /// Whether it runs the spanning tree protocol.
    pub stp: bool,
    /// The port's state: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking.
    pub state: u64,
}

impl Machine {
    /// This one, in the network namespace of the calling thread.
    pub fn this() -> Self {
        Self::new(Tree::this(), Box::new(Sockets::new()))
    }

    /// One that is shown by files and answers.
    pub fn new(tree: Tree, wire: Box<dyn Wire>) -> Self {
        Self { tree, wire }
    }

    /// Reads it, with the NICs of these names.
    pub fn see(&mut self, nics: &[String]) -> Seen {
        let nics: Vec<NicSeen> = nics.iter().map(|name| self.see_nic(name)).collect();
        let tree = &self.tree;
        let release = system::release(tree);
        let cpus = system::cpus(tree);
        Seen {
            btf: tree.has("sys/kernel/btf/vmlinux"),
            qdiscs: system::qdiscs(tree, &release),
            release,
            governors: system::governors(tree, &cpus),
            cpus,
            sysctls: system::sysctls(tree),
            softnet: system::softnet(tree),
            irqbalance: programs::process_called(tree, "irqbalance"),
            clock_source: Known::read(
                "the clock's source",
                tree.read("sys/devices/system/clocksource/clocksource0/current_clocksource"),
            ),
            clock_sources: Known::read(
                "the clock's sources",
                tree.read("sys/devices/system/clocksource/clocksource0/available_clocksource"),
            ),
            memlock: system::limit(tree, "self", "Max locked memory"),
            bpffs: system::bpffs(tree),
            holders: programs::holders(tree, &programs_on(&nics)),
            nics,
        }
    }

    /// How many files a process may have open.
    pub fn open_files(&self, process: u32) -> Known<Limit> {
        system::limit(&self.tree, &process.to_string(), "Max open files")
    }

    /// Names in a folder that begin a pin of an attachment of ours; none where there is no such folder.
    pub fn pins(&self, folder: &str) -> Vec<String> {
        let names = self.tree.list(folder.trim_start_matches('/')).unwrap_or_default();
        names.into_iter().filter(|name| name.contains('-')).collect()
    }

    /// Whether systemd runs here and has a unit of this name.
    pub fn has_unit(&self, name: &str) -> bool {
        const FOLDERS: [&str; 4] = [
            "etc/systemd/system",
            "run/systemd/system",
            "usr/lib/systemd/system",
            "lib/systemd/system",
        ];
        // as sd_booted(3) tells
        self.tree.has("run/systemd/system")
            && FOLDERS.iter().any(|folder| self.tree.has(&format!("{folder}/{name}")))
    }

    fn see_nic(&mut self, name: &str) -> NicSeen {
        let wire = &mut self.wire;
        let link = wire.link(name);
        let of_link = |link: &io::Result<Link>| match link {
            Ok(link) => Ok(link.ifindex),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let qdiscs = of_link(&link).and_then(|nic| wire.qdiscs(nic));
        let classifiers = of_link(&link).and_then(|nic| wire.classifiers(nic));
        let offloads = wire.offloads(name);
        let (rings, channels) = (wire.rings(name), wire.channels(name));
        let shown = of_link(&link).and_then(|nic| is_shown(&self.tree, name, nic.get()));
        let shown =
            || shown.as_ref().map(drop).map_err(|e| io::Error::new(e.kind(), e.to_string()));
        let tree = &self.tree;
        let path = format!("sys/class/net/{name}");
        let queues = || shown().and_then(|()| tree.list(&format!("{path}/queues")));
        let masks = |prefix, masks: &[&str]| {
            queues().and_then(|queues| queue_masks(tree, &path, &queues, prefix, masks))
        };
        let kind = link.as_ref().map(|link| link.kind.clone()).unwrap_or_default();
        NicSeen {
            name: name.to_owned(),
            driver: Known::read(
                "the driver",
                shown().map(|()| tree.link(&format!("{path}/device/driver")).unwrap_or(kind)),
            ),
            tx_queues: Known::read(
                "the queues",
                queues().map(|all| all.iter().filter(|it| it.starts_with("tx-")).count() as u16),
            ),
            interrupts: Known::read(
                "the interrupts",
                shown().and_then(|()| interrupts::of_nic(tree, name)),
            ),
            xps: Known::read("XPS", masks("tx-", &XPS_MAPS)),
            rps: Known::read("RPS", masks("rx-", &["rps_cpus"])),
            port: Known::read("the bridge", shown().and_then(|()| port(tree, &path))),
            link: Known::read("the link", link),
            offloads: Known::read("the offloads", offloads),
            rings: Known::read("the rings", rings),
            channels: Known::read("the channels", channels),
            qdiscs: Known::read("the queueing disciplines", qdiscs.map(near_the_root)),
            classifiers: Known::read("the classifiers", classifiers),
        }
    }
}

impl Seen {
    /// The NIC of this name, of those that were asked for.
    pub fn nic(&self, name: &str) -> Option<&NicSeen> {
        self.nics.iter().find(|nic| nic.name == name)
    }
}

/// Whether sysfs shows the same device as netlink: it belongs to the namespace in which it was mounted.
fn is_shown(tree: &Tree, name: &str, ifindex: u32) -> io::Result<()> {
    let shown = tree.number(&format!("sys/class/net/{name}/ifindex"))?;
    if shown == u64::from(ifindex) {
        return Ok(());
    }
    let why = "sysfs shows another network namespace's devices; mount it anew in this one";
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

fn queue_masks(
    tree: &Tree,
    path: &str,
    queues: &[String],
    prefix: &str,
    masks: &[&str],
) -> io::Result<Vec<QueueMask>> {
    let mut found = Vec::new();
    for queue in queues.iter().filter(|queue| queue.starts_with(prefix)) {
        for mask in masks {
            let text = match tree.read(&format!("{path}/queues/{queue}/{mask}")) {
                Ok(text) => text,
                Err(error) if crate::nic::means_no_map(&error) => continue,
                Err(error) => return Err(error),
            };
            let set = CpuSet::from_mask(&text).ok_or_else(|| not_as_expected(&text))?;
            if !set.is_empty() {
                found.push(QueueMask { queue: queue.clone(), mask: (*mask).to_owned(), set });
            }
        }
    }
    Ok(found)
}

fn port(tree: &Tree, path: &str) -> io::Result<Option<BridgePort>> {
    if !tree.has(&format!("{path}/brport")) {
        return Ok(None);
    }
    let bridge = tree.link(&format!("{path}/master"))?;
    let stp = tree.number(&format!("sys/class/net/{bridge}/bridge/stp_state"))? != 0;
    let flags = tree.read(&format!("sys/class/net/{bridge}/flags"))?;
    let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16)
        .map_err(|_| not_as_expected(&flags))?;
    let state = tree.number(&format!("{path}/brport/state"))?;
    Ok(Some(BridgePort { bridge, bridge_up: flags & 1 == 1, stp, state }))
}

/// Roots and what hangs on the way in: all others hang below one.
fn near_the_root(qdiscs: Vec<Qdisc>) -> Vec<Qdisc> {
    const INGRESS: u16 = 0xffff;
    qdiscs.into_iter().filter(|qdisc| qdisc.parent.major() == INGRESS).collect()
}

/// Numbers of the programs on these NICs.
fn programs_on(nics: &[NicSeen]) -> Vec<u32> {
    let xdp = nics.iter().filter_map(|nic| Some(nic.link.get()?.xdp?.id));
    let classifiers = nics.iter().filter_map(|nic| nic.classifiers.get()).flatten();
    xdp.chain(classifiers.map(|classifier| classifier.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_one_where_systemd_runs() {
        let root = tempfile::tempdir().unwrap();
        let machine = Machine::new(Tree::at(root.path()), Box::new(Sockets::new()));
        let units = root.path().join("usr/lib/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        std::fs::write(units.join("tidegated.service"), "").unwrap();
        assert!(!machine.has_unit("tidegated.service"), "installed, but nothing starts it");
        std::fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert!(machine.has_unit("tidegated.service"));
        assert!(!machine.has_unit("another.service"));
    }
}
