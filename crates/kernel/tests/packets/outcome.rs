//! All that becomes of one packet: what the programs did, or what the model says that they do.

use std::fmt;
use std::net::IpAddr;

use abi::{Direction, Egress, Event, Protocol, Verdict};
use units::TcHandle;

/// All that becomes of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What `xdp_ingress` did.
    pub(crate) ingress: Ingress,
    /// What `tc_egress` did; nothing when the packet is too long to be tried there.
    pub(crate) egress: Option<(Egress, TcHandle)>,
}

/// What `xdp_ingress` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ingress {
    /// Handed to another CPU, or else passed.
    pub(crate) redirected: bool,
    /// The slot in front of the packet.
    pub(crate) metadata: Option<u32>,
    /// How the program was left.
    pub(crate) verdict: Verdict,
    /// Where the box counted it.
    pub(crate) counted: Option<Counted>,
    /// The circuit that counted it likewise.
    pub(crate) circuit: Option<u32>,
    /// The host in the list of unknown ones.
    pub(crate) unknown: Option<IpAddr>,
    /// What else was counted.
    pub(crate) events: Vec<Event>,
}

/// One packet in the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Which way.
    pub(crate) direction: Direction,
    /// As what.
    pub(crate) protocol: Protocol,
    /// How many bytes; the whole frame's, or something is wrong.
    pub(crate) bytes: u64,
}

impl Ingress {
    /// A packet that passes and is counted by its verdict alone.
    pub(crate) const fn passed(verdict: Verdict) -> Self {
        Self {
            redirected: false,
            metadata: None,
            verdict,
            counted: None,
            circuit: None,
            unknown: None,
            events: Vec::new(),
        }
    }
}

impl fmt::Display for Ingress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = if self.redirected { "redirect" } else { "pass" };
        write!(f, "{action} {}", self.verdict.name())?;
        if let Some(circuit) = self.circuit {
            write!(f, " {circuit}")?;
        }
        if let Some(host) = self.unknown {
            write!(f, " {host}")?;
        }
        if let Some(slot) = self.metadata {
            write!(f, ", metadata {slot}")?;
        }
        if let Some(Counted { direction, protocol, bytes }) = self.counted {
            write!(f, ", {} {} {bytes} bytes", direction.name(), protocol.name())?;
        }
        for event in &self.events {
            write!(f, ", {}", event.name())?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ingress)?;
        match self.egress {
            None => write!(f, " | egress not tried"),
            Some((egress, class)) if class.raw() == 0 => write!(f, " | egress {}", egress.name()),
            Some((egress, class)) => write!(f, " | egress {} {class}", egress.name()),
        }
    }
}
