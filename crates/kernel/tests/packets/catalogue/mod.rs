//! How the frames of the tables in `tests/packets` are made.

mod addresses;
mod datagrams;
mod envelopes;
mod settings;

use std::net::IpAddr;
use std::ops::RangeInclusive;

use abi::Direction;
use testkit::{Frame, Ipv4, Ipv6, Tcp};

use crate::case::Case;
use crate::network;
use crate::stage::Setting;

/// A file of cases, each with the lengths to which its frame is cut.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) cases: Vec<(Case, RangeInclusive<usize>)>,
}

/// All of them.
pub(crate) fn tables() -> Vec<Table> {
    [envelopes::tables(), datagrams::tables(), addresses::tables(), settings::tables()]
        .into_iter()
        .flatten()
        .collect()
}

impl Table {
    const fn new(name: &'static str, comment: &'static str) -> Self {
        Self { name, comment, cases: Vec::new() }
    }

    /// Adds a download over a bridge.
    fn case(self, name: impl Into<String>, frame: Vec<u8>) -> Self {
        self.case_in(name, Setting::Bridge, Direction::Download, frame)
    }

    fn case_in(
        mut self,
        name: impl Into<String>,
        setting: Setting,
        direction: Direction,
        frame: Vec<u8>,
    ) -> Self {
        let whole = frame.len()..=frame.len();
        self.cases.push((Case { name: name.into(), setting, direction, frame }, whole));
        self
    }

    /// Adds an upload over a bridge, cut off at every byte behind the MAC header.
    fn cut(mut self, name: impl Into<String>, frame: Vec<u8>) -> Self {
        let lengths = 14..=frame.len();
        let (setting, direction) = (Setting::Bridge, Direction::Upload);
        self.cases.push((Case { name: name.into(), setting, direction, frame }, lengths));
        self
    }
}

/// The two families, as names of cases tell them.
const FAMILIES: [(bool, &str); 2] = [(false, "ipv4"), (true, "ipv6")];

/// The customer's device that most cases are about.
fn device(is_ipv6: bool) -> IpAddr {
    if is_ipv6 { "2001:db8:1::10".parse().unwrap() } else { [100, 64, 1, 10].into() }
}

fn v4_down() -> Ipv4 {
    Ipv4::new([203, 0, 113, 1], [100, 64, 1, 10])
}

fn v6_down() -> Ipv6 {
    let (IpAddr::V6(far), IpAddr::V6(near)) = (network::server(true), device(true)) else {
        unreachable!("both are IPv6")
    };
    Ipv6::new(far.octets(), near.octets())
}

/// An IP header between the device and a server, the right way round.
fn between(frame: Frame, direction: Direction, near: IpAddr) -> Frame {
    let far = network::server(near.is_ipv6());
    let (from, to) = match direction {
        Direction::Download => (far, near),
        Direction::Upload => (near, far),
    };
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => frame.ipv4(Ipv4::new(from.octets(), to.octets())),
        (IpAddr::V6(from), IpAddr::V6(to)) => frame.ipv6(Ipv6::new(from.octets(), to.octets())),
        _ => unreachable!("both ends are of one family"),
    }
}

fn down(frame: Frame, is_ipv6: bool) -> Frame {
    between(frame, Direction::Download, device(is_ipv6))
}

fn tcp() -> Tcp {
    Tcp::new(443, 40_000)
}

/// A frame with some bytes overwritten.
fn with(mut frame: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// A frame with bytes behind its packet.
fn padded(mut frame: Vec<u8>, bytes: usize) -> Vec<u8> {
    frame.resize(frame.len() + bytes, 0xee);
    frame
}
