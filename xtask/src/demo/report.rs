//! The summary, for people and for programs.

mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bus::{FlowRow, RttPercentiles};
use serde::Serialize;
use units::{BitsPerSec, Direction, PerDirection};

use super::live::flow_name;
use super::network::Example;
use super::phases::Phase;
use super::{Traffic, judge};

/// Everything that was measured beside what was promised.
#[derive(Serialize)]
pub(super) struct Report {
    passed: bool,
    circuits: Vec<CircuitResult>,
    nodes: Vec<NodeResult>,
    shares: Vec<ShareResult>,
    unknown_host_passes: bool,
    top_flows: Vec<FlowResult>,
}

/// One circuit with room for it: payload at the receiver against the plan.
#[derive(Serialize)]
struct CircuitResult {
    id: String,
    name: String,
    down_plan_bps: u64,
    down_measured_bps: u64,
    up_plan_bps: u64,
    up_measured_bps: u64,
    rtt_customer_us: Option<RttResult>,
    rtt_internet_us: Option<RttResult>,
    down_retransmits: u64,
    up_retransmits: u64,
    passed: bool,
}

/// The RTTs that the daemon measured on one side.
#[derive(Clone, Copy, Serialize)]
struct RttResult {
    p50: u64,
    p90: u64,
    p99: u64,
    samples: u64,
}

/// One of the largest flows.
#[derive(Serialize)]
struct FlowResult {
    flow: String,
    circuit: Option<String>,
    down_bytes: u64,
    up_bytes: u64,
    rtt_customer_us: Option<u64>,
    rtt_internet_us: Option<u64>,
    down_retransmits: u64,
    up_retransmits: u64,
}

/// One node: the most that its circuits received at the same time, and the most that the daemon
/// saw in whole frames, against the limit.
#[derive(Serialize)]
struct NodeResult {
    name: String,
    down_limit_bps: u64,
    down_measured_bps: u64,
    down_peak_bps: u64,
    up_limit_bps: u64,
    up_measured_bps: u64,
    up_peak_bps: u64,
    passed: bool,
}

/// One circuit's part of a full node.
#[derive(Serialize)]
struct ShareResult {
    id: String,
    direction: Direction,
    share_bps: u64,
    measured_bps: u64,
    passed: bool,
}

impl Report {
    /// Judges what was measured.
    pub(super) fn new(example: &Example, traffic: &Traffic) -> Self {
        let circuits = circuits(example, traffic);
        let nodes = nodes(example, traffic);
        let shares = shares(example, traffic);
        let unknown_host_passes = traffic.unknown.sent > 0 && traffic.unknown.lost == 0;
        let passed = circuits.iter().all(|circuit| circuit.passed)
            && nodes.iter().all(|node| node.passed)
            && shares.iter().all(|share| share.passed)
            && unknown_host_passes;
        let top_flows = traffic.measured.flows.iter().map(flow_result).collect();
        Self { passed, circuits, nodes, shares, unknown_host_passes, top_flows }
    }

    /// Whether everything is as promised.
    pub(super) fn passed(&self) -> bool {
        self.passed
    }

    /// Writes all of it to a file.
    pub(super) fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("could not write JSON")?;
        fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
    }
}

fn circuits(example: &Example, traffic: &Traffic) -> Vec<CircuitResult> {
    let measured = |circuit: usize, direction: Direction| {
        traffic
            .phases
            .iter()
            .filter(|(phase, _)| !phase.contended)
            .flat_map(|(_, outcomes)| outcomes)
            .find(|outcome| {
                outcome.transfer.circuit == circuit && outcome.transfer.direction == direction
            })
            .map_or(BitsPerSec::ZERO, |outcome| outcome.rate)
    };
    let result = |(i, circuit): (usize, &super::network::Subscriber)| {
        let measured = PerDirection::from_fn(|direction| measured(i, direction));
        let quality = traffic.measured.circuits.get(&circuit.id).copied().unwrap_or_default();
        let rtt = quality.rtt.map(|rtt| rtt.map(rtt_result));
        CircuitResult {
            id: circuit.id.clone(),
            name: circuit.name.clone(),
            down_plan_bps: circuit.plan.down.get(),
            down_measured_bps: measured.down.get(),
            up_plan_bps: circuit.plan.up.get(),
            up_measured_bps: measured.up.get(),
            rtt_customer_us: rtt.customer,
            rtt_internet_us: rtt.internet,
            down_retransmits: quality.retransmits.down,
            up_retransmits: quality.retransmits.up,
            passed: judge::meets_plan(measured.down, circuit.plan.down)
                && judge::meets_plan(measured.up, circuit.plan.up),
        }
    };
    example.circuits.iter().enumerate().map(result).collect()
}

fn rtt_result(rtt: RttPercentiles) -> RttResult {
    RttResult { p50: rtt.p50_us, p90: rtt.p90_us, p99: rtt.p99_us, samples: rtt.samples }
}

fn flow_result(flow: &FlowRow) -> FlowResult {
    let rtt = flow.rtt.map(|rtt| rtt.map(|rtt| rtt.smoothed_us));
    FlowResult {
        flow: flow_name(&flow.key),
        circuit: flow.circuit.as_deref().map(str::to_owned),
        down_bytes: flow.streams.down.bytes,
        up_bytes: flow.streams.up.bytes,
        rtt_customer_us: rtt.customer,
        rtt_internet_us: rtt.internet,
        down_retransmits: flow.streams.down.retransmits,
        up_retransmits: flow.streams.up.retransmits,
    }
}

fn nodes(example: &Example, traffic: &Traffic) -> Vec<NodeResult> {
    let most = |node: usize, direction: Direction| {
        let received = traffic.phases.iter().map(|(_, outcomes)| {
            outcomes
                .iter()
                .filter(|outcome| outcome.transfer.direction == direction)
                .filter(|outcome| example.nodes_above(outcome.transfer.circuit).any(|n| n == node))
                .map(|outcome| outcome.rate)
                .sum::<BitsPerSec>()
        });
        received.max().unwrap_or_default()
    };
    let result = |(i, node): (usize, &super::network::Limit)| {
        let measured = PerDirection::from_fn(|direction| most(i, direction));
        let peak = traffic.peaks.get(&node.name).copied().unwrap_or_default();
        let holds = |measured: PerDirection<BitsPerSec>| {
            judge::holds_limit(measured.down, node.rate.down)
                && judge::holds_limit(measured.up, node.rate.up)
        };
        NodeResult {
            name: node.name.clone(),
            down_limit_bps: node.rate.down.get(),
            down_measured_bps: measured.down.get(),
            down_peak_bps: peak.down.get(),
            up_limit_bps: node.rate.up.get(),
            up_measured_bps: measured.up.get(),
            up_peak_bps: peak.up.get(),
            passed: holds(measured) && holds(peak),
        }
    };
    example.nodes.iter().enumerate().map(result).collect()
}

fn shares(example: &Example, traffic: &Traffic) -> Vec<ShareResult> {
    let contended = traffic.phases.iter().filter(|(phase, _)| phase.contended);
    let mut results = Vec::new();
    for (_, outcomes) in contended {
        // Everyone who asks for a part of the same node in the same direction.
        let mut crowds: BTreeMap<(Option<usize>, Direction), Vec<&super::Outcome>> =
            BTreeMap::new();
        for outcome in outcomes {
            let parent = example.circuits[outcome.transfer.circuit].parent;
            crowds.entry((parent, outcome.transfer.direction)).or_default().push(outcome);
        }
        for ((parent, direction), crowd) in crowds {
            let Some(node) = parent else { continue };
            let asks: Vec<_> = crowd
                .iter()
                .map(|outcome| &example.circuits[outcome.transfer.circuit])
                .map(|circuit| (circuit.min[direction], circuit.plan[direction]))
                .collect();
            let shares = judge::fair_shares(example.nodes[node].rate[direction], &asks);
            for (outcome, share) in crowd.iter().zip(shares) {
                results.push(ShareResult {
                    id: example.circuits[outcome.transfer.circuit].id.clone(),
                    direction,
                    share_bps: share.get(),
                    measured_bps: outcome.rate.get(),
                    passed: judge::meets_share(outcome.rate, share),
                });
            }
        }
    }
    results
}

/// A phase with what its transfers reached.
pub(super) type Measured = (Phase, Vec<super::Outcome>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::quality::{self, Quality};
    use crate::demo::{Outcome, live::Peaks, phases};
    use crate::step;
    use testkit::PingReport;
    use units::PerSegment;

    /// Everyone gets exactly what is promised, except that `change` has the last word.
    fn report(change: impl Fn(&mut Outcome, bool)) -> Report {
        let example = Example::load(&step::root().join("config/example")).unwrap();
        let mut measured = Vec::new();
        for phase in phases::of(&example) {
            let rate = |transfer: &phases::Transfer| {
                let circuit = &example.circuits[transfer.circuit];
                let plan = circuit.plan[transfer.direction];
                if !phase.contended {
                    return plan;
                }
                // The shipped access point is shared by two, 2 to 1.
                let limit = example.nodes[circuit.parent.unwrap()].rate[transfer.direction];
                let whole = limit.percent(95);
                let is_first = circuit.min.down > BitsPerSec::from_mbps(5);
                if is_first { whole.percent(66).min(plan) } else { whole.percent(34) }
            };
            let outcomes = phase.transfers.iter().map(|transfer| {
                let mut outcome = Outcome { transfer: *transfer, rate: rate(transfer) };
                change(&mut outcome, phase.contended);
                outcome
            });
            let outcomes = outcomes.collect();
            measured.push((phase, outcomes));
        }
        let unknown = PingReport { sent: 5, lost: 0, rtt_ms: vec![1.0] };
        let quality = Quality {
            rtt: PerSegment { customer: Some(RttPercentiles::default()), internet: None },
            retransmits: PerDirection { down: 7, up: 0 },
        };
        let circuits = example.circuits.iter().map(|circuit| (circuit.id.clone(), quality));
        let seen = quality::Measured { circuits: circuits.collect(), flows: Vec::new() };
        let peaks = Peaks::new();
        Report::new(&example, &Traffic { phases: measured, peaks, unknown, measured: seen })
    }

    #[test]
    fn what_is_as_promised_passes() {
        let report = report(|_, _| {});
        assert!(report.passed(), "{report}");
        assert_eq!(report.shares.len(), 4);
        assert!(!report.to_string().contains("MISS"));
    }

    #[test]
    fn one_slow_circuit_misses() {
        let report = report(|outcome, contended| {
            if outcome.transfer.circuit == 2 && !contended {
                outcome.rate = outcome.rate.percent(90);
            }
        });
        assert!(!report.passed());
        assert_eq!(report.circuits.iter().filter(|circuit| !circuit.passed).count(), 1);
    }

    #[test]
    fn an_access_point_over_its_limit_misses() {
        let report = report(|outcome, contended| {
            if contended {
                outcome.rate = outcome.rate.percent(150);
            }
        });
        assert!(report.nodes.iter().any(|node| !node.passed));
        assert!(report.shares.iter().all(|share| !share.passed));
    }

    #[test]
    fn programs_find_the_agreed_fields() {
        let value = serde_json::to_value(report(|_, _| {})).unwrap();
        assert_eq!(value["passed"], true);
        let has = |of: &serde_json::Value, fields: &[&str]| {
            fields.iter().all(|field| of[field].is_number())
        };
        let circuit = &value["circuits"][0];
        let rates = ["down_plan_bps", "down_measured_bps", "up_plan_bps", "up_measured_bps"];
        assert!(circuit["id"].is_string() && has(circuit, &rates), "{circuit}");
        assert!(circuit["rtt_customer_us"]["p50"].is_number(), "{circuit}");
        assert!(
            circuit["rtt_internet_us"].is_null() && circuit["down_retransmits"] == 7,
            "{circuit}"
        );
        let node = &value["nodes"][0];
        let rates = ["down_limit_bps", "down_measured_bps", "up_limit_bps", "up_measured_bps"];
        assert!(node["name"].is_string() && has(node, &rates), "{node}");
    }
}
