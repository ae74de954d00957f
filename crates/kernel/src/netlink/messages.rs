//! Writing messages one behind the other into one buffer.

/// Bytes of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Offset of the type in `struct nlmsghdr`.
pub(super) const KIND: usize = 4;

/// Offset of the flags in `struct nlmsghdr`.
pub(super) const FLAGS: usize = 6;

/// Offset of the sequence number in `struct nlmsghdr`.
pub(super) const SEQUENCE: usize = 8;

/// A series of requests, to be carried out in this order.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    pub(super) bytes: Vec<u8>,
    /// Where each message begins.
    pub(super) starts: Vec<usize>,
}

impl Messages {
    /// An empty series.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), starts: Vec::new() }
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Each message without its header.
    pub fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.iter().enumerate().map(|(i, start)| &self.bytes[start + HEADER..self.end(i)])
    }

    /// Each message as a series of its own, for senders that want them one by one.
    pub fn split(&self) -> Vec<Self> {
        let one = |(i, start): (usize, &usize)| Self {
            bytes: self.bytes[*start..self.end(i)].to_vec(),
            starts: vec![0],
        };
        self.starts.iter().enumerate().map(one).collect()
    }

    /// Where the message at `index` ends.
    pub(super) fn end(&self, index: usize) -> usize {
        self.starts.get(index + 1).copied().unwrap_or(self.bytes.len())
    }

    /// Begins a message of `kind` (an `RTM_` number) with `flags` and the family's fixed `body`.
    pub fn start(&mut self, kind: u16, flags: u16, body: &[u8]) -> Message<'_> {
        let start = self.bytes.len();
        self.starts.push(start);
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
        let mut message = Message { bytes: &mut self.bytes, start };
        message.append(body);
        message
    }
}

/// One message being written; complete when dropped.
#[derive(Debug)]
pub struct Message<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
}

impl Message<'_> {
    /// Adds one attribute.
    pub fn attribute(&mut self, kind: u16, payload: &[u8]) {
        let length = (payload.len() + 4) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.append(payload);
    }

    /// Adds an attribute that holds the attributes which `inside` adds.
    pub fn nest(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.attribute(kind, &[]);
        inside(self);
        let length = (self.bytes.len() - at) as u16;
        self.bytes[at..at + 2].copy_from_slice(&length.to_ne_bytes());
    }

    /// Adds bytes that are not an attribute, padded to the four that attributes are aligned to.
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        let length = (self.bytes.len() - self.start) as u32;
        self.bytes[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes;
    use super::*;

    #[test]
    fn lengths_cover_nested_attributes_and_padding() {
        let mut messages = Messages::new();
        messages.start(40, 1, &[0xff; 20]).nest(2, |inside| {
            inside.attribute(1, b"htb\0x");
            inside.attribute(3, &[9; 8]);
        });
        messages.start(41, 1, &[]);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages.end(0), 16 + 20 + 4 + 12 + 12);
        assert_eq!(messages.bytes[0], 64);
        assert_eq!(messages.bytes[64], 16);
        let (kind, nested) = attributes(&messages.bytes[36..64]).next().unwrap();
        assert_eq!(kind, 2);
        let inside: Vec<_> = attributes(nested).collect();
        assert_eq!(inside, [(1, &b"htb\0x"[..]), (3, &[9; 8][..])]);
    }
}
