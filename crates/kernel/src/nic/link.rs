//! Facts of a NIC, from netlink and sysfs.

use std::path::Path;
use std::{fs, io};

use rustix::io::Errno;
use thiserror::Error;
use units::{CpuId, IfIndex};

use crate::netlink::{Messages, NetlinkError, Refusal, Socket, attributes, text, u32_at};

/// Bytes of `struct ifinfomsg`.
const LINK_MESSAGE: usize = 16;

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
        source: NetlinkError,
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
    let failed = |source| NicError::Netlink { name: name.to_owned(), source };
    let mut socket = Socket::open().map_err(failed)?;
    let missing = |socket: &mut Socket| NicError::Missing {
        name: name.to_owned(),
        existing: names(socket).unwrap_or_default(),
    };
    // IFNAMSIZ counts the terminating zero.
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(missing(&mut socket));
    }
    let mut request = Messages::new();
    request
        .start(libc::RTM_GETLINK, libc::NLM_F_REQUEST as u16, &[0; LINK_MESSAGE])
        .attribute(libc::IFLA_IFNAME, format!("{name}\0").as_bytes());
    let answer = match socket.get(&mut request) {
        Ok(answer) => answer,
        Err(NetlinkError::Refused(Refusal { errno: Errno::NODEV, .. })) => {
            return Err(missing(&mut socket));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut info = link(&answer);
    let queues = |kind| {
        count_queues(Path::new(SYSFS_NET), &info, kind)
            .map_err(|source| NicError::Queues { name: name.to_owned(), source })
    };
    (info.tx_queues, info.rx_queues) = (queues("tx-")?, queues("rx-")?);
    if let Ok(driver) = fs::read_link(Path::new(SYSFS_NET).join(name).join("device/driver")) {
        info.driver = driver.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    Ok(info)
}

/// CPUs that are online, ascending.
///
/// # Errors
/// When sysfs does not tell.
pub fn online_cpus() -> Result<Vec<CpuId>, NicError> {
    let list = fs::read_to_string(CPUS_ONLINE).map_err(NicError::Cpus)?;
    cpu_list(list.trim()).ok_or_else(|| {
        NicError::Cpus(io::Error::new(io::ErrorKind::InvalidData, format!("{list:?}")))
    })
}

fn names(socket: &mut Socket) -> Result<Vec<String>, NetlinkError> {
    let mut request = Messages::new();
    request.start(libc::RTM_GETLINK, libc::NLM_F_REQUEST as u16, &[0; LINK_MESSAGE]);
    socket.dump(&mut request, Vec::new, |names, _, body| names.push(link(body).name))
}

/// Decodes an `RTM_NEWLINK`, without what only sysfs knows.
fn link(body: &[u8]) -> NicInfo {
    let mut info = NicInfo {
        name: String::new(),
        ifindex: IfIndex::new(u32_at(body, 4)),
        tx_queues: 0,
        rx_queues: 0,
        mtu: 0,
        mtu_max: None,
        up: u32_at(body, 8) & libc::IFF_UP as u32 != 0,
        carrier: false,
        master: None,
        driver: String::new(),
    };
    for (kind, payload) in attributes(body.get(LINK_MESSAGE..).unwrap_or_default()) {
        match kind {
            libc::IFLA_IFNAME => info.name = text(payload),
            libc::IFLA_MTU => info.mtu = u32_at(payload, 0),
            libc::IFLA_MAX_MTU => info.mtu_max = Some(u32_at(payload, 0)).filter(|max| *max != 0),
            libc::IFLA_CARRIER => info.carrier = payload.first() == Some(&1),
            libc::IFLA_MASTER => info.master = Some(IfIndex::new(u32_at(payload, 0))),
            libc::IFLA_LINKINFO => {
                let kind = attributes(payload).find(|(kind, _)| *kind == libc::IFLA_INFO_KIND);
                info.driver = kind.map(|(_, name)| text(name)).unwrap_or_default();
            }
            _ => {}
        }
    }
    info
}

/// Queues in use: netlink tells how many were allocated, sysfs shows the ones in use.
fn count_queues(sysfs: &Path, info: &NicInfo, kind: &str) -> io::Result<u16> {
    let device = sysfs.join(&info.name);
    let shown = fs::read_to_string(device.join("ifindex"))?;
    if shown.trim() != info.ifindex.to_string() {
        let why = "sysfs shows another network namespace's devices; mount it anew in this one";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut count = 0;
    for entry in fs::read_dir(device.join("queues"))? {
        count += u16::from(entry?.file_name().to_string_lossy().starts_with(kind));
    }
    Ok(count)
}

/// Reads a list like `0-3,6`.
fn cpu_list(list: &str) -> Option<Vec<CpuId>> {
    let mut cpus = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        cpus.extend((first..=last).map(CpuId::new));
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_cpus() {
        let numbers = |list| cpu_list(list).map(|cpus| cpus.iter().map(|c| c.get()).collect());
        assert_eq!(numbers("0"), Some(vec![0]));
        assert_eq!(numbers("0-2,5,7-8"), Some(vec![0, 1, 2, 5, 7, 8]));
        assert_eq!(numbers(""), None::<Vec<u16>>);
        assert_eq!(numbers("0-x"), None);
    }
}
