//! The TCP header.

use super::layer::ports;
use super::padded;

/// A TCP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Sender's port.
    pub source: u16,
    /// Receiver's port.
    pub target: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flag bits, FIN the lowest.
    pub flags: u8,
    /// Options; padded to four bytes.
    pub options: Vec<u8>,
}

impl Tcp {
    /// A plain ACK.
    pub fn new(source: u16, target: u16) -> Self {
        Self { source, target, sequence: 1, acknowledgement: 1, flags: 0x10, options: Vec::new() }
    }

    /// Sequence and acknowledgement number.
    #[must_use]
    pub fn numbers(mut self, sequence: u32, acknowledgement: u32) -> Self {
        (self.sequence, self.acknowledgement) = (sequence, acknowledgement);
        self
    }

    /// Flag bits, FIN the lowest.
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    /// Header options.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// The timestamps option (RFC 7323), with two no-operations before it.
    #[must_use]
    pub fn timestamps(mut self, value: u32, echo: u32) -> Self {
        self.options.extend([1, 1, 8, 10]);
        self.options.extend(value.to_be_bytes());
        self.options.extend(echo.to_be_bytes());
        self
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let options = padded(&self.options, 4);
        let mut bytes = ports(self.source, self.target);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgement.to_be_bytes());
        bytes.extend([(((20 + options.len()) / 4) << 4) as u8, self.flags]);
        bytes.extend([0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(options);
        bytes
    }
}
