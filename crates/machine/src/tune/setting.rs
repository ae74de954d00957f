//! One thing that can be set.

use std::fmt::{self, Display, Formatter};
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::CpuId;

use crate::Machine;
use crate::cpus::CpuSet;
use crate::interrupts;
use crate::system::{governor_path, sysctl_path};
use crate::tree::not_as_expected;
use crate::wire::{Channel, Ring, Size};

/// A mask of no CPU.
const NONE: &str = "none";

/// One thing that can be set. Values are texts: `on` and `off`, numbers, lists of CPUs, names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Setting {
    /// An offload of a NIC.
    Offload {
        /// The NIC.
        nic: String,
        /// The kernel's name for it.
        offload: String,
    },
    /// The size of a NIC's rings, in packets.
    Ring {
        /// The NIC.
        nic: String,
        /// Which.
        ring: Ring,
    },
    /// The number of a NIC's channels.
    Channels {
        /// The NIC.
        nic: String,
        /// Which.
        channel: Channel,
    },
    /// The CPUs that may serve an interrupt, by its name: its number changes with the channels.
    Interrupt {
        /// The NIC.
        nic: String,
        /// What the driver calls it.
        name: String,
    },
    /// The CPUs over which the kernel spreads what a queue received.
    Rps {
        /// The NIC.
        nic: String,
        /// The queue, as sysfs calls it.
        queue: String,
    },
    /// How a CPU chooses its frequency.
    Governor {
        /// The CPU.
        cpu: CpuId,
    },
    /// A setting of the kernel.
    Sysctl {
        /// As `sysctl` calls it.
        name: String,
    },
}

impl Setting {
    /// The NIC that it belongs to.
    pub fn nic(&self) -> Option<&str> {
        match self {
            Self::Offload { nic, .. }
            | Self::Ring { nic, .. }
            | Self::Channels { nic, .. }
            | Self::Interrupt { nic, .. }
            | Self::Rps { nic, .. } => Some(nic),
            Self::Governor { .. } | Self::Sysctl { .. } => None,
        }
    }

    /// Whether most drivers take the link down for a moment to change it.
    pub const fn stops_traffic(&self) -> bool {
        matches!(self, Self::Ring { .. } | Self::Channels { .. })
    }

    /// Whether queues and their interrupts may be others once it has changed.
    pub(super) const fn changes_queues(&self) -> bool {
        matches!(self, Self::Channels { .. })
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offload { nic, offload } => write!(f, "{nic}: offload {offload}"),
            Self::Ring { nic, ring } => write!(f, "{nic}: {} ring", ring.name()),
            Self::Channels { nic, channel } => write!(f, "{nic}: {} channels", channel.name()),
            Self::Interrupt { nic, name } => write!(f, "{nic}: CPUs of {name}"),
            Self::Rps { nic, queue } => write!(f, "{nic}: RPS of {queue}"),
            Self::Governor { cpu } => write!(f, "CPU {cpu}: governor"),
            Self::Sysctl { name } => f.write_str(name),
        }
    }
}

/// CPUs as a value.
pub(super) fn cpus_value(cpus: &CpuSet) -> String {
    if cpus.is_empty() { NONE.to_owned() } else { cpus.to_string() }
}

fn cpus_of(value: &str) -> io::Result<CpuSet> {
    let list = if value == NONE { "" } else { value };
    CpuSet::try_from(list.to_owned()).map_err(|_| not_as_expected(value))
}

pub(super) const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn rps_path(nic: &str, queue: &str) -> String {
    format!("sys/class/net/{nic}/queues/{queue}/rps_cpus")
}

impl Machine {
    /// What a setting is now.
    ///
    /// # Errors
    /// `NotFound` when there is no such thing any more; what the kernel says.
    pub fn value(&mut self, setting: &Setting) -> io::Result<String> {
        match setting {
            Setting::Offload { nic, offload } => {
                let offloads = self.wire.offloads(nic)?;
                Ok(on_off(offloads.get(offload).ok_or(io::ErrorKind::NotFound)?.on).to_owned())
            }
            Setting::Ring { nic, ring } => now(self.wire.rings(nic)?.get(ring)),
            Setting::Channels { nic, channel } => now(self.wire.channels(nic)?.get(channel)),
            Setting::Interrupt { name, .. } => {
                let number = interrupts::number_of(&self.tree, name)?;
                Ok(cpus_value(&interrupts::affinity(&self.tree, number)?))
            }
            Setting::Rps { nic, queue } => {
                let mask = self.tree.read(&rps_path(nic, queue))?;
                Ok(cpus_value(&CpuSet::from_mask(&mask).ok_or_else(|| not_as_expected(&mask))?))
            }
            Setting::Governor { cpu } => self.tree.read(&governor_path(*cpu)),
            Setting::Sysctl { name } => self.tree.read(&sysctl_path(name)),
        }
    }

    /// Sets it. What came of it is to be read back: drivers round, and some only pretend.
    ///
    /// # Errors
    /// What the kernel or the driver says.
    pub fn set(&mut self, setting: &Setting, value: &str) -> io::Result<()> {
        let number = || value.parse::<u32>().map_err(|_| not_as_expected(value));
        match setting {
            Setting::Offload { nic, offload } => {
                self.wire.set_offload(nic, offload, value == on_off(true))
            }
            Setting::Ring { nic, ring } => self.wire.set_ring(nic, *ring, number()?),
            Setting::Channels { nic, channel } => self.wire.set_channels(nic, *channel, number()?),
            Setting::Interrupt { name, .. } => {
                let number = interrupts::number_of(&self.tree, name)?;
                let list = cpus_of(value)?.to_string();
                self.tree.write(&format!("proc/irq/{number}/smp_affinity_list"), &list)
            }
            Setting::Rps { nic, queue } => {
                self.tree.write(&rps_path(nic, queue), &cpus_of(value)?.to_mask())
            }
            Setting::Governor { cpu } => self.tree.write(&governor_path(*cpu), value),
            Setting::Sysctl { name } => self.tree.write(&sysctl_path(name), value),
        }
    }

    /// Whether there is a NIC of this name.
    pub(super) fn has_nic(&mut self, name: &str) -> bool {
        !self.wire.link(name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

fn now(size: Option<&Size>) -> io::Result<String> {
    Ok(size.ok_or(io::ErrorKind::NotFound)?.now.to_string())
}
