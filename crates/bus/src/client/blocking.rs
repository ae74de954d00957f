//! The client that blocks, with a deadline on every exchange.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use tokio_util::codec::{Decoder, Encoder};

use super::stream::{Capture, Subscription};
use super::{ClientError, capturing_of, hello, unexpected, view_of, welcome_of};
use crate::capture::CaptureRequest;
use crate::codec::ClientCodec;
use crate::edit::{Edited, Edits, SourcesView};
use crate::frame::FrameError;
use crate::query::{
    CircuitsQuery, EventsQuery, FlowsQuery, HostsQuery, OriginsQuery, RetransmitsQuery, RttQuery,
    TreeQuery, UnknownQuery,
};
use crate::reply::{Reloaded, Reply, Welcome};
use crate::request::{Request, Topic};
use crate::views::{
    CircuitsPage, EventsPage, FlowsPage, HistoryView, HostsPage, OriginsPage, PlanView,
    PreviewView, QueuesView, RetransmitsPage, RttPage, StatusView, TreeView, UnknownPage, View,
};

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// A connection to the daemon. Each call takes at most the time given at [`Client::connect`].
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    received: BytesMut,
    timeout: Duration,
    next_id: u64,
    welcome: Welcome,
}

impl Client {
    /// Connects and says hello. `timeout` bounds this and every later exchange.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`], [`ClientError::PermissionDenied`], [`ClientError::Timeout`], or
    /// what the daemon refuses.
    pub fn connect(path: &Path, timeout: Duration) -> Result<Self, ClientError> {
        let stream =
            open(path, timeout).map_err(|error| ClientError::connect(path, timeout, error))?;
        let nobody = Welcome { version: 0, daemon_version: String::new(), role: crate::Role::Read };
        let received = BytesMut::new();
        let mut client = Self { stream, received, timeout, next_id: 1, welcome: nobody };
        client.welcome = welcome_of(client.call(&hello())?)?;
        Ok(client)
    }

    /// What the daemon said at the start.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The view of `topic`, now.
    ///
    /// # Errors
    /// When the daemon does not answer in time or refuses.
    pub fn show(&mut self, topic: Topic) -> Result<View, ClientError> {
        view_of(self.call(&Request::Show(topic))?)
    }

    /// The daemon and the box as a whole.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn status(&mut self) -> Result<StatusView, ClientError> {
        match self.show(Topic::Status)? {
            View::Status(view) => Ok(*view),
            _ => Err(ClientError::Unexpected { asked: "status" }),
        }
    }

    /// The tree of nodes, or a part of it.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn tree(&mut self, query: TreeQuery) -> Result<TreeView, ClientError> {
        match self.show(Topic::Tree(query))? {
            View::Tree(view) => Ok(view),
            _ => Err(ClientError::Unexpected { asked: "tree" }),
        }
    }

    /// A page of circuits.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn circuits(&mut self, query: CircuitsQuery) -> Result<CircuitsPage, ClientError> {
        match self.show(Topic::Circuits(query))? {
            View::Circuits(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "circuits" }),
        }
    }

    /// The hardware transmit queues.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn queues(&mut self) -> Result<QueuesView, ClientError> {
        match self.show(Topic::Queues)? {
            View::Queues(view) => Ok(view),
            _ => Err(ClientError::Unexpected { asked: "queues" }),
        }
    }

    /// A page of hosts that no device covers.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn unknown(&mut self, query: UnknownQuery) -> Result<UnknownPage, ClientError> {
        match self.show(Topic::Unknown(query))? {
            View::Unknown(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "unknown" }),
        }
    }

    /// A page of flows.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn flows(&mut self, query: FlowsQuery) -> Result<FlowsPage, ClientError> {
        match self.show(Topic::Flows(query))? {
            View::Flows(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "flows" }),
        }
    }

    /// A page of hosts on the customers' side.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn hosts(&mut self, query: HostsQuery) -> Result<HostsPage, ClientError> {
        match self.show(Topic::Hosts(query))? {
            View::Hosts(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "hosts" }),
        }
    }

    /// A page of networks or countries of the Internet side.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn origins(&mut self, query: OriginsQuery) -> Result<OriginsPage, ClientError> {
        match self.show(Topic::Origins(query))? {
            View::Origins(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "origins" }),
        }
    }

    /// A page of RTTs.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn rtt(&mut self, query: RttQuery) -> Result<RttPage, ClientError> {
        match self.show(Topic::Rtt(query))? {
            View::Rtt(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "rtt" }),
        }
    }

    /// A page of retransmissions.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn retransmits(&mut self, query: RetransmitsQuery) -> Result<RetransmitsPage, ClientError> {
        match self.show(Topic::Retransmits(query))? {
            View::Retransmits(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "retransmits" }),
        }
    }

    /// What happened to the daemon.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn events(&mut self, query: EventsQuery) -> Result<EventsPage, ClientError> {
        match self.show(Topic::Events(query))? {
            View::Events(page) => Ok(page),
            _ => Err(ClientError::Unexpected { asked: "events" }),
        }
    }

    /// The box over the last minutes.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn history(&mut self) -> Result<HistoryView, ClientError> {
        match self.show(Topic::History)? {
            View::History(view) => Ok(view),
            _ => Err(ClientError::Unexpected { asked: "history" }),
        }
    }

    /// The plan that is in force.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn plan(&mut self) -> Result<PlanView, ClientError> {
        match self.call(&Request::Plan)? {
            Reply::Plan(plan) => Ok(plan),
            other => Err(unexpected("plan", other)),
        }
    }

    /// Has the daemon read its configuration again. If `shrink`, more than half of the circuits or nodes may go.
    /// `timeout` replaces the usual one: a large network takes a while to apply.
    ///
    /// # Errors
    /// As [`Client::show`]; [`crate::ErrorCode::Invalid`] with all problems when it does not
    /// validate.
    pub fn reload(&mut self, shrink: bool, timeout: Duration) -> Result<Reloaded, ClientError> {
        let usual = std::mem::replace(&mut self.timeout, timeout);
        let reply = self.call(&Request::Reload { shrink });
        self.timeout = usual;
        match reply? {
            Reply::Reloaded(reloaded) => Ok(reloaded),
            other => Err(unexpected("reload", other)),
        }
    }

    /// Changes the configuration's files and puts that in force. `timeout` replaces the usual one.
    ///
    /// # Errors
    /// As [`Client::reload`]; [`crate::ErrorCode::Outdated`] when the files are others than the edits' base,
    /// or somebody has changed them otherwise.
    pub fn edit(&mut self, edits: Edits, timeout: Duration) -> Result<Edited, ClientError> {
        let usual = std::mem::replace(&mut self.timeout, timeout);
        let reply = self.call(&Request::Edit(edits));
        self.timeout = usual;
        match reply? {
            Reply::Edited(edited) => Ok(edited),
            other => Err(unexpected("edit", other)),
        }
    }

    /// The texts of the configuration's files, with their revision.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn sources(&mut self) -> Result<SourcesView, ClientError> {
        match self.call(&Request::Sources)? {
            Reply::Sources(sources) => Ok(sources),
            other => Err(unexpected("sources", other)),
        }
    }

    /// What edits would change now; none: what a reload would. `timeout` replaces the usual one.
    ///
    /// # Errors
    /// As [`Client::edit`], and as [`Client::reload`].
    pub fn preview(
        &mut self,
        edits: Option<Edits>,
        timeout: Duration,
    ) -> Result<PreviewView, ClientError> {
        let usual = std::mem::replace(&mut self.timeout, timeout);
        let reply = self.call(&Request::Preview(edits));
        self.timeout = usual;
        match reply? {
            Reply::Preview(preview) => Ok(preview),
            other => Err(unexpected("preview", other)),
        }
    }

    /// Has the daemon make way for the program that lies now where it was started from. It says yes
    /// when that program has found nothing wrong with the configuration; then it ends, and the other
    /// answers at the same socket. `timeout` replaces the usual one.
    ///
    /// # Errors
    /// As [`Client::show`]; [`crate::ErrorCode::Invalid`] when the program cannot take over.
    pub fn handover(&mut self, timeout: Duration) -> Result<(), ClientError> {
        let usual = std::mem::replace(&mut self.timeout, timeout);
        let reply = self.call(&Request::Handover);
        self.timeout = usual;
        match reply? {
            Reply::Done => Ok(()),
            other => Err(unexpected("handover", other)),
        }
    }

    /// Passes everything unshaped, or shapes again.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn bypass(&mut self, on: bool) -> Result<(), ClientError> {
        match self.call(&Request::Bypass(on))? {
            Reply::Done => Ok(()),
            other => Err(unexpected("bypass", other)),
        }
    }

    /// One view of `topic` a tick, the first at once. Each is waited for as long as for a reply.
    ///
    /// # Errors
    /// When the request cannot be sent in time.
    pub fn subscribe(&mut self, topic: Topic) -> Result<Subscription<'_>, ClientError> {
        let id = self.send_now(&Request::Subscribe(topic))?;
        Ok(Subscription::new(self, id))
    }

    /// Begins a capture. Each batch of packets is waited for as long as for a reply.
    ///
    /// # Errors
    /// As [`Client::show`].
    pub fn capture(&mut self, request: CaptureRequest) -> Result<Capture<'_>, ClientError> {
        let id = self.send_now(&Request::Capture(request))?;
        let capturing = capturing_of(self.receive_next(id)?)?;
        Ok(Capture::new(self, id, capturing))
    }

    /// Sends within the usual time.
    pub(super) fn send_now(&mut self, request: &Request) -> Result<u64, ClientError> {
        self.send(request, Instant::now() + self.timeout)
    }

    /// The next reply to the request `id`, within the usual time.
    pub(super) fn receive_next(&mut self, id: u64) -> Result<Reply, ClientError> {
        self.receive(id, Instant::now() + self.timeout)
    }

    /// Sends one request and waits for its reply. Views of subscriptions that were given up, still
    /// under way, are passed over.
    fn call(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let id = self.send(request, deadline)?;
        self.receive(id, deadline)
    }

    fn send(&mut self, request: &Request, deadline: Instant) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.next_id += 1;
        let mut frame = BytesMut::new();
        let sent = ClientCodec
            .encode((id, request), &mut frame)
            .and_then(|()| write_all(&mut self.stream, &frame, deadline).map_err(FrameError::Io));
        sent.map(|()| id).map_err(|error| ClientError::exchange(self.timeout, error))
    }

    fn receive(&mut self, id: u64, deadline: Instant) -> Result<Reply, ClientError> {
        loop {
            match self.next_reply(deadline) {
                // id 0 is the daemon's own: it could not tell what it was asked
                Ok((from, reply)) if from == id || from == 0 => return Ok(reply),
                Ok(_) => {}
                Err(error) => return Err(ClientError::exchange(self.timeout, error)),
            }
        }
    }

    fn next_reply(&mut self, deadline: Instant) -> Result<(u64, Reply), FrameError> {
        loop {
            if let Some(reply) = ClientCodec.decode(&mut self.received)? {
                return Ok(reply);
            }
            self.stream.set_read_timeout(Some(left_until(deadline)?))?;
            let had = self.received.len();
            self.received.resize(had + CHUNK, 0);
            let read = self.stream.read(&mut self.received[had..]);
            self.received.truncate(had + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
    }
}

/// Connects with a deadline: the kernel waits for room in the listener's backlog as long as the
/// socket's send timeout says (`unix_stream_connect` in `net/unix/af_unix.c`).
fn open(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(timeout))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

fn write_all(stream: &mut UnixStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left_until(deadline)?))?;
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The time left; an error when there is none, since a timeout of zero would mean forever.
fn left_until(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}
