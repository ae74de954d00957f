//! Packets as they pass the box.

use std::net::Ipv4Addr;

use units::Direction;

use crate::{Frame, Ipv4, Tcp};

/// A packet that passes the box, and what a perfect observer knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// When, in the connection's virtual time.
    pub at_ns: u64,
    /// Which way.
    pub direction: Direction,
    /// What it is.
    pub content: Content,
    /// The packets, by their place in the list, that made its sender send it: the time since one of
    /// them passed is a true RTT. Nothing where it was sent for another reason.
    pub answers: Vec<usize>,
    /// A SYN or data that was sent before, as far as the box can know: it, or something after it,
    /// passed before.
    pub sent_again: bool,
    /// Data sent for the first time that comes after data sent later.
    pub overtaken: bool,
}

/// What is in a packet, above IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A segment with so many bytes of payload. Its ports are filled in by [`Ends`].
    Tcp(Tcp, u32),
    /// A datagram.
    Udp(Vec<u8>),
}

/// Whose packets they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The number of the protocol above IP.
    pub protocol: u8,
    /// The customer's address.
    pub customer: Ipv4Addr,
    /// The customer's port.
    pub customer_port: u16,
    /// The address on the Internet.
    pub internet: Ipv4Addr,
    /// The port there.
    pub internet_port: u16,
}

impl Passing {
    /// The frame, with the rest of its Ethernet header given.
    pub fn frame(&self, link: Frame, ends: &Ends) -> Vec<u8> {
        let (customer, internet) = (ends.customer.octets(), ends.internet.octets());
        let ports = (ends.customer_port, ends.internet_port);
        let (header, (source, target)) = match self.direction {
            Direction::Upload => (Ipv4::new(customer, internet), ports),
            Direction::Download => (Ipv4::new(internet, customer), (ports.1, ports.0)),
        };
        let frame = link.ipv4(header);
        match &self.content {
            Content::Tcp(tcp, payload) => frame
                .tcp(Tcp { source, target, ..tcp.clone() })
                .payload(&vec![0; *payload as usize])
                .build(),
            Content::Udp(payload) => frame.udp(source, target).payload(payload).build(),
        }
    }
}
