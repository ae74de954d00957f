//! The programs as what measures.

use std::net::IpAddr;

use anyhow::Result;
use kernel::datapath::{TrialBox, flow_key};
use kernel::privileges::missing_capabilities;
use testkit::connection::{Ends, sent_by};
use testkit::rtt_truth::{Bins, Case, Observer, Reading};
use units::{CircuitSlot, PerSegment, Segment};

/// Room for flows.
const FLOWS: u32 = 1024;

/// A box with a circuit for each case.
pub(crate) struct Programs {
    pub(crate) middle: TrialBox,
    qualities: Vec<abi::Quality>,
}

impl Programs {
    pub(crate) fn new(cases: &[Case]) -> Self {
        let customers: Vec<IpAddr> = (0..cases.len()).map(|n| Case::customer(n).into()).collect();
        let qualities = vec![abi::Quality::default(); cases.len()];
        Self { middle: TrialBox::new(&customers, FLOWS).unwrap(), qualities }
    }

    pub(crate) fn history(&self, ends: &Ends) -> Option<abi::FlowHistory> {
        self.middle.history(&key(ends))
    }

    /// The row of the `n`th case's circuit, as it was when all had been played.
    pub(crate) fn quality_of(&self, n: usize) -> &abi::Quality {
        &self.qualities[n]
    }
}

pub(crate) fn key(ends: &Ends) -> abi::FlowKey {
    flow_key(
        ends.protocol,
        (ends.customer.into(), ends.customer_port),
        (ends.internet.into(), ends.internet_port),
    )
}

/// Whether the rights to load programs are missing, which is said then.
pub(crate) fn without_privileges() -> bool {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: takes {}", missing.join(", "));
    }
    !missing.is_empty()
}

impl Observer for Programs {
    fn pass(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.middle.pass(frame)?)
    }

    fn reading(&self, ends: &Ends) -> Result<PerSegment<Reading>> {
        let history = self.history(ends).unwrap_or_default();
        Ok(PerSegment::from_fn(|segment| {
            let history = &history.streams[sent_by(segment) as usize];
            let last_ns = u64::from(history.rtt_last) * u64::from(abi::RTT_UNIT_NS);
            Reading { samples: history.rtt_samples, last_ns }
        }))
    }

    fn bins(&mut self, n: usize) -> Result<PerSegment<Bins>> {
        let quality = self.middle.readers.quality.take(CircuitSlot::new(n as u32));
        let quality = quality.unwrap_or_default();
        self.qualities[n] = quality;
        Ok(PerSegment::from_fn(|segment| {
            let first = segment as usize * abi::RTT_BINS as usize;
            let bins = &quality.bins[first..][..abi::RTT_BINS as usize];
            let counts = bins.iter().enumerate().map(|(bin, count)| (middle_of(bin), *count));
            Bins { counts: counts.collect(), samples: quality.samples[segment as usize] }
        }))
    }

    fn vlan(&self, host: Segment) -> u16 {
        match host {
            Segment::Internet => TrialBox::VLANS.0,
            Segment::Customer => TrialBox::VLANS.1,
        }
    }
}

/// The harmonic middle of a bin, in nanoseconds: eight bins an octave, one below and one above.
fn middle_of(bin: usize) -> u64 {
    let edge = |bin: usize| {
        let octave = abi::RTT_OCTAVE_MIN as usize + bin / 8;
        (1u64 << octave) * (8 + bin as u64 % 8) / 8
    };
    let units = match bin {
        0 => edge(0) / 2,
        bin if bin + 1 == abi::RTT_BINS as usize => edge(bin - 1),
        bin => 2 * edge(bin - 1) * edge(bin) / (edge(bin - 1) + edge(bin)),
    };
    units * u64::from(abi::RTT_UNIT_NS)
}
