//! Which queues and CPUs carry the traffic.

use config::{Config, Mode};
use units::{CpuId, Direction, PerDirection, QueueId};

use crate::facts::{Facts, NicFacts};
use crate::htb::MOST_QUEUES;
use crate::problem::Problem;

/// One pair of queues with the CPU that serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) queue: PerDirection<QueueId>,
    pub(crate) cpu: CpuId,
}

/// The shards, and the NICs that they are on.
///
/// Shard i is download queue i of the customers' NIC and upload queue i of the Internet's, both
/// served by the same CPU. On a stick the one NIC's first queues take downloads, as many after
/// them uploads.
///
/// By default there are as many as queues and CPUs allow. More shards than CPUs are taken when
/// asked for: an HTB works under one lock, so they bring no more throughput, but a class is
/// created in time that grows with the classes of its HTB.
pub(crate) struct Shards<'a> {
    pub(crate) nics: Vec<&'a NicFacts>,
    pub(crate) list: Vec<Shard>,
}

impl<'a> Shards<'a> {
    /// Divides the machine.
    ///
    /// # Errors
    /// With every reason why it cannot be divided as configured.
    pub(crate) fn divide(config: &Config, facts: &'a Facts) -> Result<Self, Vec<Problem>> {
        let stick = matches!(config.interfaces.mode, Mode::Stick { .. });
        let nics = nics(config.interfaces.mode, facts);
        let mut problems = Vec::new();
        if !stick && facts.customers.ifindex == facts.internet.ifindex {
            problems.push(Problem::SameNic { nic: facts.customers.name.clone() });
        }
        if facts.cpus.is_empty() {
            problems.push(Problem::NoCpus);
        }
        if config.queues.count == Some(0) {
            problems.push(Problem::NoQueues);
        }
        let directions_each = if stick { 2 } else { 1 };
        let usable = |nic: &NicFacts| nic.tx_queues.min(MOST_QUEUES) / directions_each;
        let least = config.queues.count.unwrap_or(1).max(1);
        for nic in nics.iter().filter(|nic| usable(nic) < least) {
            problems.push(Problem::TooFewQueues {
                nic: nic.name.clone(),
                has: nic.tx_queues,
                needs: u32::from(least) * u32::from(directions_each),
                stick,
            });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let available = nics.iter().map(|nic| usable(nic)).min().unwrap_or(0);
        let cpus = u16::try_from(facts.cpus.len()).unwrap_or(u16::MAX);
        let count = config.queues.count.unwrap_or(available.min(cpus));
        let first_upload = if stick { count } else { 0 };
        let list = (0..count)
            .map(|i| Shard {
                queue: PerDirection { down: QueueId::new(i), up: QueueId::new(first_upload + i) },
                cpu: facts.cpus[usize::from(i) % facts.cpus.len()],
            })
            .collect();
        Ok(Self { nics, list })
    }

    /// Position in [`Self::nics`] of the NIC that sends in `direction`.
    pub(crate) fn nic_index(&self, direction: Direction) -> usize {
        match direction {
            Direction::Download => 0,
            Direction::Upload => self.nics.len() - 1,
        }
    }

    /// The NIC that sends in `direction`.
    pub(crate) fn nic(&self, direction: Direction) -> &'a NicFacts {
        self.nics[self.nic_index(direction)]
    }
}

/// The NICs in use: the customers' and the Internet's, just the one on a stick.
pub(crate) fn nics(mode: Mode, facts: &Facts) -> Vec<&NicFacts> {
    match mode {
        Mode::Stick { .. } => vec![&facts.customers],
        Mode::Bridge | Mode::XdpBridge | Mode::Observe => vec![&facts.customers, &facts.internet],
    }
}
