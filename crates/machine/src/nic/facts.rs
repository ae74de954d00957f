//! Facts of a NIC, from netlink and sysfs.

use std::path::Path;
use std::{fs, io};

use thiserror::Error;
use units::{CpuId, IfIndex};

use crate::cpus::CpuSet;
use crate::wire::{Link, Sockets, Wire};

/// Where the kernel shows its devices, those of the network namespace in which it was mounted.
pub(super) const SYSFS_NET: &str = "/sys/class/net";

const CPUS_ONLINE: &str = "/sys/devices/system/cpu/online";

/// One NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicInfo {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: IfIndex,
    /// Transmit queues in use, not those that the driver could have.
    pub tx_queues: u16,
    /// Receive queues in use.
    pub rx_queues: u16,
    /// Bytes of the largest packet without its link-layer header.
    pub mtu: u32,
    /// The largest `mtu` that the driver takes; none where it does not say.
    pub mtu_max: Option<u32>,
    /// Whether it is up as far as the administrator wants it to be.
    pub up: bool,
    /// Whether the link is up at the physical level.
    pub carrier: bool,
    /// The bridge or bond that it belongs to.
    pub master: Option<IfIndex>,
    /// The driver, or the kind of a virtual device; empty where neither is known.
    pub driver: String,
}

/// Why a NIC's facts are not known.
#[derive(Debug, Error)]
pub enum NicError {
    /// There is no such NIC.
    #[error("there is no network interface {name:?}; there are {}", .existing.join(", "))]
    Missing {
        /// The name that was asked for.
        name: String,
        /// Those that exist.
        existing: Vec<String>,
    },
    /// The kernel did not tell.
    #[error("could not read the facts of network interface {name:?}")]
    Netlink {
        /// The name that was asked for.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// Its queues could not be counted.
    #[error("could not count the queues of network interface {name:?}")]
    Queues {
        /// The name that was asked for.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// The CPUs could not be read.
    #[error("could not read which CPUs are online")]
    Cpus(#[source] io::Error),
}

/// The facts of the NIC called `name`.
///
/// # Errors
/// When there is none, which names those that there are; when the kernel does not tell.
pub fn nic(name: &str) -> Result<NicInfo, NicError> {
    let mut sockets = Sockets::new();
    let link = match sockets.link(name) {
        Ok(link) => link,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let existing = sockets.names().unwrap_or_default();
            return Err(NicError::Missing { name: name.to_owned(), existing });
        }
        Err(source) => return Err(NicError::Netlink { name: name.to_owned(), source }),
    };
    let Link { ifindex, mtu, mtu_max, up, carrier, master, kind, .. } = link;
    let queues = |kind| {
        count_queues(Path::new(SYSFS_NET), name, ifindex, kind)
            .map_err(|source| NicError::Queues { name: name.to_owned(), source })
    };
    let (tx_queues, rx_queues) = (queues("tx-")?, queues("rx-")?);
    let driver = match fs::read_link(Path::new(SYSFS_NET).join(name).join("device/driver")) {
        Ok(driver) => driver.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Err(_) => kind,
    };
    let name = name.to_owned();
    Ok(NicInfo { name, ifindex, tx_queues, rx_queues, mtu, mtu_max, up, carrier, master, driver })
}

/// The name of the bridge or bond that the NIC called `name` belongs to, as sysfs shows it.
pub fn master_name(name: &str) -> Option<String> {
    let master = fs::read_link(Path::new(SYSFS_NET).join(name).join("master")).ok()?;
    Some(master.file_name()?.to_string_lossy().into_owned())
}

/// CPUs that are online, ascending.
///
/// # Errors
/// When sysfs does not tell.
pub fn online_cpus() -> Result<Vec<CpuId>, NicError> {
    let list = fs::read_to_string(CPUS_ONLINE).map_err(NicError::Cpus)?;
    let cpus: CpuSet = list
        .parse()
        .map_err(|error| NicError::Cpus(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(cpus.iter().collect())
}

/// Queues in use: netlink tells how many were allocated, sysfs shows the ones in use.
fn count_queues(sysfs: &Path, name: &str, ifindex: IfIndex, kind: &str) -> io::Result<u16> {
    let device = sysfs.join(name);
    let shown = fs::read_to_string(device.join("ifindex"))?;
    if shown.trim() != ifindex.to_string() {
        let why = "sysfs shows another network namespace's devices; mount it anew in this one";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut count = 0;
    for entry in fs::read_dir(device.join("queues"))? {
        count += u16::from(entry?.file_name().to_string_lossy().starts_with(kind));
    }
    Ok(count)
}
