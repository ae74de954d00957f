//! The kernel and the machine as a whole.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::CpuId;

use crate::cpus::CpuSet;
use crate::known::Known;
use crate::tree::{Tree, not_as_expected};

/// Settings of the kernel that are read, as `sysctl` calls them. Those of bridges exist where
/// `br_netfilter` does.
pub const SYSCTLS: [&str; 6] = [
    "net.core.netdev_budget",
    "net.core.netdev_budget_usecs",
    "net.core.netdev_max_backlog",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.bridge.bridge-nf-call-arptables",
];

/// Queueing disciplines that are looked for, with a function that each has.
const QDISCS: [(&str, &str); 3] =
    [("cake", "cake_enqueue"), ("fq_codel", "fq_codel_enqueue"), ("htb", "htb_enqueue")];

/// A kernel's release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub struct Release(String);

impl Release {
    /// How it compares with `major.minor`; none where it does not begin with two numbers.
    pub fn compare(&self, major: u32, minor: u32) -> Option<Ordering> {
        let mut numbers = self.0.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        let (Some(Ok(own_major)), Some(Ok(own_minor))) = (numbers.next(), numbers.next()) else {
            return None;
        };
        Some((own_major, own_minor).cmp(&(major, minor)))
    }

    /// Whether it is `major.minor` or newer.
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        self.compare(major, minor).is_some_and(Ordering::is_ge)
    }
}

impl Display for Release {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Release {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.0
    }
}

/// A limit of a process; none is unlimited.
pub type Limit = Option<u64>;

pub(crate) fn release(tree: &Tree) -> Known<Release> {
    Known::read("the kernel's release", tree.read("proc/sys/kernel/osrelease").map(Release))
}

/// Each queueing discipline: whether the kernel has it, or has a module of it.
pub(crate) fn qdiscs(tree: &Tree, release: &Known<Release>) -> BTreeMap<String, Known<bool>> {
    let loaded = tree.read("proc/modules");
    let symbols = tree.read("proc/kallsyms");
    let modules = ["modules.builtin", "modules.dep"].map(|list| match release {
        Known::Is(release) => tree.read(&format!("lib/modules/{release}/{list}")),
        Known::Unknown(why) => Err(io::Error::other(why.clone())),
    });
    let has = |kind: &str, function: &str| {
        let module = format!("sch_{kind}");
        let is_loaded = |text: &str| text.lines().any(|line| first_word(line) == module);
        let is_symbol =
            |text: &str| text.lines().any(|it| it.split_whitespace().nth(2) == Some(function));
        let file = format!("/{module}.ko");
        let is_file = |text: &str| text.lines().any(|line| first_word(line).contains(&file));
        let says_so = |text: &io::Result<String>, says: &dyn Fn(&str) -> bool| {
            text.as_ref().is_ok_and(|text| says(text))
        };
        if says_so(&loaded, &is_loaded)
            || says_so(&symbols, &is_symbol)
            || modules.iter().any(|text| says_so(text, &is_file))
        {
            return Known::Is(true);
        }
        // a kernel without modules has all in its symbols; else it takes the list of those that could be loaded
        let [builtin, loadable] = &modules;
        let is_told = loadable.is_ok() && (builtin.is_ok() || symbols.is_ok())
            || symbols.is_ok() && loaded.is_err();
        match loadable.as_ref().err().or(symbols.as_ref().err()) {
            Some(error) if !is_told => {
                Known::Unknown(format!("which modules the kernel has: {error}"))
            }
            _ => Known::Is(false),
        }
    };
    QDISCS.into_iter().map(|(kind, function)| (kind.to_owned(), has(kind, function))).collect()
}

fn first_word(line: &str) -> &str {
    line.split([' ', ':']).next().unwrap_or_default()
}

pub(crate) fn cpus(tree: &Tree) -> Known<CpuSet> {
    let read = || {
        let list = tree.read("sys/devices/system/cpu/online")?;
        list.parse().map_err(|_| not_as_expected(&list))
    };
    Known::read("which CPUs are online", read())
}

/// Where the governor of a CPU is.
pub(crate) fn governor_path(cpu: CpuId) -> String {
    format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor")
}

/// The governor of each CPU that has one.
pub(crate) fn governors(tree: &Tree, cpus: &Known<CpuSet>) -> BTreeMap<CpuId, String> {
    let cpus = cpus.get().into_iter().flat_map(CpuSet::iter);
    cpus.filter_map(|cpu| Some((cpu, tree.read(&governor_path(cpu)).ok()?))).collect()
}

/// Where a setting of the kernel is.
pub(crate) fn sysctl_path(name: &str) -> String {
    format!("proc/sys/{}", name.replace('.', "/"))
}

pub(crate) fn sysctls(tree: &Tree) -> BTreeMap<String, Known<u64>> {
    let read = |name: &str| Known::read(name, tree.number(&sysctl_path(name)));
    SYSCTLS.into_iter().map(|name| (name.to_owned(), read(name))).collect()
}

/// Packets that CPUs dropped as their backlog was full, and polls that ended with packets left, since the
/// machine started: columns 2 and 3 of `/proc/net/softnet_stat`.
pub(crate) fn softnet(tree: &Tree) -> Known<(u64, u64)> {
    let read = || {
        let text = tree.read("proc/net/softnet_stat")?;
        text.lines().try_fold((0, 0), |(dropped, squeezed), line| {
            let mut columns = line.split_whitespace().skip(1).map(|it| u64::from_str_radix(it, 16));
            match (columns.next(), columns.next()) {
                (Some(Ok(more)), Some(Ok(again))) => Ok((dropped + more, squeezed + again)),
                _ => Err(not_as_expected(line)),
            }
        })
    };
    Known::read("what CPUs dropped", read())
}

/// The mount points of BPF filesystems.
pub(crate) fn bpffs(tree: &Tree) -> Known<Vec<String>> {
    let mounts = tree.read("proc/mounts").map(|mounts| {
        let words = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let bpf = words.filter(|words| words.get(2) == Some(&"bpf"));
        bpf.filter_map(|words| words.get(1).map(|at| (*at).to_owned())).collect()
    });
    Known::read("what is mounted", mounts)
}

/// A soft limit of a process (`self` or a number), by its name in `/proc/PID/limits`.
pub(crate) fn limit(tree: &Tree, process: &str, name: &str) -> Known<Limit> {
    let read = || {
        let text = tree.read(&format!("proc/{process}/limits"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let soft = line.and_then(|line| line.split_whitespace().next());
        match soft {
            Some("unlimited") => Ok(None),
            Some(number) => number.parse().map(Some).map_err(|_| not_as_expected(number)),
            None => Err(not_as_expected(&text)),
        }
    };
    Known::read(format_args!("the limits of process {process}"), read())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_first_two_numbers() {
        let release = Release("6.1.0-28-amd64".into());
        assert!(release.is_at_least(6, 1) && release.is_at_least(5, 18));
        assert!(!release.is_at_least(6, 6));
        assert_eq!(Release("six".into()).compare(6, 6), None);
    }
}
