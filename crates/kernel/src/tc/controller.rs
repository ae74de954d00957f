//! Carrying out requests and reading what is there.

use std::{fs, io};

use rustix::io::Errno;
use thiserror::Error;
use units::{IfIndex, TcHandle};

use super::dump::{self, ClassState, QdiscState};
use super::encode::{CLOCK_TICK_NS, encode, tc_message};
use super::request::Request;
use crate::netlink::{Messages, NetlinkError, Refusal, Socket};

/// The traffic-control half of the kernel.
pub trait TrafficControl {
    /// Carries out `batch` in order.
    ///
    /// # Errors
    /// The first request that failed. Requests after it may have been carried out as well.
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed>;

    /// The qdiscs of `nics`, but for the invisible ones that HTB makes for its own leaves.
    ///
    /// # Errors
    /// When the kernel does not tell.
    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed>;

    /// The HTB classes of `nic`.
    ///
    /// # Errors
    /// When the kernel does not tell.
    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed>;

    /// One HTB class of `nic`; none where there is no such class.
    ///
    /// # Errors
    /// When the kernel does not tell.
    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed>;
}

/// Why traffic control failed.
#[derive(Debug, Error)]
pub enum Failed {
    /// The kernel refused a request.
    #[error("could not {request}{}", .message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())]
    Refused {
        /// The NIC.
        nic: IfIndex,
        /// Position of the request in the batch.
        index: usize,
        /// The request.
        request: Box<Request>,
        /// The kernel's own sentence, where it gives one.
        message: Option<String>,
        /// The error number.
        #[source]
        errno: Errno,
    },
    /// It is not known how far the kernel came with a batch.
    #[error("could not learn whether the queues of NIC {nic} were changed")]
    Unknown {
        /// The NIC.
        nic: IfIndex,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The kernel did not tell what it has.
    #[error("could not read the {what}")]
    Unread {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        source: NetlinkError,
    },
}

/// Traffic control of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Controller {
    pub(super) socket: Socket,
}

impl Controller {
    /// Opens it in the calling thread's network namespace.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { socket: Socket::open()? })
    }

    /// Removes the filters of a priority below `parent`.
    ///
    /// # Errors
    /// When there are none, or the kernel refuses.
    pub fn remove_filters(
        &mut self,
        nic: IfIndex,
        parent: TcHandle,
        priority: u16,
    ) -> Result<(), NetlinkError> {
        let mut body = tc_message(nic, TcHandle::default(), parent);
        body[16..].copy_from_slice(&(u32::from(priority) << 16).to_ne_bytes());
        let mut request = Messages::new();
        request.start(libc::RTM_DELTFILTER, libc::NLM_F_REQUEST as u16, &body);
        self.socket.execute(&mut request)
    }

    /// The filters below `parent`, by priority and number: several kinds number theirs alike.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn filters(&mut self, nic: IfIndex, parent: TcHandle) -> Result<Vec<(u16, u32)>, Failed> {
        let mut request = Messages::new();
        let body = tc_message(nic, TcHandle::default(), parent);
        request.start(libc::RTM_GETTFILTER, libc::NLM_F_REQUEST as u16, &body);
        let collect = |all: &mut Vec<_>, kind, body: &[u8]| {
            all.extend(dump::filter(body).filter(|_| kind == libc::RTM_NEWTFILTER));
        };
        self.socket
            .dump(&mut request, Vec::new, collect)
            .map_err(|source| Failed::Unread { what: "filters", source })
    }
}

impl TrafficControl for Controller {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        let mut messages = Messages::new();
        for request in batch {
            encode(&mut messages, nic, request);
        }
        self.socket.execute(&mut messages).map_err(|error| match error {
            NetlinkError::Refused(Refusal { index, message, errno }) => Failed::Refused {
                nic,
                index,
                request: Box::new(batch[index].clone()),
                message,
                errno,
            },
            source => Failed::Unknown { nic, source },
        })
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        // The kernel dumps every device's whatever the request names.
        let mut request = dump_request(libc::RTM_GETQDISC, IfIndex::default());
        let collect = |all: &mut Vec<_>, kind, body: &[u8]| {
            let state = dump::qdisc(body).filter(|state| nics.contains(&state.nic));
            all.extend(state.filter(|_| kind == libc::RTM_NEWQDISC));
        };
        self.socket
            .dump(&mut request, Vec::new, collect)
            .map_err(|source| Failed::Unread { what: "qdiscs", source })
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        let mut request = dump_request(libc::RTM_GETTCLASS, nic);
        let collect = |all: &mut Vec<_>, kind, body: &[u8]| {
            all.extend(dump::class(body).filter(|_| kind == libc::RTM_NEWTCLASS));
        };
        self.socket
            .dump(&mut request, Vec::new, collect)
            .map_err(|source| Failed::Unread { what: "classes", source })
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        // kernels before 6.10 tell only listeners unless asked for an echo
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ECHO) as u16;
        let mut request = Messages::new();
        let body = tc_message(nic, handle, TcHandle::default());
        request.start(libc::RTM_GETTCLASS, flags, &body);
        match self.socket.get(&mut request) {
            Ok(answer) => Ok(dump::class(&answer)),
            Err(NetlinkError::Refused(Refusal { errno: Errno::NOENT, .. })) => Ok(None),
            Err(source) => Err(Failed::Unread { what: "class", source }),
        }
    }
}

pub(super) fn dump_request(kind: u16, nic: IfIndex) -> Messages {
    let mut request = Messages::new();
    let body = tc_message(nic, TcHandle::default(), TcHandle::default());
    request.start(kind, libc::NLM_F_REQUEST as u16, &body);
    request
}

/// Makes sure that the packet scheduler's clock ticks as the encoder assumes.
///
/// # Errors
/// When `/proc/self/net/psched` cannot be read, or says otherwise.
pub fn check_clock() -> io::Result<()> {
    let line = fs::read_to_string("/proc/self/net/psched")?;
    let tick = line.split_whitespace().nth(1).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    if tick == Some(CLOCK_TICK_NS) {
        return Ok(());
    }
    let why = format!("the packet scheduler's clock is {:?}, not {CLOCK_TICK_NS} ns", line.trim());
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}
