//! Changes of a network, as the planner plans them: small, and felt by nobody else.

use std::collections::BTreeSet;

use apply::{Operation, Report, apply, change, steps, verify};
use kernel::fake::FakeKernel;
use kernel::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};
use kernel::tc::{ClassState, Failed, QdiscState, Request, TrafficControl};
use plan::synthetic::{Config, Size, circuit, provider};
use plan::{Facts, Leaf, Plan};
use proptest::prelude::*;
use units::{BitsPerSec, CircuitSlot, IfIndex, IpPrefix, PerDirection, TcHandle};

const QUEUES: u16 = 4;
const CIRCUITS: usize = 30;
/// Packets that wait in each circuit's class before a change.
const WAITING: u32 = 3;

/// What an operator does.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Rate(usize, u64),
    Move(usize, usize),
    Remove(usize),
    Add(usize),
    Leaf(usize, Leaf),
    Limit(usize, u64),
}

fn edits() -> impl Strategy<Value = Edit> {
    let leaf = prop_oneof![Just(Leaf::FqCodel), Just(Leaf::Fifo), Just(Leaf::None)];
    prop_oneof![
        (0..CIRCUITS, 1_u64..900).prop_map(|(i, mbps)| Edit::Rate(i, mbps)),
        (0..CIRCUITS, 0_usize..20).prop_map(|(i, node)| Edit::Move(i, node)),
        (0..CIRCUITS).prop_map(Edit::Remove),
        (CIRCUITS..2 * CIRCUITS).prop_map(Edit::Add),
        (0..CIRCUITS, leaf).prop_map(|(i, leaf)| Edit::Leaf(i, leaf)),
        (0_usize..20, 50_u64..9_000).prop_map(|(node, mbps)| Edit::Limit(node, mbps)),
    ]
}

fn edit(config: &mut Config, edit: Edit) {
    let network = &mut config.network;
    let nodes = network.nodes.len();
    let access_point = |node: usize| {
        let all: Vec<_> = (0..nodes).filter(|i| network.nodes[*i].parent.is_some()).collect();
        all[node % all.len()]
    };
    let circuits = network.circuits.len().max(1);
    match edit {
        Edit::Rate(i, mbps) => {
            if let Some(circuit) = network.circuits.get_mut(i % circuits) {
                circuit.max = PerDirection::both(BitsPerSec::from_mbps(mbps));
                let (min, max) = (circuit.min, circuit.max);
                circuit.min = PerDirection::from_fn(|direction| min[direction].min(max[direction]));
            }
        }
        Edit::Move(i, node) => {
            let parent = access_point(node);
            if let Some(circuit) = network.circuits.get_mut(i % circuits) {
                circuit.parent = Some(parent);
            }
        }
        Edit::Remove(i) => {
            if !network.circuits.is_empty() {
                network.circuits.remove(i % circuits);
            }
        }
        Edit::Add(i) => {
            let parent = access_point(i);
            let new = circuit(i, Some(parent), [2, 25, 1, 5]);
            if network.circuits.iter().all(|circuit| circuit.id != new.id) {
                network.circuits.push(new);
            }
        }
        Edit::Leaf(i, leaf) => {
            if let Some(circuit) = network.circuits.get_mut(i % circuits) {
                circuit.leaf = PerDirection::both(Some(leaf));
            }
        }
        Edit::Limit(node, mbps) => {
            let rate = PerDirection::both(Some(BitsPerSec::from_mbps(mbps)));
            network.nodes[node % nodes].rate = rate;
        }
    }
}

/// A provider with its machine, its plan, and a kernel that has it.
struct Box {
    config: Config,
    facts: Facts,
    plan: Plan,
    kernel: Watched,
}

impl Box {
    fn new(leaf: Leaf) -> Self {
        let size = Size { circuits: CIRCUITS, sites: 3, access_points: 3, queues: QUEUES };
        let (config, facts) = provider(size, leaf);
        let plan = plan::plan(&config, &facts, None).unwrap().plan;
        let nics = plan.nics.iter().map(|nic| (nic.ifindex, QUEUES));
        let mut kernel = Watched { kernel: FakeKernel::new(nics), is_strict: false, read: 0 };
        apply(&mut kernel, None, &plan).unwrap();
        kernel.is_strict = true;
        Self { config, facts, plan, kernel }
    }

    fn next(&self, edits: &[Edit]) -> (Config, Plan) {
        let mut config = self.config.clone();
        edits.iter().for_each(|one| edit(&mut config, *one));
        let plan = plan::plan(&config, &self.facts, Some(&self.plan)).unwrap().plan;
        (config, plan)
    }

    fn fill_queues(&mut self) {
        let nics = PerDirection { down: 0, up: 1 }.map(|at| self.plan.nics[at].ifindex);
        for (_, place) in self.kernel.kernel.circuits().unwrap() {
            self.kernel.kernel.queue(nics.down, place.class.down, WAITING);
            self.kernel.kernel.queue(nics.up, place.class.up, WAITING);
        }
    }

    fn change(&mut self, edits: &[Edit]) -> (Vec<Operation>, Report) {
        let (config, plan) = self.next(edits);
        let steps = steps(&mut self.kernel, Some(&self.plan), &plan).unwrap();
        let report = apply(&mut self.kernel, Some(&self.plan), &plan).unwrap();
        assert!(verify(&mut self.kernel, &plan).unwrap().is_empty());
        (self.config, self.plan) = (config, plan);
        (steps, report)
    }

    /// The same without reading what is there.
    fn change_unread(&mut self, edits: &[Edit]) -> Report {
        let (config, plan) = self.next(edits);
        let steps = steps(&mut self.kernel, Some(&self.plan), &plan).unwrap();
        self.kernel.read = 0;
        let report = change(&mut self.kernel, &self.plan, &plan).unwrap();
        assert_eq!(self.kernel.read, 0);
        assert_eq!(report.operations, Self::requests(&steps).len());
        assert!(verify(&mut self.kernel, &plan).unwrap().is_empty());
        (self.config, self.plan) = (config, plan);
        report
    }

    fn requests(operations: &[Operation]) -> Vec<&Request> {
        let requests = operations.iter().filter_map(|operation| match operation {
            Operation::Queues { requests, .. } => Some(requests),
            _ => None,
        });
        requests.flatten().collect()
    }
}

/// A kernel that looks after each step whether packets of circuits have a class.
struct Watched {
    kernel: FakeKernel,
    is_strict: bool,
    /// How often all of something was read.
    read: u32,
}

impl Watched {
    fn look(&mut self) {
        if !self.is_strict {
            return;
        }
        let nics: Vec<_> = [IfIndex::new(2), IfIndex::new(3)].into();
        let leaves: Vec<BTreeSet<TcHandle>> = nics
            .iter()
            .map(|nic| {
                let classes = self.kernel.classes(*nic).unwrap();
                let inner: BTreeSet<_> = classes.iter().map(|class| class.parent).collect();
                let all = classes.into_iter().map(|class| class.handle);
                all.filter(|class| !inner.contains(class)).collect()
            })
            .collect();
        let rows: Vec<(CircuitSlot, CircuitPlace)> = self.kernel.circuits().unwrap();
        for (slot, place) in rows {
            let is_used = |row: &(IpPrefix, AddressTarget)| row.1 == AddressTarget::Circuit(slot);
            if self.kernel.addresses().unwrap().iter().any(is_used) {
                assert!(leaves[0].contains(&place.class.down), "{slot:?} {place:?}");
                assert!(leaves[1].contains(&place.class.up), "{slot:?} {place:?}");
            }
        }
        assert_eq!(self.kernel.lost(), 0, "what waited was lost");
    }
}

impl TrafficControl for Watched {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        for request in batch {
            self.kernel.tc(nic, std::slice::from_ref(request))?;
            self.look();
        }
        Ok(())
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        self.read += 1;
        self.kernel.qdiscs(nics)
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        self.read += 1;
        self.kernel.classes(nic)
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        self.kernel.class(nic, handle)
    }
}

impl Tables for Watched {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.kernel.set_circuits(rows)?;
        self.look();
        Ok(())
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.kernel.set_addresses(rows)?;
        self.look();
        Ok(())
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        self.read += 1;
        self.kernel.circuits()
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        self.read += 1;
        self.kernel.addresses()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_packet_is_lost_or_without_a_class(
        rounds in prop::collection::vec(prop::collection::vec(edits(), 1..8), 1..4),
    ) {
        let mut stage = Box::new(Leaf::FqCodel);
        for edits in rounds {
            stage.fill_queues();
            let (_, report) = stage.change(&edits);
            prop_assert_eq!(report.undrained, 0);
        }
    }

    #[test]
    fn a_kernel_that_is_as_it_was_left_need_not_be_read(
        rounds in prop::collection::vec(prop::collection::vec(edits(), 0..8), 1..4),
    ) {
        let mut stage = Box::new(Leaf::FqCodel);
        for edits in rounds {
            stage.fill_queues();
            let report = stage.change_unread(&edits);
            prop_assert_eq!(report.undrained, 0);
        }
    }

    #[test]
    fn nothing_to_do_is_no_operation(edits in prop::collection::vec(edits(), 0..8)) {
        let mut stage = Box::new(Leaf::FqCodel);
        stage.change(&edits);
        let (operations, report) = stage.change(&[]);
        prop_assert_eq!((operations, report), (Vec::new(), Report::default()));
    }
}

/// Without the changes of what is guaranteed to the nodes above.
fn without_guarantees(operations: &[Operation]) -> Vec<&Request> {
    let (changes, others): (Vec<_>, Vec<_>) = Box::requests(operations)
        .into_iter()
        .partition(|request| matches!(request, Request::ChangeClass { .. }));
    assert!(changes.len() <= 4, "an access point and its site on two NICs: {changes:?}");
    others
}

#[test]
fn a_new_circuit_is_its_classes_its_leaves_and_its_addresses() {
    let mut stage = Box::new(Leaf::FqCodel);
    let (operations, report) = stage.change(&[Edit::Add(CIRCUITS)]);
    assert_eq!((report.circuits, report.addresses), (1, 2));
    let kinds: Vec<_> = operations.iter().map(kind).collect();
    assert_eq!(kinds, ["queues", "queues", "circuits", "addresses"]);
    let requests = without_guarantees(&operations);
    let [Request::AddClass { .. }, Request::AddQdisc { .. }, ..] = requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(requests.len(), 4);
}

#[test]
fn a_circuit_that_goes_is_drained_first() {
    let mut stage = Box::new(Leaf::FqCodel);
    stage.fill_queues();
    let (operations, report) = stage.change(&[Edit::Remove(7)]);
    assert_eq!(report.circuits, 1);
    let kinds: Vec<_> = operations.iter().map(kind).collect();
    let order = ["queues", "queues", "circuits", "addresses", "drain", "queues", "queues"];
    assert_eq!(kinds, order);
    let requests = without_guarantees(&operations);
    let [Request::DeleteClass { .. }, Request::DeleteClass { .. }] = requests[..] else {
        panic!("{requests:?}");
    };
}

#[test]
fn a_rate_is_one_class_on_each_nic() {
    let mut stage = Box::new(Leaf::FqCodel);
    let (operations, report) = stage.change(&[Edit::Rate(4, 800)]);
    assert_eq!((report.operations, report.circuits, report.addresses), (2, 0, 0));
    for request in Box::requests(&operations) {
        let Request::ChangeClass { handle, .. } = request else { panic!("{request:?}") };
        assert_eq!(*handle, stage.plan.circuits[4].class.down);
    }
}

#[test]
fn a_circuit_that_moves_is_made_repointed_drained_and_removed() {
    let mut stage = Box::new(Leaf::FqCodel);
    for (node, queue_stays) in [(1, true), (8, false)] {
        stage.fill_queues();
        let id = stage.plan.circuits[0].id.clone();
        let before = stage.plan.circuits[0].clone();
        let (operations, report) = stage.change(&[Edit::Move(0, node)]);
        let after = stage.plan.circuits.iter().find(|circuit| circuit.id == id).unwrap();
        assert_eq!(before.queue == after.queue, queue_stays, "{before:?} {after:?}");
        assert_eq!(before.slot, after.slot);
        assert_eq!(report.circuits, 1);
        let kinds: Vec<_> = operations.iter().map(kind).collect();
        let order = ["queues", "queues", "circuits", "drain", "queues", "queues"];
        assert_eq!(kinds, order);
        let made = |request: &&&Request| matches!(request, Request::AddClass { .. });
        let gone = |request: &&&Request| matches!(request, Request::DeleteClass { .. });
        let requests = Box::requests(&operations);
        assert_eq!(requests.iter().filter(made).count(), 2);
        assert_eq!(requests.iter().filter(gone).count(), 2);
    }
}

#[test]
fn a_leaf_of_another_kind_is_another_class() {
    let mut stage = Box::new(Leaf::FqCodel);
    stage.fill_queues();
    let before = stage.plan.circuits[3].clone();
    stage.change(&[Edit::Leaf(3, Leaf::Fifo)]);
    let after = &stage.plan.circuits[3];
    assert_eq!((before.id, before.slot, before.queue), (after.id.clone(), after.slot, after.queue));
    assert_ne!(before.class, after.class);
}

#[test]
fn a_kernel_that_somebody_changed_is_read_after_all() {
    let mut stage = Box::new(Leaf::FqCodel);
    stage.kernel.is_strict = false;
    let nic = stage.plan.nics[0].ifindex;
    let handle = stage.plan.circuits[4].class.down;
    stage.kernel.tc(nic, &[Request::DeleteClass { handle }]).unwrap();
    let (config, plan) = stage.next(&[Edit::Rate(4, 800)]);
    let report = change(&mut stage.kernel, &stage.plan, &plan).unwrap();
    assert!(verify(&mut stage.kernel, &plan).unwrap().is_empty());
    assert!(report.operations > 0 && stage.kernel.read > 0);
    (stage.config, stage.plan) = (config, plan);
}

#[test]
fn another_mtu_arrives() {
    let mut stage = Box::new(Leaf::FqCodel);
    let quanta = |stage: &mut Box| {
        let classes = stage.kernel.classes(stage.plan.nics[0].ifindex).unwrap();
        classes.iter().map(|class| class.parameters.quantum).collect::<Vec<_>>()
    };
    let before = quanta(&mut stage);
    (stage.facts.customers.mtu, stage.facts.internet.mtu) = (9_000, 9_000);
    stage.change(&[]);
    assert_ne!(quanta(&mut stage), before);
    (stage.facts.customers.mtu, stage.facts.internet.mtu) = (1_500, 1_500);
    let large = quanta(&mut stage);
    stage.change_unread(&[]);
    assert_ne!(quanta(&mut stage), large);
}

/// What the plan never asks for by itself, but a kernel that somebody else changed may need.
#[test]
fn a_number_that_is_in_the_way_goes_first() {
    let mut stage = Box::new(Leaf::FqCodel);
    stage.kernel.is_strict = false;
    let nic = &stage.plan.nics[0];
    let queue = &nic.queues[0];
    let leaf = queue.classes.iter().find(|class| class.leaf.is_some()).unwrap();
    let child = TcHandle::new(queue.htb.major(), 0xf000);
    let class = |handle, parent| Request::AddClass {
        handle,
        parent,
        class: kernel::tc::HtbClass {
            rate: leaf.rate,
            ceil: leaf.ceil,
            burst: leaf.burst,
            cburst: leaf.cburst,
            quantum: leaf.quantum,
            priority: 0,
        },
    };
    let other = queue.classes.iter().rfind(|class| class.leaf.is_some()).unwrap();
    let stranger = TcHandle::new(queue.htb.major(), 0xf001);
    let requests = [
        // a child under a leaf, and another's leaf handle under a class that nobody planned
        class(child, leaf.handle),
        Request::DeleteClass { handle: other.handle },
        class(stranger, queue.htb),
        Request::AddQdisc {
            parent: stranger,
            handle: other.leaf.unwrap().handle,
            qdisc: kernel::tc::Qdisc::FqCodel(kernel::tc::Codel::DEFAULT),
        },
        // and a class under another parent than planned
        class(other.handle, queue.htb),
    ];
    stage.kernel.tc(nic.ifindex, &requests).unwrap();
    let (operations, _) = stage.change(&[]);
    let first = Box::requests(&operations)[..3].to_vec();
    assert!(
        first.iter().all(|request| matches!(request, Request::DeleteClass { .. })),
        "{first:?}"
    );
}

const fn kind(operation: &Operation) -> &'static str {
    match operation {
        Operation::Queues { .. } => "queues",
        Operation::Circuits(_) => "circuits",
        Operation::Addresses(_) => "addresses",
        Operation::Drain(_) => "drain",
    }
}
