//! The programs as what measures.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use kernel::datapath::{TrialBox, flow_key};
use testkit::connection::{Ends, sent_by};
use testkit::rtt_truth::{Bins, Case, Observer, Reading};
use testkit::Frame;
use units::{CircuitSlot, PerSegment, Segment};

const TCP: u8 = 6;
const UDP: u8 = 17;
const HTTPS: u16 = 443;
/// Room for flows.
const FLOWS: u32 = 1024;

/// A box with a circuit for each case.
pub(crate) struct Programs {
    pub(crate) middle: TrialBox,
    protocols: Vec<u8>,
}

impl Programs {
    pub(crate) fn new(cases: &[Case]) -> Self {
        let customers: Vec<IpAddr> = (0..cases.len()).map(|n| customer(n).into()).collect();
        let protocols = cases.iter().map(|case| if case.is_quic { UDP } else { TCP }).collect();
        Self { middle: TrialBox::new(&customers, FLOWS).unwrap(), protocols }
    }

    pub(crate) fn flow(&self, ends: &Ends) -> Result<Option<abi::Flow>> {
        let n = u32::from(ends.customer) - u32::from(customer(0));
        let key = flow_key(
            self.protocols[n as usize],
            (ends.customer.into(), ends.customer_port),
            (ends.internet.into(), ends.internet_port),
        );
        Ok(self.middle.flow(&key)?)
    }
}

fn customer(n: usize) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 1)) + n as u32)
}

impl Observer for Programs {
    fn pass(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.middle.pass(frame)?)
    }

    fn reading(&self, ends: &Ends) -> Result<PerSegment<Reading>> {
        let Some(flow) = self.flow(ends)? else { return Ok(PerSegment::default()) };
        Ok(PerSegment::from_fn(|segment| {
            let stream = &flow.streams[sent_by(segment) as usize];
            let last_ns = u64::from(stream.rtt_last) * u64::from(abi::RTT_UNIT_NS);
            Reading { samples: stream.rtt_samples, last_ns }
        }))
    }

    fn bins(&mut self, n: usize) -> Result<PerSegment<Bins>> {
        let quality = self.middle.readers.quality.take(CircuitSlot::new(n as u32));
        let quality = quality.unwrap_or_default();
        Ok(PerSegment::from_fn(|segment| {
            let first = segment as usize * abi::RTT_BINS as usize;
            let bins = &quality.bins[first..][..abi::RTT_BINS as usize];
            let counts = bins.iter().enumerate().map(|(bin, count)| (middle_of(bin), *count));
            Bins { counts: counts.collect(), samples: quality.samples[segment as usize] }
        }))
    }

    fn ends(&self, n: usize, case: &Case) -> Ends {
        Ends {
            customer: customer(n),
            customer_port: 40_000 + n as u16,
            internet: Ipv4Addr::new(203, 0, 113, 1),
            internet_port: if case.is_quic { HTTPS } else { 8080 },
        }
    }

    fn link(&self, host: Segment) -> Frame {
        Frame::ethernet().vlan(match host {
            Segment::Internet => TrialBox::VLANS.0,
            Segment::Customer => TrialBox::VLANS.1,
        })
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
