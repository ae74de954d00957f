//! When a flow leaves the table.

use units::{Direction, PerDirection};

use crate::reading::{FlowKey, StreamReading};

/// TCP's FIN and RST in the 14th byte of its header (RFC 9293, section 3.1).
const FIN: u8 = 0x01;
const RST: u8 = 0x04;

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

const SECOND_NS: u64 = 1_000_000_000;

/// A table with more than this percentage of its rows in use is under pressure.
pub(crate) const PRESSURE_PERCENT: usize = 90;
/// What timeouts are divided by then.
const PRESSURE_DIVISOR: u64 = 4;

/// How long a flow may be silent before it leaves, by what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, seen in both directions.
    pub tcp_ns: u64,
    /// UDP and what is none of the others, seen in both directions.
    pub udp_ns: u64,
    /// ICMP and ICMPv6, seen in both directions.
    pub icmp_ns: u64,
    /// Of any protocol, seen in one direction only.
    pub unanswered_ns: u64,
    /// TCP that ended: FIN in both directions, or RST in either.
    pub ended_ns: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_ns: 300 * SECOND_NS,
            udp_ns: 60 * SECOND_NS,
            icmp_ns: 30 * SECOND_NS,
            unanswered_ns: 15 * SECOND_NS,
            ended_ns: 3 * SECOND_NS,
        }
    }
}

impl Timeouts {
    /// What holds while the table is more than 90 % full: a quarter of each.
    pub fn under_pressure(self) -> Self {
        Self {
            tcp_ns: self.tcp_ns / PRESSURE_DIVISOR,
            udp_ns: self.udp_ns / PRESSURE_DIVISOR,
            icmp_ns: self.icmp_ns / PRESSURE_DIVISOR,
            unanswered_ns: self.unanswered_ns / PRESSURE_DIVISOR,
            ended_ns: self.ended_ns / PRESSURE_DIVISOR,
        }
    }

    pub(crate) fn of(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Tcp => self.tcp_ns,
            Phase::Udp => self.udp_ns,
            Phase::Icmp => self.icmp_ns,
            Phase::Unanswered => self.unanswered_ns,
            Phase::Finished | Phase::Reset => self.ended_ns,
        }
    }
}

/// What decides how long a flow may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Tcp,
    Udp,
    Icmp,
    Unanswered,
    Finished,
    Reset,
}

impl Phase {
    pub(crate) fn of(key: &FlowKey, streams: &PerDirection<StreamReading>) -> Self {
        let seen = |direction| streams[direction].traffic.packets.get() > 0;
        let flags = streams.as_ref().map(|stream| stream.tcp_flags);
        if key.protocol == TCP && (flags.down | flags.up) & RST != 0 {
            Self::Reset
        } else if key.protocol == TCP && flags.down & flags.up & FIN != 0 {
            Self::Finished
        } else if !Direction::ALL.into_iter().all(seen) {
            Self::Unanswered
        } else {
            match key.protocol {
                TCP => Self::Tcp,
                ICMP | ICMP_V6 => Self::Icmp,
                _ => Self::Udp,
            }
        }
    }
}
