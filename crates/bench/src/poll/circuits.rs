//! Circuits and flows: filled maps, read and published tick by tick.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use abi::{Address, Count, Flow, FlowHistory, FlowKey, History, Quality, RTT_BINS, Stream};
use anyhow::{Context, Result, ensure};
use collect::clock::monotonic_ns;
use collect::{counters, flows, quality};
use kernel::datapath::{Filler, Loaded, MapSizes, Options, Readers};
use state::{
    CircuitLayout, Engine, FlowEngine, FlowLimits, Layout, NodeLayout, Origin, Outcome, Timeouts,
};
use units::{CircuitId, CircuitSlot, CpuId, IfIndex, NodeId, PerDirection, QueueId};

use super::memory::own_bytes;
use super::reader::Reader;
use super::{record, timed};
use crate::record::{Record, median};

/// How many circuits there are in turn. Costs and memory are to grow with them.
const CIRCUITS: [u32; 3] = [1_000, 10_000, 100_000];

const FLOWS_PER_CIRCUIT: u32 = 5;

const CIRCUITS_PER_NODE: u32 = 100;

/// Of how many circuits one changes in a tick.
const CHANGING: [u32; 2] = [1, 10];

const ROUNDS: u64 = 5;

/// Time between two ticks, as the engines are told.
const TICK_NS: u64 = 1_000_000_000;

/// Measures all sizes.
pub(super) fn measure() -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for circuits in CIRCUITS {
        records.extend(measure_one(circuits)?);
    }
    Ok(records)
}

/// What one tick took, in milliseconds.
#[derive(Default)]
struct Costs {
    counters: Vec<f64>,
    quality: Vec<f64>,
    circuits: Vec<f64>,
    flows: Vec<f64>,
    total: Vec<f64>,
    /// Having the kernel hand over the flows, with no look at them.
    bare: Vec<f64>,
}

fn measure_one(circuits: u32) -> Result<Vec<Record>> {
    let before = own_bytes()?;
    let mut bench = Bench::new(circuits)?;
    let kernel_bytes: u64 = bench.loaded.map_memory()?.iter().map(|map| map.bytes).sum();
    // the first two ticks meet everything for the first time
    for _ in 0..2 {
        bench.fill(1)?;
        bench.tick(&mut Costs::default())?;
    }
    let scenario = format!("circuits-{circuits}-flows-{}", circuits * FLOWS_PER_CIRCUIT);
    let mut records = Vec::new();
    let reader = Reader::start(bench.engine.store(), bench.flow_engine.store());
    for one_of in CHANGING {
        let mut costs = Costs::default();
        for _ in 0..ROUNDS {
            bench.fill(one_of)?;
            bench.tick(&mut costs)?;
            bench.fill(one_of)?;
            let (ms, _) = timed(|| bench.hand_over())?;
            costs.bare.push(ms);
        }
        let name = match one_of {
            1 => scenario.clone(),
            of => format!("{scenario}-{}-percent", 100 / of),
        };
        let total = median(costs.total);
        let changed = f64::from(circuits * FLOWS_PER_CIRCUIT / one_of);
        let flows_ms = median(costs.flows);
        let ms = |metric, value| record(&name, metric, "ms", value, None);
        records.extend([
            record(&name, "ms_per_tick", "ms", total, Some(median(costs.bare))),
            ms("ms_counters", median(costs.counters)),
            ms("ms_quality", median(costs.quality)),
            ms("ms_circuits", median(costs.circuits)),
            ms("ms_flows", flows_ms),
            record(
                &name,
                "ns_per_circuit",
                "ns",
                (total - flows_ms) * 1e6 / f64::from(circuits),
                None,
            ),
            record(&name, "ns_per_changed_flow", "ns", flows_ms * 1e6 / changed, None),
        ]);
    }
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let user_bytes = own_bytes()?.saturating_sub(before + bench.keys_bytes());
    records.extend([
        record(&scenario, "snapshot_load_p99", "us", reader.p99_us(), None),
        record(&scenario, "kernel_mebibytes", "MiB", mebibytes(kernel_bytes), None),
        record(&scenario, "user_mebibytes", "MiB", mebibytes(user_bytes), None),
    ]);
    Ok(records)
}

/// Loaded programs, what fills their maps, and what reads them.
struct Bench {
    circuits: u32,
    loaded: Loaded,
    filler: Filler,
    readers: Readers,
    engine: Engine,
    flow_engine: FlowEngine,
    layout: Arc<Layout>,
    keys: Vec<FlowKey>,
    begun: u64,
    /// How often the maps were filled.
    fills: u64,
    /// When the last tick was, had it come a second after the one before.
    now_ns: u64,
}

impl Bench {
    fn new(circuits: u32) -> Result<Self> {
        let flows = circuits * FLOWS_PER_CIRCUIT;
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Bridge,
            internet: IfIndex::new(1),
            customers: IfIndex::new(2),
            vlans: None,
            tcx: true,
            cpus: vec![CpuId::new(0)],
            // as roomy for what is in them as the largest size is at its limits of 2^17 and 2^19
            sizes: MapSizes {
                circuits: circuits + circuits * 31 / 100,
                hosts: circuits,
                prefixes: circuits / 10,
                unknown_hosts: circuits / 10,
                flows: flows + flows / 20,
            },
        })?;
        let filler = loaded.filler()?;
        let readers = loaded.take_readers().context("the readers were taken before")?;
        let begun = filler.jiffies()?;
        Ok(Self {
            circuits,
            loaded,
            filler,
            readers,
            engine: Engine::new(),
            flow_engine: FlowEngine::new(FlowLimits::default(), Timeouts::default()),
            layout: Arc::new(layout(circuits)),
            keys: (0..flows).map(flow_key).collect(),
            begun,
            fills: 0,
            now_ns: monotonic_ns(),
        })
    }

    /// Bytes that only filling needs.
    fn keys_bytes(&self) -> u64 {
        size_of_val(&self.keys[..]) as u64
    }

    /// Lets traffic come to one of `one_of` circuits, and to all its flows.
    fn fill(&mut self, one_of: u32) -> Result<()> {
        self.fills += 1;
        let jiffies = self.filler.jiffies()?;
        for slot in (0..self.circuits).step_by(one_of as usize) {
            for key in slot * FLOWS_PER_CIRCUIT..(slot + 1) * FLOWS_PER_CIRCUIT {
                let (flow, history) = flow(slot, self.fills, self.begun, jiffies);
                let key = &mut self.keys[key as usize];
                // one or two find no place: another one does
                while !self.filler.flow(key, flow, &history) {
                    key.customer_port = key.customer_port.wrapping_add(1);
                }
            }
            let slot = CircuitSlot::new(slot);
            self.filler.traffic(CpuId::new(0), slot, &traffic(self.fills));
            self.filler.quality(slot, &connections(self.fills));
        }
        Ok(())
    }

    fn tick(&mut self, costs: &mut Costs) -> Result<()> {
        self.now_ns += TICK_NS;
        let now_ns = self.now_ns;
        let readers = &mut self.readers;
        let (counters_ms, mut sample) = timed(|| {
            let mut sample = counters::read(&readers.counters, self.circuits);
            sample.unknown = counters::read_unknown(&readers.counters)?;
            Ok(sample)
        })?;
        let (quality_ms, readings) =
            timed(|| Ok(quality::read(&mut readers.quality, self.circuits)))?;
        sample.quality = readings;
        sample.taken_ns = now_ns;
        let (circuits_ms, outcome) = timed(|| Ok(self.engine.update(&self.layout, sample)))?;
        ensure!(matches!(outcome, Outcome::Published { .. }), "a tick came too soon");
        let (flows_ms, ()) = timed(|| {
            let mut count = 0;
            let changed = flows::read(&mut readers.flows)?.inspect(|_| count += 1);
            let resolve = |_| Origin::default();
            let gone = self.flow_engine.update(now_ns, changed, 1, resolve);
            ensure!(gone.is_empty(), "{} flows left", gone.len());
            ensure!(count > 0, "no flow has changed");
            Ok(())
        })?;
        costs.counters.push(counters_ms);
        costs.quality.push(quality_ms);
        costs.circuits.push(circuits_ms);
        costs.flows.push(flows_ms);
        costs.total.push(counters_ms + quality_ms + circuits_ms + flows_ms);
        Ok(())
    }

    fn hand_over(&mut self) -> Result<usize> {
        Ok(self.readers.flows.changed()?.count())
    }
}

fn layout(circuits: u32) -> Layout {
    let circuit = |slot: u32| CircuitLayout {
        id: CircuitId::from(slot.to_string()),
        name: format!("circuit {slot}").into(),
        node: Some((slot / CIRCUITS_PER_NODE) as usize),
        slot: CircuitSlot::new(slot),
        min: PerDirection::default(),
        max: PerDirection::default(),
        class: PerDirection::default(),
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(0),
        addresses: Vec::new().into(),
    };
    let node = |node: u32| NodeLayout {
        id: NodeId::from(node.to_string()),
        name: format!("site {node}").into(),
        kind: None,
        is_virtual: false,
        parent: None,
        limit: PerDirection::default(),
    };
    let nodes = (0..circuits.div_ceil(CIRCUITS_PER_NODE)).map(node).collect();
    Layout::new(1, (0..circuits).map(circuit).collect(), nodes, Vec::new())
}

fn address(v4: u32) -> Address {
    IpAddr::from(Ipv4Addr::from_bits(v4)).into()
}

fn flow_key(index: u32) -> FlowKey {
    FlowKey {
        customer: address(0x6440_0000 + index / FLOWS_PER_CIRCUIT),
        internet: address(0xc612_0000 + index % 60_000),
        customer_port: (40_000 + index as u16 % 20_000).to_be(),
        internet_port: 443_u16.to_be(),
        protocol: 6,
        padding: [0; 3],
    }
}

/// A flow to which ten packets each way have come with every filling.
fn flow(slot: u32, fills: u64, begun: u64, jiffies: u64) -> (Flow, FlowHistory) {
    let packets = 10 * fills;
    let stream = Stream {
        bytes: packets * 700,
        packets,
        epoch: 1,
        target: slot,
        last_seen: jiffies as u32,
        tcp_flags: 0x10,
        ..Stream::default()
    };
    let history = History {
        first_seen: begun as u32,
        rtt_last: 20_000,
        rtt_min: 15_000,
        rtt_smoothed: 21_000,
        rtt_samples: fills as u32,
        retransmits: fills as u32 / 2,
        ..History::default()
    };
    (Flow { streams: [stream; 2] }, FlowHistory { streams: [history; 2] })
}

fn traffic(fills: u64) -> [Count; 8] {
    [Count { bytes: fills * 100_000, packets: fills * 100 }; 8]
}

/// Five RTT samples on each segment, in four bins.
fn connections(fills: u64) -> Quality {
    let mut quality =
        Quality { retransmits: [fills; 2], samples: [5 * fills as u32; 2], ..Quality::default() };
    for segment in [0, RTT_BINS as usize] {
        for (bin, samples) in [(60, 1), (66, 2), (70, 1), (90, 1)] {
            quality.bins[segment + bin] = samples;
        }
    }
    quality
}
