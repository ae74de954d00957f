//! Messages to bytes and back. The only module that knows the payload's encoding (bincode's
//! standard one: little-endian, integers of variable length).
//!
//! The decoder's limit counts the decoded size of scalars, up to eight times their encoded size. It
//! is chosen by the payload's length, so that a short frame that lies about a length inside it
//! cannot ask for much memory.

use bincode::config;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{Decoder, Encoder};

use crate::frame::{FrameError, HEADER_LEN, Header, MAX_CHANGE, MAX_REPLY, MAX_REQUEST};
use crate::reply::{ErrorCode, Refusal, Reply};
use crate::request::{Request, Role, Topic};
use crate::version::PROTOCOL_VERSION;

/// What arrived at the daemon in one intact frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The id under which to answer.
    pub id: u64,
    /// The request, or what to answer when the payload is none.
    pub request: Result<Request, Refusal>,
}

/// The daemon's end: takes requests, sends replies.
///
/// A payload that is no request comes out as an [`Incoming`] with the refusal to send, and the
/// stream goes on. An error means that the stream is past repair; [`FrameError::refusal`] is what
/// may be sent before it is closed.
#[derive(Clone, Copy, Debug)]
pub struct ServerCodec {
    /// The longest payload that is taken.
    cap: usize,
}

impl ServerCodec {
    /// One for a client of this role; none for one that will be refused.
    pub const fn serving(role: Option<Role>) -> Self {
        match role {
            Some(Role::Control) => Self { cap: MAX_CHANGE },
            Some(Role::Read) | None => Self { cap: MAX_REQUEST },
        }
    }
}

/// The client's end: sends requests, takes replies with the ids they answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCodec;

impl Decoder for ServerCodec {
    type Item = Incoming;
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, FrameError> {
        let Some((header, payload)) = next_frame(src, self.cap)? else { return Ok(None) };
        Ok(Some(Incoming { id: header.id, request: read_request(header.version, &payload) }))
    }
}

/// A reply's bytes, made once for however many clients it goes to.
#[derive(Clone, Debug)]
pub struct Payload(Bytes);

impl Payload {
    /// The bytes of `reply`; one that exceeds the cap becomes an error reply that says so.
    pub fn of(reply: &Reply) -> Self {
        let refusal = match encoded(reply) {
            Ok(bytes) if bytes.len() <= MAX_REPLY => return Self(bytes.into()),
            Ok(bytes) => Refusal::new(
                ErrorCode::TooLarge,
                format!("the reply's {} bytes exceed the {MAX_REPLY} allowed", bytes.len()),
            ),
            Err(error) => {
                Refusal::new(ErrorCode::Internal, format!("the reply cannot be written: {error}"))
            }
        };
        // a code and a text can always be written
        Self(encoded(&Reply::Error(refusal)).unwrap_or_default().into())
    }

    /// Its frame in two parts, for whoever writes it without a copy.
    pub fn frame(&self, id: u64) -> [Bytes; 2] {
        let mut header = BytesMut::with_capacity(HEADER_LEN);
        Header { version: PROTOCOL_VERSION, length: self.len(), id }.write(&mut header);
        [header.freeze(), self.0.clone()]
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none, which no reply has.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Encoder<(u64, &Payload)> for ServerCodec {
    type Error = FrameError;

    /// Appends the frame of the payload.
    fn encode(
        &mut self,
        (id, payload): (u64, &Payload),
        dst: &mut BytesMut,
    ) -> Result<(), FrameError> {
        dst.reserve(HEADER_LEN + payload.len());
        payload.frame(id).iter().for_each(|part| dst.put_slice(part));
        Ok(())
    }
}

impl Encoder<(u64, &Reply)> for ServerCodec {
    type Error = FrameError;

    /// Appends the reply's frame, see [`Payload::of`].
    fn encode(&mut self, (id, reply): (u64, &Reply), dst: &mut BytesMut) -> Result<(), FrameError> {
        self.encode((id, &Payload::of(reply)), dst)
    }
}

impl Decoder for ClientCodec {
    type Item = (u64, Reply);
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<(u64, Reply)>, FrameError> {
        let Some((header, payload)) = next_frame(src, MAX_REPLY)? else { return Ok(None) };
        // without these two a program of another version would not be told that it is one
        let is_for_all = matches!(read_number(&payload), Ok((Reply::ERROR | Reply::WELCOME, _)));
        if header.version != PROTOCOL_VERSION && !is_for_all {
            return Err(FrameError::Version { found: header.version, expected: PROTOCOL_VERSION });
        }
        let reply =
            read(&payload).map_err(|source| FrameError::Malformed { id: header.id, source })?;
        Ok(Some((header.id, reply)))
    }
}

impl Encoder<(u64, &Request)> for ClientCodec {
    type Error = FrameError;

    fn encode(
        &mut self,
        (id, request): (u64, &Request),
        dst: &mut BytesMut,
    ) -> Result<(), FrameError> {
        let cap = match request {
            Request::Edit(_) | Request::Preview(Some(_)) => MAX_CHANGE,
            _ => MAX_REQUEST,
        };
        write(id, request, cap, dst)
    }
}

impl FrameError {
    /// What the daemon may still answer before it closes the stream, and under which id.
    pub fn refusal(&self) -> Option<(u64, Refusal)> {
        match self {
            Self::TooLarge { id, .. } => {
                Some((*id, Refusal::new(ErrorCode::TooLarge, self.to_string())))
            }
            _ => None,
        }
    }
}

/// Cuts the next whole frame off `src`; nothing while it is incomplete.
fn next_frame(src: &mut BytesMut, cap: usize) -> Result<Option<(Header, BytesMut)>, FrameError> {
    let Some(header) = Header::read(src, cap)? else { return Ok(None) };
    if src.len() < HEADER_LEN + header.length {
        return Ok(None);
    }
    src.advance(HEADER_LEN);
    Ok(Some((header, src.split_to(header.length))))
}

/// The request in a payload. Its number is looked at first: one that a newer client knows and this
/// daemon does not must be told from garbage.
fn read_request(version: u16, payload: &[u8]) -> Result<Request, Refusal> {
    let is_hello = matches!(read_number(payload), Ok((Request::HELLO, _)));
    if version != PROTOCOL_VERSION && !is_hello {
        let text = format!("protocol version {version} is not spoken here; {PROTOCOL_VERSION} is");
        return Err(Refusal::new(ErrorCode::Version, text));
    }
    let unknown = |what: &str, number: u32| {
        Refusal::new(ErrorCode::UnknownRequest, format!("this daemon knows no {what} {number}"))
    };
    let malformed = |_| Refusal::new(ErrorCode::Malformed, "the payload is not a request");
    let (number, rest) = read_number(payload).map_err(malformed)?;
    if number >= Request::COUNT {
        return Err(unknown("request", number));
    }
    if Request::has_topic(number) {
        let (topic, _) = read_number(rest).map_err(malformed)?;
        if topic >= Topic::COUNT {
            return Err(unknown("topic", topic));
        }
    }
    read(payload).map_err(malformed)
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn read_number(bytes: &[u8]) -> Result<(u32, &[u8]), Cause> {
    let (number, used) = bincode::decode_from_slice(bytes, config::standard())?;
    Ok((number, &bytes[used..]))
}

/// Decodes a whole payload.
fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Cause> {
    const MEDIUM: usize = 4 * 1024 * 1024;
    if payload.len() <= MAX_REQUEST {
        read_limited::<T, { 8 * MAX_REQUEST }>(payload)
    } else if payload.len() <= MEDIUM {
        read_limited::<T, { 8 * MEDIUM }>(payload)
    } else {
        read_limited::<T, { 8 * MAX_REPLY }>(payload)
    }
}

fn read_limited<T: DeserializeOwned, const LIMIT: usize>(payload: &[u8]) -> Result<T, Cause> {
    let limited = config::standard().with_limit::<LIMIT>();
    let (message, used) = bincode::serde::decode_from_slice(payload, limited)?;
    if used < payload.len() {
        return Err(format!("{} bytes follow the message", payload.len() - used).into());
    }
    Ok(message)
}

/// A message's bytes.
fn encoded<T: Serialize>(message: &T) -> Result<Vec<u8>, Cause> {
    Ok(bincode::serde::encode_to_vec(message, config::standard())?)
}

/// Appends one frame to `out`, or nothing when the message is longer than `cap`.
fn write<T: Serialize>(
    id: u64,
    message: &T,
    cap: usize,
    out: &mut BytesMut,
) -> Result<(), FrameError> {
    let payload = encoded(message).map_err(|source| FrameError::Encode { id, source })?;
    let length = payload.len();
    if length > cap {
        return Err(FrameError::TooLarge { id, length, cap });
    }
    out.reserve(HEADER_LEN + length);
    Header { version: PROTOCOL_VERSION, length, id }.write(out);
    out.put_slice(&payload);
    Ok(())
}
