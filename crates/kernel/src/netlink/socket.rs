//! One socket, used by one thread.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use thiserror::Error;

use super::messages::{FLAGS, HEADER, KIND, SEQUENCE};
use super::{Messages, attributes, text, u32_at};

/// Bytes in one send; well below the 208 KiB that a socket may send by default.
const SEND_BYTES_MAX: usize = 64 * 1024;

/// Messages in one send. The kernel carries out all of a send before anything else may run on that CPU,
/// and one message may take milliseconds where an HTB has thousands of classes: with a thousand to a
/// send, adding a hundred circuits among ten thousand stopped streams through the box for 175 ms, with
/// eight for 20, with two for hardly longer than they stop by themselves. More save little time.
const SEND_MESSAGES_MAX: usize = 2;

/// Bytes of answers that the kernel may hold for us.
const RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Bytes read at once; a kernel never fills more than 32 KiB of a dump into one datagram.
const READ_BYTES: usize = 64 * 1024;

/// How long the kernel may take for one send; taking down a large tree is seconds of work.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// How often a dump that changed under way, or overran the buffer, is begun anew.
const DUMP_ATTEMPTS_MAX: u32 = 8;

/// `NLM_F_ACK_TLVS`: an acknowledgement with attributes.
const ACK_TLVS: u16 = 0x200;

/// `NLMSGERR_ATTR_MSG`: the kernel's sentence.
const ERROR_MESSAGE: u16 = 1;

/// Why an exchange with the kernel failed.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// The socket itself failed.
    #[error("could not {operation} the netlink socket")]
    Socket {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The kernel refused a message.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel had more answers than the receive buffer holds and dropped some, so it is not
    /// known how far it came.
    #[error("the kernel dropped answers because the receive buffer was full")]
    Overrun,
    /// No answer came.
    #[error("the kernel did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// The state kept changing while it was read.
    #[error("the kernel's state changed during each of {DUMP_ATTEMPTS_MAX} attempts to read it")]
    Unsteady,
}

/// The kernel refused a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .message.as_deref().unwrap_or("the kernel gave no reason beyond the error number"))]
pub struct Refusal {
    /// Position of the first refused message in the series.
    pub index: usize,
    /// The kernel's own sentence, where it gives one.
    pub message: Option<String>,
    /// The error number.
    #[source]
    pub errno: Errno,
}

/// A `NETLINK_ROUTE` socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// Sequence number of the next message.
    next: u32,
    buffer: Box<[u8]>,
}

impl Socket {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel has no socket for us.
    pub fn open() -> Result<Self, NetlinkError> {
        let failed = |operation| move |errno: Errno| socket_error(operation, errno);
        let fd = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // Protocol 0 of this family is NETLINK_ROUTE.
            None,
        )
        .map_err(failed("open"))?;
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, 0)).map_err(failed("bind"))?;
        set_option(&fd, libc::NETLINK_EXT_ACK).map_err(failed("configure"))?;
        set_option(&fd, libc::NETLINK_CAP_ACK).map_err(failed("configure"))?;
        sockopt::set_socket_timeout(&fd, Timeout::Recv, Some(ANSWER_WITHIN))
            .map_err(failed("configure"))?;
        // Beyond the system's limit with CAP_NET_ADMIN, up to it without.
        sockopt::set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER_BYTES)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER_BYTES))
            .map_err(failed("configure"))?;
        Ok(Self { fd, next: 1, buffer: vec![0; READ_BYTES].into() })
    }

    /// Carries out the messages in order, many to a send.
    ///
    /// # Errors
    /// The first refusal. No send is begun after it, but what stood behind the refused message in
    /// the same send has been tried as well.
    pub fn execute(&mut self, messages: &mut Messages) -> Result<(), NetlinkError> {
        let mut first = 0;
        while first < messages.len() {
            let last = last_of_send(messages, first);
            self.execute_one_send(messages, first, last)?;
            first = last + 1;
        }
        Ok(())
    }

    /// Asks `request` as a dump and hands each answer's type and body to `each`, along with what
    /// `start` made. Both begin anew when the state changed while it was read.
    ///
    /// # Errors
    /// When the kernel refuses, or keeps changing what is read.
    pub fn dump<T>(
        &mut self,
        request: &mut Messages,
        mut start: impl FnMut() -> T,
        mut each: impl FnMut(&mut T, u16, &[u8]),
    ) -> Result<T, NetlinkError> {
        add_flags(request, 0, libc::NLM_F_DUMP as u16);
        for _ in 0..DUMP_ATTEMPTS_MAX {
            let mut collected = start();
            match self.dump_once(request, |kind, body| each(&mut collected, kind, body)) {
                Ok(true) => return Ok(collected),
                Ok(false) | Err(NetlinkError::Overrun) => {}
                Err(error) => return Err(error),
            }
        }
        Err(NetlinkError::Unsteady)
    }

    /// Asks `request` as a dump and looks at nothing but where it ends: what the kernel itself
    /// takes for a dump, for comparison. Tells the bytes that came.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn dump_unread(&mut self, request: &mut Messages) -> Result<usize, NetlinkError> {
        add_flags(request, 0, libc::NLM_F_DUMP as u16);
        self.send(request, 0, 0)?;
        let mut bytes = 0;
        loop {
            let datagram = self.receive()?;
            bytes += datagram.len();
            // the kernel puts the end last, in a datagram of its own or behind other answers
            let last = datagram.len().saturating_sub(HEADER + size_of::<u32>());
            if u32_at(datagram, last + KIND) & 0xffff == libc::NLMSG_DONE as u32 {
                return Ok(bytes);
            }
        }
    }

    /// Asks for one thing and returns the answer's body.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn get(&mut self, request: &mut Messages) -> Result<Vec<u8>, NetlinkError> {
        let mut answer = Vec::new();
        let sequence = self.send(request, 0, 0)?;
        self.receive_until(sequence, |header, body| {
            if header.sequence == sequence {
                match refusal(header, body, 0) {
                    Some(refused) => return Err(refused.into()),
                    None => answer.extend_from_slice(body),
                }
            }
            Ok(header.sequence == sequence)
        })?;
        Ok(answer)
    }

    fn execute_one_send(
        &mut self,
        messages: &mut Messages,
        first: usize,
        last: usize,
    ) -> Result<(), NetlinkError> {
        add_flags(messages, last, libc::NLM_F_ACK as u16);
        let base = self.send(messages, first, last)?;
        let mut refused: Option<Refusal> = None;
        let end = base.wrapping_add((last - first) as u32);
        self.receive_until(base, |header, body| {
            let offset = header.sequence.wrapping_sub(base) as usize;
            if refused.is_none() && offset <= last - first {
                refused = refusal(header, body, first + offset);
            }
            Ok(header.sequence == end)
        })?;
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// Whether the answers belong to one state.
    fn dump_once(
        &mut self,
        request: &mut Messages,
        mut each: impl FnMut(u16, &[u8]),
    ) -> Result<bool, NetlinkError> {
        let sequence = self.send(request, 0, 0)?;
        let mut steady = true;
        self.receive_until(sequence, |header, body| {
            if header.sequence != sequence {
                return Ok(false);
            }
            steady &= header.flags & libc::NLM_F_DUMP_INTR as u16 == 0;
            match header.kind {
                kind if kind == libc::NLMSG_DONE as u16 => return Ok(true),
                kind if kind == libc::NLMSG_ERROR as u16 => {
                    return refusal(header, body, 0).map_or(Ok(true), |r| Err(r.into()));
                }
                kind => each(kind, body),
            }
            Ok(false)
        })?;
        Ok(steady)
    }

    /// Sends messages `first..=last` at once; returns the sequence number of the first.
    fn send(
        &mut self,
        messages: &mut Messages,
        first: usize,
        last: usize,
    ) -> Result<u32, NetlinkError> {
        let base = self.next;
        for index in first..=last {
            let at = messages.starts[index] + SEQUENCE;
            messages.bytes[at..at + 4].copy_from_slice(&self.next.to_ne_bytes());
            self.next = self.next.wrapping_add(1);
        }
        let bytes = &messages.bytes[messages.starts[first]..messages.end(last)];
        loop {
            match rustix::net::send(&self.fd, bytes, SendFlags::empty()) {
                Ok(_) => return Ok(base),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(socket_error("write to", errno)),
            }
        }
    }

    /// Hands each answer to `each` until it says that this was the last. Answers to sends before
    /// `base`, left over when those were given up, are dropped.
    fn receive_until(
        &mut self,
        base: u32,
        mut each: impl FnMut(&Header, &[u8]) -> Result<bool, NetlinkError>,
    ) -> Result<(), NetlinkError> {
        loop {
            let mut rest = self.receive()?;
            while let Some((header, body, behind)) = split_message(rest) {
                let is_ours = header.sequence.wrapping_sub(base) < u32::MAX / 2;
                if is_ours && each(&header, body)? {
                    return Ok(());
                }
                rest = behind;
            }
        }
    }

    /// The next datagram.
    fn receive(&mut self) -> Result<&[u8], NetlinkError> {
        loop {
            match rustix::net::recv(&self.fd, &mut *self.buffer, RecvFlags::empty()) {
                Ok((read, _)) => return Ok(&self.buffer[..read]),
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => return Err(NetlinkError::Overrun),
                Err(Errno::AGAIN) => return Err(NetlinkError::Silent),
                Err(errno) => return Err(socket_error("read from", errno)),
            }
        }
    }
}

/// The fields of `struct nlmsghdr` that matter to us.
#[derive(Debug)]
struct Header {
    kind: u16,
    flags: u16,
    sequence: u32,
}

/// The first message's header and body, and what follows.
fn split_message(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let head = bytes.first_chunk::<HEADER>()?;
    let length = u32_at(head, 0) as usize;
    let header = Header {
        kind: u16::from_ne_bytes([head[4], head[5]]),
        flags: u16::from_ne_bytes([head[FLAGS], head[FLAGS + 1]]),
        sequence: u32_at(head, SEQUENCE),
    };
    let body = bytes.get(HEADER..length)?;
    Some((header, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// What an answer of type `NLMSG_ERROR` refuses; nothing when it is an acknowledgement.
fn refusal(header: &Header, body: &[u8], index: usize) -> Option<Refusal> {
    if header.kind != libc::NLMSG_ERROR as u16 {
        return None;
    }
    let number = u32_at(body, 0).cast_signed();
    if number == 0 {
        return None;
    }
    // The request's header is echoed; its payload is not, because of NETLINK_CAP_ACK.
    let attached = body.get(4 + HEADER..).unwrap_or_default();
    let message = (header.flags & ACK_TLVS != 0)
        .then(|| attributes(attached).find(|(kind, _)| *kind == ERROR_MESSAGE))
        .flatten()
        .map(|(_, sentence)| text(sentence));
    Some(Refusal { index, message, errno: Errno::from_raw_os_error(-number) })
}

/// Index of the last message that goes out together with `first`.
fn last_of_send(messages: &Messages, first: usize) -> usize {
    let start = messages.starts[first];
    let mut last = first;
    while last + 1 < messages.len()
        && last + 1 - first < SEND_MESSAGES_MAX
        && messages.end(last + 1) - start <= SEND_BYTES_MAX
    {
        last += 1;
    }
    last
}

fn add_flags(messages: &mut Messages, index: usize, flags: u16) {
    let at = messages.starts[index] + FLAGS;
    let old = u16::from_ne_bytes([messages.bytes[at], messages.bytes[at + 1]]);
    messages.bytes[at..at + 2].copy_from_slice(&(old | flags).to_ne_bytes());
}

fn socket_error(operation: &'static str, errno: Errno) -> NetlinkError {
    NetlinkError::Socket { operation, source: errno.into() }
}

/// Turns on a `SOL_NETLINK` option, which rustix has no function for.
fn set_option(fd: &OwnedFd, option: libc::c_int) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    // SAFETY: setsockopt reads `optlen` bytes from `optval`, which is a live c_int of that size,
    // keeps no pointer to it, and `fd` is open for as long as it is borrowed.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL))
    }
}
