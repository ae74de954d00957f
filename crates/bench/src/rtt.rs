//! How true the RTTs are that the programs measure.
//!
//! Simulated connections, whose every RTT is known, are played in real time through the loaded
//! programs (`BPF_PROG_TEST_RUN`). An error is what a sample is off the time that really passed between
//! the packets that it is of; `yield` is samples per timer tick in which one could have been taken. Of
//! a case's two segments the worse one counts.

use std::net::IpAddr;

use anyhow::{Context, Result};
use kernel::datapath::{TrialBox, flow_key};
use testkit::connection::{Ends, sent_by};
use testkit::rtt_truth::{Case, Observer, Reading, Score, SideScore, cases, play};
use units::{PerSegment, Segment};

use crate::record::Record;

/// Fewer chances than this, an opening handshake's, tell nothing of the yield.
const CHANCES: u64 = 3;

/// For each flow, so that every one finds a place.
const ROOM: u32 = 8;

/// Measures and tells.
pub(crate) fn run() -> Result<Vec<Record>> {
    let cases = cases();
    let customers: Vec<IpAddr> = (0..cases.len()).map(|n| Case::customer(n).into()).collect();
    let middle = TrialBox::new(&customers, ROOM * cases.len() as u32)
        .context("could not load the programs; this benchmark takes root")?;
    let played = play(&cases, &mut Programs(middle))?;
    let scores = cases.iter().zip(&played).map(|(case, played)| Score::new(case, played));
    Ok(scores.flat_map(|score| records(&score)).collect())
}

fn records(score: &Score) -> Vec<Record> {
    let sides = || Segment::ALL.into_iter().map(|segment| &score.sides[segment]);
    let worst_error = |percent| sides().filter_map(|side| side.error_ms(percent)).reduce(f64::max);
    let yielded = sides().filter(|side| side.chances >= CHANCES).filter_map(SideScore::yielded);
    let record = |metric: &str, unit: &str, value: f64| Record {
        bench: "rtt".to_owned(),
        scenario: score.name.clone(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference: None,
    };
    [
        worst_error(50).map(|error| record("error_ms_median", "ms", error)),
        worst_error(99).map(|error| record("error_ms_p99", "ms", error)),
        yielded.reduce(f64::min).map(|share| record("yield", "samples per chance", share)),
        Some(record("samples", "samples", sides().map(|side| side.samples).sum::<usize>() as f64)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Programs(TrialBox);

impl Observer for Programs {
    fn pass(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.0.pass(frame)?)
    }

    fn reading(&self, ends: &Ends) -> Result<PerSegment<Reading>> {
        let customer = (ends.customer.into(), ends.customer_port);
        let internet = (ends.internet.into(), ends.internet_port);
        let key = flow_key(ends.protocol, customer, internet);
        let history = self.0.history(&key).unwrap_or_default();
        Ok(PerSegment::from_fn(|segment| {
            let history = &history.streams[sent_by(segment) as usize];
            let last_ns = u64::from(history.rtt_last) * u64::from(abi::RTT_UNIT_NS);
            Reading { samples: history.rtt_samples, last_ns }
        }))
    }

    fn vlan(&self, host: Segment) -> u16 {
        match host {
            Segment::Internet => TrialBox::VLANS.0,
            Segment::Customer => TrialBox::VLANS.1,
        }
    }
}
