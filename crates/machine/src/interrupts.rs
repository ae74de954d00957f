//! Interrupts of a NIC's queues.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cpus::CpuSet;
use crate::tree::{Tree, not_as_expected};

/// One interrupt of a NIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interrupt {
    /// Its number, which may be another one after the driver has begun anew.
    pub number: u32,
    /// What the driver calls it.
    pub name: String,
    /// The queue that it serves; none where it serves something else, as far as its name tells.
    pub queue: Option<u16>,
    /// CPUs that may serve it.
    pub cpus: CpuSet,
}

/// The interrupts of the NIC called `nic`: those that its bus device has, or the one above it as with virtio.
pub(crate) fn of_nic(tree: &Tree, nic: &str) -> io::Result<Vec<Interrupt>> {
    let device = format!("sys/class/net/{nic}/device");
    let numbers = tree
        .list(&format!("{device}/msi_irqs"))
        .or_else(|_| tree.list(&format!("{device}/../msi_irqs")))?;
    let table = tree.read("proc/interrupts")?;
    let mut interrupts = Vec::new();
    for number in numbers.iter().filter_map(|number| number.parse().ok()) {
        let Some(name) = name_of(&table, number) else { continue };
        let queue = queue_of(&name);
        let cpus = affinity(tree, number)?;
        interrupts.push(Interrupt { number, name, queue, cpus });
    }
    interrupts.sort_by_key(|interrupt| interrupt.number);
    Ok(interrupts)
}

/// The number that the interrupt called `name` has now.
pub(crate) fn number_of(tree: &Tree, name: &str) -> io::Result<u32> {
    let table = tree.read("proc/interrupts")?;
    let found = table.lines().find(|line| line.split_whitespace().next_back() == Some(name));
    let number = found.and_then(|line| line.trim_start().split(':').next()?.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no interrupt {name:?}")))
}

/// CPUs that may serve an interrupt.
pub(crate) fn affinity(tree: &Tree, number: u32) -> io::Result<CpuSet> {
    let list = tree.read(&format!("proc/irq/{number}/smp_affinity_list"))?;
    list.parse().map_err(|_| not_as_expected(&list))
}

/// What the driver calls an interrupt: the last word of its line. Most that have none are not in use.
fn name_of(table: &str, number: u32) -> Option<String> {
    let label = format!("{number}:");
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(&label))?;
    line.split_whitespace().next_back().map(str::to_owned)
}

/// The queue that an interrupt serves. Drivers say it in many ways: `eth0-TxRx-3`, `eth0-rx-3`,
/// `i40e-eth0-TxRx-3`, `mlx5_comp3@pci:0000:01:00.0`, `virtio0-input.3`.
fn queue_of(name: &str) -> Option<u16> {
    const KINDS: [&str; 7] = ["txrx", "tx-rx", "rxtx", "rx", "tx", "input", "output"];
    let lower = name.to_ascii_lowercase();
    if let Some((_, rest)) = lower.split_once("mlx5_comp") {
        return rest.split('@').next()?.parse().ok();
    }
    let (front, queue) = lower.rsplit_once(['-', '.'])?;
    let queue = queue.parse().ok()?;
    let kind = |kind: &&str| {
        front.strip_suffix(*kind).is_some_and(|rest| rest.is_empty() || rest.ends_with(['-', '_']))
    };
    KINDS.iter().any(kind).then_some(queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_in_the_names_of_interrupts() {
        for (name, queue) in [
            ("ens1f0-TxRx-15", Some(15)),
            ("i40e-ens1f0-TxRx-3", Some(3)),
            ("ens5-Tx-Rx-2", Some(2)),
            ("eno1-rx-0", Some(0)),
            ("mlx5_comp7@pci:0000:3b:00.0", Some(7)),
            ("virtio0-output.1", Some(1)),
            ("eth0-rxtx-4", Some(4)),
            ("ens1f0", None),
            ("i40e-0000:01:00.0:misc", None),
            ("virtio0-config", None),
            ("mlx5_async0@pci:0000:3b:00.0", None),
            ("eth-3", None),
        ] {
            assert_eq!(queue_of(name), queue, "{name}");
        }
    }
}
