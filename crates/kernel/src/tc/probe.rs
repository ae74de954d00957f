//! Which qdiscs the kernel can make.
//!
//! Each is tried on the loopback device of a namespace that exists for the length of the probe, so
//! no NIC that carries traffic is touched and the answer covers what a list of modules does not
//! tell: built-in ones, modules that load on demand, modules that exist but do not load.
//! `ENOENT` means that the kernel knows no such qdisc; any other refusal (`mq` does not go on
//! a device with one queue) means that it does.

use std::collections::BTreeSet;
use std::io;

use rustix::io::Errno;
use thiserror::Error;
use units::{Bytes, IfIndex, TcHandle};

use super::controller::{Controller, Failed, TrafficControl};
use super::request::{Codel, Diffserv, Hosts, Qdisc, Request};
use crate::namespace::in_private_network;
use crate::netlink::NetlinkError;

/// What is tried.
const CANDIDATES: [Qdisc; 7] = [
    Qdisc::Mq,
    Qdisc::Htb { default_minor: 0 },
    Qdisc::Cake {
        diffserv: Diffserv::Diffserv4,
        hosts: Hosts::Destinations,
        codel: Codel::DEFAULT,
    },
    Qdisc::FqCodel(Codel::DEFAULT),
    Qdisc::Bfifo { limit: Bytes::new(1 << 16) },
    Qdisc::Pfifo,
    Qdisc::Clsact,
];

/// A new namespace's only device.
const LOOPBACK: IfIndex = IfIndex::new(1);

/// Why it is not known which qdiscs there are.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// No namespace to try them in.
    #[error("could not make a network namespace to try qdiscs in")]
    Namespace(#[source] io::Error),
    /// No socket in it.
    #[error("could not open a socket to try qdiscs")]
    Socket(#[source] NetlinkError),
    /// A try ended without an answer.
    #[error("could not try whether the kernel has {kind}")]
    Try {
        /// Name of the qdisc.
        kind: &'static str,
        /// What went wrong.
        source: Failed,
    },
}

/// Names of the qdiscs that the kernel can make, of those that Tidegate may want.
///
/// # Errors
/// When they cannot be tried; it takes `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`.
pub fn probe_qdiscs() -> Result<BTreeSet<String>, ProbeError> {
    in_private_network(try_all).map_err(ProbeError::Namespace)?
}

fn try_all() -> Result<BTreeSet<String>, ProbeError> {
    let mut controller = Controller::open().map_err(ProbeError::Socket)?;
    let mut known = BTreeSet::new();
    for qdisc in CANDIDATES {
        if is_known(&mut controller, qdisc)
            .map_err(|source| ProbeError::Try { kind: qdisc.kind(), source })?
        {
            known.insert(qdisc.kind().to_owned());
        }
    }
    Ok(known)
}

fn is_known(controller: &mut Controller, qdisc: Qdisc) -> Result<bool, Failed> {
    let (parent, handle) = match qdisc {
        Qdisc::Clsact => (TcHandle::ROOT, TcHandle::new(0xffff, 0)),
        _ => (TcHandle::ROOT, TcHandle::new(1, 0)),
    };
    match controller.tc(LOOPBACK, &[Request::AddQdisc { parent, handle, qdisc }]) {
        Ok(()) if qdisc == Qdisc::Clsact => Ok(true),
        Ok(()) => controller.tc(LOOPBACK, &[Request::DeleteQdisc { parent }]).map(|()| true),
        Err(Failed::Refused { errno: Errno::NOENT, .. }) => Ok(false),
        Err(Failed::Refused { errno: Errno::PERM, index, nic, request, message }) => {
            Err(Failed::Refused { errno: Errno::PERM, index, nic, request, message })
        }
        Err(Failed::Refused { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
