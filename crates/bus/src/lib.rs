//! The protocol that `tidegated` and its clients speak over a Unix stream socket.
//!
//! A client opens the socket, says [`Hello`](Request::Hello) and sends [`Request`]s; the daemon
//! answers each with a [`Reply`] that carries the request's id. A subscription is answered with one
//! view a tick, all with the subscription's id, until it is ended or the connection closes. So is a
//! capture with packets, at least once a second, until it is over.
//!
//! Invariants:
//! - Every frame is capped in length, and decoding never allocates more than that cap allows.
//! - What cannot be understood gets an error reply while the frame's borders can be trusted, and
//!   ends the connection when they cannot. It never hangs and never panics.
//! - Within one protocol version the bytes of a message do not change; the golden frames in
//!   `tests/bus_frames` hold them. `Hello`, `Welcome` and `Error` keep their bytes in all versions.
//! - Views are made for the wire: plain numbers with the unit last in the name. Texts are raw, as
//!   files and packets hold them; whoever shows one makes it [`inert`] first.
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use bus::{CircuitsQuery, Client, Topic, View};
//!
//! let mut client = Client::connect(Path::new("/run/tidegate/bus.sock"), Duration::from_secs(2))?;
//! println!("{} circuits", client.status()?.circuits);
//! for view in client.subscribe(Topic::Circuits(CircuitsQuery::default()))? {
//!     if let View::Circuits(page) = view? {
//!         println!("{} rows", page.rows.len());
//!     }
//! }
//! # Ok::<(), bus::ClientError>(())
//! ```

#![forbid(unsafe_code)]

mod capture;
mod client;
mod codec;
mod edit;
mod exit;
mod frame;
mod inert;
mod pcapng;
mod places;
mod query;
mod reply;
mod request;
mod version;
mod views;

pub use capture::{
    CaptureEnd, CaptureEnded, CaptureInterface, CaptureRequest, CaptureStep, CaptureTarget,
    CapturedPacket, Capturing,
};
pub use client::{AsyncClient, Capture, Client, ClientError, Subscription};
pub use codec::{ClientCodec, Incoming, Payload, ServerCodec};
pub use edit::{CircuitEdit, Edit, Edited, Edits, MAX_EDITS, SourcesView};
pub use exit::Exit;
pub use frame::{FrameError, HEADER_LEN, MAGIC, MAX_CHANGE, MAX_REPLY, MAX_REQUEST};
pub use inert::{inert, on_one_line};
pub use pcapng::Pcapng;
pub use places::{CONTROL_RESERVE, STRANGERS_MAX, descriptors};
pub use query::{
    CircuitSort, CircuitsQuery, EventsQuery, FlowSort, FlowsQuery, HostKind, HostSort, HostsQuery,
    OriginGroup, OriginSort, OriginsQuery, RetransmitGroup, RetransmitSort, RetransmitsQuery,
    RttGroup, RttQuery, RttSort, TreeQuery, UnknownQuery, UnknownSort,
};
pub use reply::{ChangeCounts, ErrorCode, Refusal, Reloaded, Reply, Welcome};
pub use request::{Hello, Request, Role, Topic};
pub use version::{PROTOCOL_VERSION, VersionRange};
pub use views::{
    Actor, Cause, CircuitRow, CircuitsPage, ConfigView, CountView, CpuView, EventKind, EventRow,
    EventsPage, FlowCounts, FlowKey, FlowRow, FlowRtt, FlowState, FlowsPage, HistoryPoint,
    HistoryView, HostRow, HostsPage, LeafView, LineChange, MapView, MeanRtt, NicView, NodeRow,
    Origin, OriginRow, OriginsPage, PlanView, PreviewView, ProtocolsView, QueueRow, QueuesView,
    RetransmitEvent, RetransmitRow, RetransmitView, RetransmitsPage, RttBin, RttPage,
    RttPercentiles, RttRow, Severity, Side, StatusView, StreamView, TcAttachment, TcpFlags,
    ThreadState, ThreadView, TinView, TotalView, TotalsView, TrafficView, TreeView, UnknownPage,
    UnknownRow, View, XdpMode,
};
