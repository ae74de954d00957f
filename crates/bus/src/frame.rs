//! The borders of a message: a fixed header, the same in all protocol versions.
//!
//! Eighteen bytes, integers little-endian: magic (4), protocol version (2), length of the payload
//! (4), request id (8). The payload follows.

use std::io;

use bytes::{BufMut, BytesMut};

/// What every frame starts with.
pub const MAGIC: [u8; 4] = *b"TDGT";

/// Bytes of the header.
pub const HEADER_LEN: usize = 18;

/// The longest payload of a request, in bytes.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The longest payload of a request from a client that may change things: files of some 400,000 circuits.
pub const MAX_CHANGE: usize = 64 * 1024 * 1024;

/// The longest payload of a reply, in bytes: the plan of 100,000 circuits as JSON takes about 80 MB.
pub const MAX_REPLY: usize = 128 * 1024 * 1024;

/// Why the stream cannot be read on, or a message not be written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not a frame of this protocol.
    #[error("the stream does not speak this protocol: a frame starts with {found:02x?}")]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The frame is longer than is allowed.
    #[error("a frame of {length} bytes exceeds the {cap} allowed")]
    TooLarge {
        /// The request's id.
        id: u64,
        /// Bytes of the payload.
        length: usize,
        /// The most allowed.
        cap: usize,
    },
    /// The frame belongs to another version of the protocol.
    #[error("a frame of protocol version {found}, but {expected} was agreed on")]
    Version {
        /// The frame's version.
        found: u16,
        /// The version that this crate speaks.
        expected: u16,
    },
    /// The payload is not a message.
    #[error("could not decode the payload of message {id}")]
    Malformed {
        /// The request's id.
        id: u64,
        /// What the decoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The message cannot be written down.
    #[error("could not encode message {id}")]
    Encode {
        /// The request's id.
        id: u64,
        /// What the encoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The socket failed, or closed in the middle of a frame.
    #[error("could not read or write the socket")]
    Io(#[from] io::Error),
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u16,
    pub(crate) length: usize,
    pub(crate) id: u64,
}

impl Header {
    /// Reads the header at the start of `bytes`; nothing while it is incomplete. Wrong magic is
    /// found in the first bytes already, so that a stranger is not waited for.
    pub(crate) fn read(bytes: &[u8], cap: usize) -> Result<Option<Self>, FrameError> {
        let seen = bytes.len().min(MAGIC.len());
        if bytes[..seen] != MAGIC[..seen] {
            let mut found = [0; 4];
            found[..seen].copy_from_slice(&bytes[..seen]);
            return Err(FrameError::Magic { found });
        }
        let Some(fixed) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let [_, _, _, _, v0, v1, l0, l1, l2, l3, id @ ..] = *fixed;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let id = u64::from_le_bytes(id);
        if length > cap {
            return Err(FrameError::TooLarge { id, length, cap });
        }
        Ok(Some(Self { version: u16::from_le_bytes([v0, v1]), length, id }))
    }

    /// Appends the header to `out`.
    pub(crate) fn write(self, out: &mut BytesMut) {
        out.put_slice(&MAGIC);
        out.put_u16_le(self.version);
        out.put_u32_le(self.length as u32);
        out.put_u64_le(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_written_and_half_of_one_asks_for_more() {
        let header = Header { version: 7, length: 300, id: 0x0102_0304_0506_0708 };
        let mut bytes = BytesMut::new();
        header.write(&mut bytes);
        assert_eq!(bytes.len(), HEADER_LEN);
        assert_eq!(Header::read(&bytes, 300).unwrap(), Some(header));
        for cut in 0..HEADER_LEN {
            assert_eq!(Header::read(&bytes[..cut], 300).unwrap(), None);
        }
    }

    #[test]
    fn strangers_and_giants_are_refused_by_name() {
        assert!(matches!(
            Header::read(b"GE", 300),
            Err(FrameError::Magic { found: [b'G', b'E', 0, 0] })
        ));
        let mut bytes = BytesMut::new();
        Header { version: 1, length: 301, id: 9 }.write(&mut bytes);
        assert!(matches!(
            Header::read(&bytes, 300),
            Err(FrameError::TooLarge { id: 9, length: 301, cap: 300 })
        ));
    }
}
