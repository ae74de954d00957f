//! Which settings are to change.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::Serialize;
use units::CpuId;

use crate::cpus::CpuSet;
use crate::nic::drivers;
use crate::seen::{NicSeen, Seen};
use crate::wire::{Channel, Ring};

use super::setting::{Setting, cpus_value, on_off};

/// What the configuration says about the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The NICs that carry the traffic; one on a stick.
    pub nics: Vec<String>,
    /// Queues for each direction; none for as many as NICs and CPUs allow.
    pub queues: Option<u16>,
    /// Whether packets are steered to their circuit's CPU.
    pub steers: bool,
}

/// A setting that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Which.
    pub setting: Setting,
    /// What it is.
    pub now: String,
    /// What it should be.
    pub wanted: String,
    /// Why.
    pub why: &'static str,
    /// What does the same by hand.
    pub command: String,
    /// Whether most drivers take the link down for a moment.
    pub stops_traffic: bool,
}

/// Offloads by the kernel's names, what they should be and why. Those of VLAN tags the daemon sees to.
const OFFLOADS: [(&str, bool, &str); 4] = [
    ("rx-lro", false, "joins packets into ones that cannot be forwarded"),
    ("rx-gro-hw", false, "joins packets before XDP sees them, which counts them as one"),
    ("hw-tc-offload", false, "lets the NIC forward flows past programs and queues"),
    (
        "rx-gro",
        true,
        "what is joined costs less on its way: a TCP stream is up to three times as fast",
    ),
];

/// Packets that a receive ring should hold at least, where the driver allows: what arrives at 10 Gbps
/// in a few milliseconds while the CPU is elsewhere. More only waits longer, and falls out of the cache.
const RX_RING: u32 = 4096;
/// The same for sending. Packets wait in the classes, not here.
const TX_RING: u32 = 1024;

/// Settings of the kernel, what they should be at least and why.
const SYSCTLS: [(&str, u64, &str); 3] = [
    ("net.core.netdev_budget", 600, "packets that a CPU takes from its NICs in one turn"),
    ("net.core.netdev_budget_usecs", 8000, "how long that turn may last"),
    ("net.core.netdev_max_backlog", 4096, "packets that may wait for a CPU behind the driver"),
];

const PERFORMANCE: &str = "performance";

/// What is to be changed, in the order in which it is done. What belongs to single queues comes before their
/// number: with a queue its settings go, and are to be put back when it is there again. What is not
/// known, or the driver does not have, is left alone.
pub fn changes(seen: &Seen, wanted: &Wanted) -> Vec<Change> {
    let nics: Vec<&NicSeen> = wanted.nics.iter().filter_map(|name| seen.nic(name)).collect();
    let bindings = Bindings::of(seen, wanted, &nics);
    let of_nics = |change: fn(&NicSeen, &Bindings, &Wanted) -> Vec<Change>| {
        nics.iter().flat_map(|nic| change(nic, &bindings, wanted)).collect::<Vec<_>>()
    };
    let mut all = of_nics(|nic, _, wanted| rps(nic, wanted));
    all.extend(of_nics(|nic, bindings, _| interrupts(nic, bindings)));
    all.extend(of_nics(|nic, bindings, _| channels(nic, bindings)));
    all.extend(of_nics(|nic, _, _| rings(nic)));
    all.extend(of_nics(|nic, _, _| offloads(nic)));
    all.extend(governors(seen, &bindings));
    all.extend(sysctls(seen));
    all
}

/// Which CPU serves which queue, as the plan binds them: queue i of each direction, the i-th CPU, and
/// around again.
struct Bindings {
    /// CPUs that are online.
    cpus: Vec<CpuId>,
    /// Queues of each direction.
    queues: u16,
    /// Directions that a NIC sends in: both on a stick.
    directions: u16,
}

impl Bindings {
    fn of(seen: &Seen, wanted: &Wanted, nics: &[&NicSeen]) -> Self {
        let cpus: Vec<CpuId> = seen.cpus.get().into_iter().flat_map(CpuSet::iter).collect();
        let directions = if wanted.nics.len() == 1 { 2 } else { 1 };
        let possible = nics.iter().filter_map(|nic| channels_max(nic)).min();
        let possible = possible.map(|max| u16::try_from(max / u32::from(directions)));
        let possible = possible.and_then(Result::ok).unwrap_or(u16::MAX);
        let online = u16::try_from(cpus.len()).unwrap_or(u16::MAX);
        let queues = wanted.queues.unwrap_or(possible.min(online)).max(1);
        Self { cpus, queues, directions }
    }

    /// The CPU that serves a queue of a NIC.
    fn cpu(&self, queue: u16) -> Option<CpuId> {
        self.cpus.get(usize::from(queue % self.queues) % self.cpus.len().max(1)).copied()
    }
}

/// Channels that a NIC could have with our programs on it.
fn channels_max(nic: &NicSeen) -> Option<u32> {
    let max = match nic.channels.get() {
        Some(channels) => {
            let of = |kind| channels.get(&kind).map(|size| size.max);
            of(Channel::Combined).or_else(|| Some(of(Channel::Rx)?.min(of(Channel::Tx)?)))?
        }
        None => u32::from(*nic.tx_queues.get()?),
    };
    Some(drivers::channels_with_xdp(nic.driver.get()?, max))
}

fn channels(nic: &NicSeen, bindings: &Bindings) -> Vec<Change> {
    let (Some(channels), Some(max)) = (nic.channels.get(), channels_max(nic)) else {
        return Vec::new();
    };
    let wanted = u32::from(bindings.queues) * u32::from(bindings.directions);
    let wanted = wanted.min(max);
    let kinds: &[Channel] = match channels.get(&Channel::Combined) {
        Some(_) => &[Channel::Combined],
        None => &[Channel::Rx, Channel::Tx],
    };
    let of_kind = |kind: &Channel| {
        let now = channels.get(kind)?.now;
        (now != wanted).then(|| {
            let setting = Setting::Channels { nic: nic.name.clone(), channel: *kind };
            let command = format!("ethtool -L {} {} {wanted}", shell_word(&nic.name), kind.name());
            let why = "a queue for each CPU in use, and none that others would have to serve";
            change(setting, now, wanted, why, command)
        })
    };
    kinds.iter().filter_map(of_kind).collect()
}

fn rings(nic: &NicSeen) -> Vec<Change> {
    let Some(rings) = nic.rings.get() else { return Vec::new() };
    let larger = |(ring, least, why): (Ring, u32, &'static str)| {
        let size = rings.get(&ring)?;
        let wanted = least.min(size.max);
        (size.now < wanted).then(|| {
            let setting = Setting::Ring { nic: nic.name.clone(), ring };
            let command = format!("ethtool -G {} {} {wanted}", shell_word(&nic.name), ring.name());
            change(setting, size.now, wanted, why, command)
        })
    };
    [
        (Ring::Rx, RX_RING, "holds bursts that arrive while the CPU is elsewhere"),
        (Ring::Tx, TX_RING, "has room for what the classes let through at once"),
    ]
    .into_iter()
    .filter_map(larger)
    .collect()
}

fn offloads(nic: &NicSeen) -> Vec<Change> {
    let Some(offloads) = nic.offloads.get() else { return Vec::new() };
    let other = |(name, on, why): (&str, bool, &'static str)| {
        let offload = offloads.get(name).filter(|it| it.changeable && it.on != on)?;
        let setting = Setting::Offload { nic: nic.name.clone(), offload: name.to_owned() };
        let command = format!("ethtool -K {} {name} {}", shell_word(&nic.name), on_off(on));
        Some(change(setting, on_off(offload.on), on_off(on), why, command))
    };
    OFFLOADS.into_iter().filter_map(other).collect()
}

fn rps(nic: &NicSeen, wanted: &Wanted) -> Vec<Change> {
    let masks = nic.rps.get().filter(|_| wanted.steers).into_iter().flatten();
    masks
        .map(|mask| {
            let setting = Setting::Rps { nic: nic.name.clone(), queue: mask.queue.clone() };
            let at = format!("/sys/class/net/{}/queues/{}/{}", nic.name, mask.queue, mask.mask);
            let why = "moves packets away from their circuit's CPU, where XDP has sent them";
            let none = cpus_value(&CpuSet::default());
            change(
                setting,
                mask.set.to_string(),
                none,
                why,
                format!("echo 0 > {}", shell_word(&at)),
            )
        })
        .collect()
}

fn interrupts(nic: &NicSeen, bindings: &Bindings) -> Vec<Change> {
    let all = nic.interrupts.get().into_iter().flatten();
    all.filter_map(|interrupt| {
        let cpu = bindings.cpu(interrupt.queue?)?;
        let wanted = CpuSet::from_iter([cpu]);
        (interrupt.cpus != wanted).then(|| {
            let (nic, name) = (nic.name.clone(), interrupt.name.clone());
            let command = format!("echo {cpu} > /proc/irq/{}/smp_affinity_list", interrupt.number);
            let why = "a queue's packets arrive on the CPU that the plan binds it to";
            let now = interrupt.cpus.to_string();
            change(Setting::Interrupt { nic, name }, now, wanted.to_string(), why, command)
        })
    })
    .collect()
}

fn governors(seen: &Seen, bindings: &Bindings) -> Vec<Change> {
    let in_use: CpuSet = (0..bindings.queues).filter_map(|queue| bindings.cpu(queue)).collect();
    let slower = |cpu: CpuId| {
        let now = seen.governors.get(&cpu).filter(|now| *now != PERFORMANCE)?;
        let at = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        let command = format!("echo {PERFORMANCE} > {at}");
        let why = "a CPU that has to speed up first serves the first packets late";
        Some(change(Setting::Governor { cpu }, now, PERFORMANCE, why, command))
    };
    in_use.iter().filter_map(slower).collect()
}

fn sysctls(seen: &Seen) -> Vec<Change> {
    let less = |(name, least, why): (&str, u64, &'static str)| {
        let now = *seen.sysctls.get(name)?.get()?;
        (now < least).then(|| {
            let setting = Setting::Sysctl { name: name.to_owned() };
            change(setting, now, least, why, format!("sysctl -w {name}={least}"))
        })
    };
    SYSCTLS.into_iter().filter_map(less).collect()
}

fn change(
    setting: Setting,
    now: impl Display,
    wanted: impl Display,
    why: &'static str,
    command: String,
) -> Change {
    let stops_traffic = setting.stops_traffic();
    let (now, wanted) = (now.to_string(), wanted.to_string());
    Change { setting, now, wanted, why, command, stops_traffic }
}

/// A name as one word of a shell: names of NICs may hold nearly anything.
pub fn shell_word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}
