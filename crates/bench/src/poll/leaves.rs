//! Statistics of classes and leaves, read from queues that the bench makes.

use std::sync::Arc;

use anyhow::{Result, ensure};
use collect::classes;
use kernel::tc::Controller;
use plan::Plan;
use state::{CircuitLayout, ClassRef, Engine, Layout, Outcome, QueueLayout, Sample};
use units::{BitsPerSec, Direction, IfIndex, PerDirection};

use super::{record, timed};
use crate::apply_plan::{on_new_veths, send_bare};
use crate::record::{Record, median};

/// Each has a leaf on both NICs.
const CIRCUITS: usize = 5_000;

const ROUNDS: usize = 15;

/// Time between two samples.
const TICK_NS: u64 = 1_000_000_000;

/// Measures 10,000 leaves.
pub(super) fn measure() -> Result<Vec<Record>> {
    on_new_veths(CIRCUITS, |plan| {
        send_bare(plan, false)?;
        measure_plan(plan)
    })
}

fn measure_plan(plan: &Plan) -> Result<Vec<Record>> {
    let nics: Vec<IfIndex> = plan.nics.iter().map(|nic| nic.ifindex).collect();
    let layout = Arc::new(layout(plan));
    let mut controller = Controller::open()?;
    let mut engine = Engine::new();
    let (mut bare, mut reading, mut deriving, mut total) = (vec![], vec![], vec![], vec![]);
    // the first tick meets everything for the first time
    for round in 0..=ROUNDS {
        let (bare_ms, bytes) = timed(|| Ok(controller.dump_unread(&nics)?))?;
        ensure!(bytes > 0, "the kernel has no queues");
        let (read_ms, mut sample) = timed(|| Ok(classes::read(&mut controller, &nics)?))?;
        ensure!(sample.leaves.leaves.len() == 2 * CIRCUITS, "some leaves are missing");
        sample.taken_ns = (round as u64 + 1) * TICK_NS;
        let (derive_ms, outcome) = timed(|| {
            let taken_ns = sample.taken_ns;
            let classes = Some(Arc::new(sample));
            Ok(engine.update(&layout, Sample { taken_ns, classes, ..Sample::default() }))
        })?;
        ensure!(matches!(outcome, Outcome::Published { .. }), "a tick came too soon");
        if round > 0 {
            bare.push(bare_ms);
            reading.push(read_ms);
            deriving.push(derive_ms);
            total.push(read_ms + derive_ms);
        }
    }
    let leaf = engine.store().latest().leaves.circuit(CIRCUITS - 1, Direction::Upload).copied();
    ensure!(leaf.is_some(), "a circuit has no leaf");
    let scenario = "leaves-10000";
    let bare = median(bare);
    Ok(vec![
        record(scenario, "ms_per_tick", "ms", median(total), Some(bare)),
        record(scenario, "ms_reading", "ms", median(reading), Some(bare)),
        record(scenario, "ms_deriving", "ms", median(deriving), None),
    ])
}

fn layout(plan: &Plan) -> Layout {
    // the customers' NIC is first, and sends what is downloaded
    let [down, up] = [0, 1].map(|nic| plan.nics[nic].ifindex);
    let circuits = plan.circuits.iter().map(|circuit| CircuitLayout {
        id: circuit.id.clone(),
        name: "".into(),
        node: None,
        slot: circuit.slot,
        min: PerDirection::default(),
        max: PerDirection::default(),
        class: PerDirection {
            down: Some(ClassRef { nic: down, handle: circuit.class.down }),
            up: Some(ClassRef { nic: up, handle: circuit.class.up }),
        },
        queue: circuit.queue,
        cpu: circuit.cpu,
        addresses: Vec::new().into(),
    });
    let queues = plan.nics.iter().flat_map(|nic| {
        nic.queues.iter().map(|queue| QueueLayout {
            nic_name: nic.name.as_str().into(),
            nic: nic.ifindex,
            queue: queue.queue,
            cpu: queue.cpu,
            direction: queue.direction,
            htb: queue.htb,
            unclaimed: units::TcHandle::new(queue.htb.major(), queue.default_class),
            link: BitsPerSec::from_mbps(10_000),
            classes: queue.classes.len() as u32,
            leaves: queue.classes.len() as u32,
        })
    });
    Layout::new(1, circuits.collect(), Vec::new(), queues.collect())
}
