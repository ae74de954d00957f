//! Captured packets as pcapng (draft-ietf-opsawg-pcapng): a section header, a description of each
//! NIC, packets as they come, and last each NIC's statistics. Little-endian; times in nanoseconds.

use std::io::{self, Write};

use crate::capture::{CaptureInterface, CapturedPacket};
use crate::views::Side;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const LINKTYPE_ETHERNET: u16 = 1;
/// Packets are captured where they come in.
const FLAGS_INBOUND: u32 = 1;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;

/// A capture being written. Everything written is whole blocks, so what is there is valid at any
/// time after a flush.
#[derive(Debug)]
pub struct Pcapng<W> {
    out: W,
    /// Packets of each NIC so far.
    received: Vec<u64>,
    newest_ns: u64,
}

impl<W: Write> Pcapng<W> {
    /// Begins a capture of what `comment` says, made by `program`.
    ///
    /// # Errors
    /// What the writer says.
    pub fn begin(
        out: W,
        program: &str,
        comment: &str,
        interfaces: &[CaptureInterface],
        snap_length: u16,
    ) -> io::Result<Self> {
        let mut file = Self { out, received: vec![0; interfaces.len()], newest_ns: 0 };
        let mut section = Block::new(SECTION_HEADER);
        section.u32(BYTE_ORDER_MAGIC).u16(1).u16(0);
        // the section's length, which is not known
        section.u64(u64::MAX);
        section.option(OPT_COMMENT, comment.as_bytes()).option(SHB_USERAPPL, program.as_bytes());
        file.write(section)?;
        for interface in interfaces {
            let side = match interface.side {
                Side::Customers => "towards the customers",
                Side::Internet => "towards the Internet",
                Side::Both => "towards customers and Internet, in VLANs",
            };
            let mut description = Block::new(INTERFACE_DESCRIPTION);
            description.u16(LINKTYPE_ETHERNET).u16(0).u32(snap_length.into());
            description.option(IF_NAME, interface.name.as_bytes());
            description.option(IF_DESCRIPTION, side.as_bytes()).option(IF_TSRESOL, &[9]);
            file.write(description)?;
        }
        Ok(file)
    }

    /// Adds a packet.
    ///
    /// # Errors
    /// What the writer says, and a NIC that was not described.
    pub fn packet(&mut self, packet: &CapturedPacket) -> io::Result<()> {
        let Some(received) = self.received.get_mut(usize::from(packet.interface)) else {
            let text = format!("a packet of NIC {}, which was not named", packet.interface);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        };
        *received += 1;
        self.newest_ns = self.newest_ns.max(packet.seen_ns);
        let captured = packet.bytes.len() as u32;
        let mut block = Block::new(ENHANCED_PACKET);
        block.u32(packet.interface.into()).time(packet.seen_ns);
        block.u32(captured).u32(packet.length.max(captured)).padded(&packet.bytes);
        block.option(EPB_FLAGS, &FLAGS_INBOUND.to_le_bytes());
        self.write(block)
    }

    /// Hands over what was written so far.
    ///
    /// # Errors
    /// What the writer says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.received.iter().sum()
    }

    /// Ends the capture with each NIC's statistics. Lost packets are known of all NICs together: they
    /// are told with the first one, which says so.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self, lost: u64) -> io::Result<()> {
        for (index, received) in self.received.clone().into_iter().enumerate() {
            let mut statistics = Block::new(INTERFACE_STATISTICS);
            statistics.u32(index as u32).time(self.newest_ns);
            if lost > 0 && index == 0 && self.received.len() > 1 {
                statistics.option(OPT_COMMENT, b"drops are those of all interfaces together");
            }
            statistics.option(ISB_IFRECV, &received.to_le_bytes());
            let dropped = if index == 0 { lost } else { 0 };
            statistics.option(ISB_IFDROP, &dropped.to_le_bytes());
            self.write(statistics)?;
        }
        self.out.flush()
    }

    fn write(&mut self, block: Block) -> io::Result<()> {
        self.out.write_all(&block.finish())
    }
}

/// A block's bytes. Its length, of four bytes, comes after the type and once more at the end.
struct Block {
    bytes: Vec<u8>,
    has_options: bool,
}

impl Block {
    fn new(kind: u32) -> Self {
        let mut block = Self { bytes: Vec::with_capacity(256), has_options: false };
        block.u32(kind).u32(0);
        block
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A time: its upper half comes first.
    fn time(&mut self, ns: u64) -> &mut Self {
        self.u32((ns >> 32) as u32).u32(ns as u32)
    }

    /// Bytes, filled up to a multiple of four.
    fn padded(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// An option; a value longer than the format allows is cut.
    fn option(&mut self, code: u16, value: &[u8]) -> &mut Self {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.has_options = true;
        self.u16(code).u16(value.len() as u16).padded(value)
    }

    fn finish(mut self) -> Vec<u8> {
        if self.has_options {
            // opt_endofopt
            self.u32(0);
        }
        let length = self.bytes.len() as u32 + 4;
        self.u32(length);
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use units::Direction;

    use super::*;

    fn written(packets: &[CapturedPacket], lost: u64) -> Vec<u8> {
        let nic = |ifindex, name: &str, side| CaptureInterface { ifindex, name: name.into(), side };
        let nics = [nic(2, "eth0", Side::Internet), nic(3, "eth1", Side::Customers)];
        let mut bytes = Vec::new();
        let mut file =
            Pcapng::begin(&mut bytes, "tidegated 0.1.0", "host ::1", &nics, 128).unwrap();
        packets.iter().for_each(|packet| file.packet(packet).unwrap());
        assert_eq!(file.packets(), packets.len() as u64);
        file.finish(lost).unwrap();
        bytes
    }

    fn packet(interface: u16, bytes: Vec<u8>) -> CapturedPacket {
        let seen_ns = 1_790_000_000_123_456_789;
        CapturedPacket { seen_ns, interface, direction: Direction::Download, length: 1_514, bytes }
    }

    /// Types and bodies of the blocks, after checking their borders.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let length = number(&bytes[4..8]) as usize;
            assert_eq!((length % 4, number(&bytes[length - 4..length]) as usize), (0, length));
            blocks.push((number(&bytes[..4]), bytes[8..length - 4].to_vec()));
            bytes = &bytes[length..];
        }
        blocks
    }

    #[test]
    fn blocks_come_in_order_and_are_whole_whatever_the_length() {
        let packets: Vec<_> = (0..5).map(|length| packet(1, vec![9; length])).collect();
        let kinds: Vec<u32> = blocks(&written(&packets, 0)).iter().map(|block| block.0).collect();
        assert_eq!(kinds, [SECTION_HEADER, 1, 1, 6, 6, 6, 6, 6, 5, 5]);
    }

    #[test]
    fn a_packet_has_its_time_lengths_and_flags() {
        let (_, body) = blocks(&written(&[packet(1, vec![7; 5])], 0)).swap_remove(3);
        let ns = 1_790_000_000_123_456_789_u64;
        let mut expected = Vec::new();
        for word in [1, (ns >> 32) as u32, ns as u32, 5, 1_514] {
            expected.extend(word.to_le_bytes());
        }
        expected.extend([7, 7, 7, 7, 7, 0, 0, 0]);
        expected.extend([2, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(body, expected);
    }

    #[test]
    fn statistics_say_what_was_received_and_lost() {
        let all = blocks(&written(&[packet(1, vec![]), packet(1, vec![])], 3));
        let ends_with = |at: usize, received: u8, dropped: u8| {
            let recv = [4, 0, 8, 0, received, 0, 0, 0, 0, 0, 0, 0];
            let drop = [5, 0, 8, 0, dropped, 0, 0, 0, 0, 0, 0, 0];
            all[at].1.ends_with(&[&recv[..], &drop[..], &[0; 4]].concat())
        };
        assert!(ends_with(5, 0, 3));
        assert!(ends_with(6, 2, 0));
    }

    #[test]
    fn a_nic_that_was_not_described_is_an_error() {
        let mut file = Pcapng::begin(Vec::new(), "", "", &[], 128).unwrap();
        let error = file.packet(&packet(0, vec![])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
