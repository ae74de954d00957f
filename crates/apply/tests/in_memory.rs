//! Properties of apply, on a kernel in memory that can be told to fail.

mod builder;

use apply::{Difference, Failure, Left, Mismatch, apply, change, requests, teardown, verify};
use builder::{NICS, observing, plan, single_queue};
use kernel::fake::{FakeKernel, Operation};
use kernel::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};
use kernel::tc::{
    ClassState, Codel, Failed, HtbClass, HtbParameters, Qdisc, QdiscState, Request, TrafficControl,
};
use plan::synthetic::{Size, provider};
use plan::{Leaf, Mode, Plan, Target};
use proptest::prelude::*;
use units::{BitsPerSec, Bytes, CircuitSlot, IfIndex, IpPrefix, TcHandle};

fn new_kernel() -> FakeKernel {
    FakeKernel::new(NICS.map(|(nic, _)| (nic, 8)))
}

fn plans() -> impl Strategy<Value = Plan> {
    let leaf = prop_oneof![Just(Leaf::Fifo), Just(Leaf::None), Just(Leaf::FqCodel)];
    // No queues: nothing to shape. An HTB may be the root of NICs with more queues as well.
    let queues = prop_oneof![Just(None), (0_u16..=4).prop_map(Some)];
    (queues, leaf, prop::collection::vec(1_u64..500, 0..12)).prop_map(|(queues, leaf, rates)| {
        match queues {
            None => single_queue(NICS, leaf, &rates),
            Some(0) => observing(NICS),
            Some(queues) => plan(NICS, queues, leaf, &rates),
        }
    })
}

/// What the kernel has of qdiscs, classes and rows, but for how it came about.
fn state(kernel: &mut FakeKernel) -> impl PartialEq + std::fmt::Debug + use<> {
    let nics = NICS.map(|(nic, _)| nic);
    let classes = nics.map(|nic| kernel.classes(nic).unwrap());
    let rows = (kernel.circuits().unwrap(), kernel.addresses().unwrap());
    (kernel.qdiscs(&nics).unwrap(), classes, rows)
}

proptest! {
    #[test]
    fn any_plan_arrives_after_any_other(old in plans(), new in plans()) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &old).unwrap();
        apply(&mut kernel, Some(&old), &new).unwrap();
        prop_assert!(verify(&mut kernel, &new).unwrap().is_empty());
        prop_assert!(!kernel.has_dead_queue());
    }

    #[test]
    fn the_same_plan_sends_nothing(plan in plans()) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &plan).unwrap();
        let sent = kernel.log.len();
        let report = apply(&mut kernel, Some(&plan), &plan).unwrap();
        prop_assert_eq!((report.operations, report.circuits, kernel.log.len()), (0, 0, sent));
    }

    #[test]
    fn a_failed_start_leaves_default_roots(plan in plans(), after in 0_usize..40) {
        let mut kernel = new_kernel();
        let before = state(&mut kernel);
        kernel.fail(after, 1);
        match apply(&mut kernel, None, &plan) {
            Ok(_) => prop_assert!(verify(&mut kernel, &plan).unwrap().is_empty()),
            Err(error) => {
                prop_assert!(matches!(error.left, Left::Nothing), "{}", error);
                prop_assert_eq!(state(&mut kernel), before);
            }
        }
    }

    #[test]
    fn fault_07_a_failed_change_goes_back(old in plans(), new in plans(), after in 0_usize..40) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &old).unwrap();
        kernel.fail(after, 1);
        match apply(&mut kernel, Some(&old), &new) {
            Ok(_) => prop_assert!(verify(&mut kernel, &new).unwrap().is_empty()),
            Err(error) => {
                prop_assert!(matches!(error.left, Left::Previous), "{}", error);
                prop_assert!(verify(&mut kernel, &old).unwrap().is_empty());
            }
        }
        prop_assert!(!kernel.has_dead_queue());
    }

    #[test]
    fn a_change_of_an_unread_kernel_that_fails_says_what_is_left(
        old in plans(), new in plans(), after in 0_usize..40, times in 1_usize..100,
    ) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &old).unwrap();
        let before = state(&mut kernel);
        kernel.fail(after, times);
        match change(&mut kernel, &old, &new) {
            Ok(_) => prop_assert!(verify(&mut kernel, &new).unwrap().is_empty()),
            Err(error) => match error.left {
                Left::Untouched => prop_assert_eq!(state(&mut kernel), before),
                Left::Previous => prop_assert!(verify(&mut kernel, &old).unwrap().is_empty()),
                Left::Nothing => prop_assert_eq!(state(&mut kernel), state(&mut new_kernel())),
                Left::Unknown(_) => {}
            },
        }
    }

    #[test]
    fn a_kernel_that_fails_for_long_never_keeps_half_a_tree(
        old in plans(), new in plans(), after in 0_usize..40, times in 2_usize..200,
    ) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &old).unwrap();
        kernel.fail(after, times);
        if let Err(error) = apply(&mut kernel, Some(&old), &new) {
            match error.left {
                Left::Previous => prop_assert!(verify(&mut kernel, &old).unwrap().is_empty()),
                Left::Nothing => prop_assert_eq!(state(&mut kernel), state(&mut new_kernel())),
                Left::Untouched => prop_assert!(false, "operations were tried"),
                // The operator is told.
                Left::Unknown(_) => {}
            }
        }
    }

    #[test]
    fn teardown_leaves_nothing(plan in plans()) {
        let mut kernel = new_kernel();
        apply(&mut kernel, None, &plan).unwrap();
        teardown(&mut kernel, &plan).unwrap();
        prop_assert_eq!(state(&mut kernel), state(&mut new_kernel()));
        prop_assert!(!kernel.has_dead_queue());
    }
}

#[test]
fn a_rate_change_touches_that_class_only() {
    let mut kernel = new_kernel();
    let old = plan(NICS, 2, Leaf::FqCodel, &[10, 20, 30, 40]);
    let new = plan(NICS, 2, Leaf::FqCodel, &[10, 25, 30, 40]);
    apply(&mut kernel, None, &old).unwrap();
    kernel.log.clear();
    let report = apply(&mut kernel, Some(&old), &new).unwrap();
    assert_eq!((report.operations, report.circuits), (2, 0));
    for operation in &kernel.log {
        let Operation::Tc(_, Request::ChangeClass { handle, .. }) = operation else {
            panic!("{operation:?}");
        };
        assert_eq!(*handle, TcHandle::new(2, 4));
    }
}

#[test]
fn a_fifo_follows_its_rate_in_place() {
    let mut kernel = new_kernel();
    let old = plan(NICS, 1, Leaf::Fifo, &[10]);
    let new = plan(NICS, 1, Leaf::Fifo, &[12]);
    apply(&mut kernel, None, &old).unwrap();
    assert_eq!(apply(&mut kernel, Some(&old), &new).unwrap().operations, 4);
}

#[test]
fn a_slow_leaf_follows_its_rate_in_place() {
    for leaf in [Leaf::FqCodel, Leaf::Cake(plan::Diffserv::Diffserv4)] {
        let mut kernel = new_kernel();
        let old = plan(NICS, 1, leaf, &[2]);
        let new = plan(NICS, 1, leaf, &[12]);
        apply(&mut kernel, None, &old).unwrap();
        assert_eq!(change(&mut kernel, &old, &new).unwrap().operations, 4);
        assert!(verify(&mut kernel, &new).unwrap().is_empty());
    }
}

#[test]
fn a_new_daemon_adopts_what_it_finds() {
    let mut kernel = new_kernel();
    let plan = plan(NICS, 4, Leaf::Fifo, &[10; 9]);
    apply(&mut kernel, None, &plan).unwrap();
    let report = apply(&mut kernel, None, &plan).unwrap();
    assert_eq!((report.operations, report.circuits, report.addresses), (0, 0, 0));
}

#[test]
fn what_somebody_changed_is_mended_in_its_queue_alone() {
    let mut kernel = new_kernel();
    let plan = plan(NICS, 4, Leaf::Fifo, &[10; 8]);
    apply(&mut kernel, None, &plan).unwrap();
    let gone = Request::DeleteClass { handle: TcHandle::new(3, 4) };
    kernel.tc(NICS[0].0, &[gone]).unwrap();
    kernel.log.clear();
    let missing = verify(&mut kernel, &plan).unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].difference, Difference::ClassMissing);
    apply(&mut kernel, Some(&plan), &plan).unwrap();
    for operation in &kernel.log {
        let Operation::Tc(nic, request) = operation else { panic!("{operation:?}") };
        let place = match request {
            Request::AddClass { handle, .. } => *handle,
            Request::AddQdisc { parent, .. } | Request::ReplaceQdisc { parent, .. } => *parent,
            other => panic!("{other:?}"),
        };
        assert_eq!(*nic, NICS[0].0);
        assert!(place.major() == 3 || place == TcHandle::new(0x0fff, 3), "{place}");
    }
}

#[test]
fn somebody_elses_root_is_named_and_kept() {
    let mut kernel = new_kernel();
    let foreign = Request::AddQdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(0x42, 0),
        qdisc: Qdisc::Htb { default_minor: 1 },
    };
    kernel.tc(NICS[1].0, &[foreign]).unwrap();
    let sent = kernel.log.len();
    let error = apply(&mut kernel, None, &plan(NICS, 2, Leaf::Fifo, &[5])).unwrap_err();
    assert!(matches!(error.left, Left::Untouched));
    assert!(matches!(error.failure, Failure::ForeignRoot { .. }));
    assert_eq!(
        error.failure.to_string(),
        "tg-internet has the root qdisc htb 42:, which is not Tidegate's; remove it with \
         `tc qdisc del dev tg-internet root` if nothing needs it"
    );
    assert_eq!(kernel.log.len(), sent);
}

#[test]
fn a_refused_operation_is_told_with_its_circuit() {
    let mut kernel = new_kernel();
    // mq, the HTB, and three inner classes come first.
    kernel.fail(5, 1);
    let error = apply(&mut kernel, None, &plan(NICS, 1, Leaf::Fifo, &[5])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not apply the plan; its queues were removed and traffic passes unshaped"
    );
    assert_eq!(
        error.failure.to_string(),
        "tg-customers: an operation on the queues for circuit C0 failed"
    );
    assert!(kernel.tables.is_empty());
}

#[test]
fn a_nic_with_one_queue_has_its_htb_at_the_root() {
    let mut kernel = FakeKernel::new(NICS.map(|(nic, _)| (nic, 1)));
    let before = state(&mut kernel);
    let old = single_queue(NICS, Leaf::FqCodel, &[10, 20]);
    let faster = single_queue(NICS, Leaf::FqCodel, &[10, 25]);
    let other = single_queue(NICS, Leaf::Fifo, &[10, 25]);
    assert_eq!(apply(&mut kernel, None, &old).unwrap().operations, 2 * (1 + 3 + 2 * 2));
    assert_eq!(apply(&mut kernel, Some(&old), &old).unwrap().operations, 0);
    assert_eq!(apply(&mut kernel, None, &faster).unwrap().operations, 2);
    apply(&mut kernel, Some(&faster), &other).unwrap();
    teardown(&mut kernel, &other).unwrap();
    assert_eq!(state(&mut kernel), before);
}

#[test]
fn a_tree_that_a_crash_left_goes_when_nothing_is_shaped() {
    for (queues, left) in [
        (8, plan(NICS, 3, Leaf::Fifo, &[10, 20])),
        (1, single_queue(NICS, Leaf::Fifo, &[10, 20])),
        (1, single_queue(NICS, Leaf::None, &[])),
    ] {
        let mut kernel = FakeKernel::new(NICS.map(|(nic, _)| (nic, queues)));
        let before = state(&mut kernel);
        apply(&mut kernel, None, &left).unwrap();
        apply(&mut kernel, None, &observing(NICS)).unwrap();
        assert_eq!(state(&mut kernel), before);
        teardown(&mut kernel, &observing(NICS)).unwrap();
        assert_eq!(state(&mut kernel), before);
    }
}

#[test]
fn a_change_of_roots_that_cannot_be_taken_back_leaves_no_tree() {
    let old = plan(NICS, 3, Leaf::Fifo, &[10, 20]);
    for new in [observing(NICS), single_queue(NICS, Leaf::Fifo, &[10])] {
        for after in 0..4 {
            let mut kernel = new_kernel();
            apply(&mut kernel, None, &old).unwrap();
            // What fails, and the first step back.
            kernel.fail(after, 2);
            match apply(&mut kernel, Some(&old), &new) {
                Ok(_) => panic!("no operation failed"),
                Err(error) => match error.left {
                    Left::Previous => assert!(verify(&mut kernel, &old).unwrap().is_empty()),
                    Left::Nothing => assert_eq!(state(&mut kernel), state(&mut new_kernel())),
                    Left::Untouched | Left::Unknown(_) => panic!("{error}"),
                },
            }
        }
    }
}

/// What is taken for ours at a root has to follow what the planner numbers.
#[test]
fn what_the_planner_makes_is_known_without_a_plan() {
    for (queues, leaf) in [(1, Leaf::FqCodel), (1, Leaf::None), (4, Leaf::FqCodel)] {
        let size = Size { circuits: 20, sites: 2, access_points: 2, queues };
        let (mut config, facts) = provider(size, leaf);
        let shaped = plan::plan(&config, &facts, None).unwrap().plan;
        config.interfaces.mode = Mode::Observe;
        let observed = plan::plan(&config, &facts, None).unwrap().plan;
        let mut kernel = FakeKernel::new(NICS.map(|(nic, _)| (nic, queues)));
        let nics = NICS.map(|(nic, _)| nic);
        let before = kernel.qdiscs(&nics).unwrap();
        apply(&mut kernel, None, &shaped).unwrap();
        assert_eq!(apply(&mut kernel, None, &observed).unwrap().operations, 2);
        assert_eq!(kernel.qdiscs(&nics).unwrap(), before);
    }
}

#[test]
fn half_a_tree_at_the_root_is_built_anew() {
    let wanted = single_queue(NICS, Leaf::Fifo, &[10, 20]);
    let all: Vec<_> = requests(&wanted).remove(0).1;
    for built in 0..all.len() {
        let mut kernel = FakeKernel::new(NICS.map(|(nic, _)| (nic, 1)));
        kernel.tc(NICS[0].0, &all[..built]).unwrap();
        apply(&mut kernel, None, &wanted).unwrap();
    }
}

#[test]
fn somebody_elses_htb_of_the_same_name_is_kept() {
    let root = Request::AddQdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(1, 0),
        qdisc: Qdisc::Htb { default_minor: 2 },
    };
    let class = |minor, parent| Request::AddClass {
        handle: TcHandle::new(1, minor),
        parent: TcHandle::new(1, parent),
        class: HtbClass {
            rate: BitsPerSec::from_mbps(u64::from(minor)),
            ceil: BitsPerSec::from_mbps(u64::from(minor)),
            burst: Bytes::new(15_000),
            cburst: Bytes::new(15_000),
            quantum: Bytes::new(1_514),
            priority: 0,
        },
    };
    let leaf = Request::AddQdisc {
        parent: TcHandle::new(1, 1),
        handle: TcHandle::new(0x10, 0),
        qdisc: Qdisc::FqCodel(Codel::DEFAULT),
    };
    for others in [
        vec![root.clone(), class(1, 0), class(2, 0)],
        vec![root.clone(), class(1, 0), class(2, 1)],
        vec![root, class(1, 0), leaf],
    ] {
        let mut kernel = FakeKernel::new(NICS.map(|(nic, _)| (nic, 1)));
        kernel.tc(NICS[0].0, &others).unwrap();
        let before = state(&mut kernel);
        apply(&mut kernel, None, &observing(NICS)).unwrap();
        assert_eq!(state(&mut kernel), before);
        let error = apply(&mut kernel, None, &single_queue(NICS, Leaf::None, &[5])).unwrap_err();
        assert!(matches!(error.failure, Failure::ForeignRoot { .. }));
        assert_eq!(state(&mut kernel), before);
    }
}

/// A kernel that looks at what each address leads to whenever a row is about to change.
struct Watched {
    kernel: FakeKernel,
    /// An address with the place that it must never lead to.
    never: (IpPrefix, CircuitPlace),
}

impl Watched {
    fn check(&mut self) {
        let (prefix, place) = self.never;
        let addresses = self.kernel.addresses().unwrap();
        let Some((_, AddressTarget::Circuit(slot))) = addresses.iter().find(|(p, _)| *p == prefix)
        else {
            return;
        };
        assert!(!self.kernel.circuits().unwrap().contains(&(*slot, place)), "{prefix}");
    }
}

impl Tables for Watched {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.kernel.set_circuits(rows)?;
        self.check();
        Ok(())
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.kernel.set_addresses(rows)?;
        self.check();
        Ok(())
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        self.kernel.circuits()
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        self.kernel.addresses()
    }
}

impl TrafficControl for Watched {
    fn tc(&mut self, nic: IfIndex, batch: &[Request]) -> Result<(), Failed> {
        self.kernel.tc(nic, batch)
    }

    fn qdiscs(&mut self, nics: &[IfIndex]) -> Result<Vec<QdiscState>, Failed> {
        self.kernel.qdiscs(nics)
    }

    fn classes(&mut self, nic: IfIndex) -> Result<Vec<ClassState>, Failed> {
        self.kernel.classes(nic)
    }

    fn class(&mut self, nic: IfIndex, handle: TcHandle) -> Result<Option<ClassState>, Failed> {
        self.kernel.class(nic, handle)
    }
}

#[test]
fn an_address_never_leads_to_who_took_its_old_row() {
    let old = plan(NICS, 2, Leaf::Fifo, &[10, 20, 30]);
    for (moved_to, is_read) in [(None, true), (Some(1), true), (None, false), (Some(1), false)] {
        let mut new = plan(NICS, 2, Leaf::Fifo, &[10, 20, 30, 40]);
        // Row 1 belongs to another circuit now, in a class that was not there before.
        let newcomer = new.circuits.remove(3);
        new.circuits[0] = plan::CircuitPlan { slot: new.circuits[0].slot, ..newcomer };
        let left = new.addresses.remove(0);
        new.addresses[2].target = left.target;
        if let Some(circuit) = moved_to {
            let target = Target::Circuit(new.circuits[circuit].slot);
            new.addresses.insert(0, plan::AddressPlan { target, ..left });
        }
        let circuit = &new.circuits[0];
        let place = CircuitPlace { class: circuit.class, queue: circuit.queue, cpu: circuit.cpu };
        let mut kernel = Watched { kernel: new_kernel(), never: (left.prefix, place) };
        apply(&mut kernel, None, &old).unwrap();
        kernel.kernel.log.clear();
        if is_read {
            apply(&mut kernel, Some(&old), &new).unwrap();
        } else {
            change(&mut kernel, &old, &new).unwrap();
        }
        let tables: Vec<_> =
            kernel.kernel.log.iter().filter(|o| !matches!(o, Operation::Tc(..))).collect();
        assert_eq!(
            tables,
            [&Operation::SetAddresses(1), &Operation::SetCircuits(1), &Operation::SetAddresses(2)],
            "only what leaves the row goes first"
        );
    }
}

#[test]
fn a_mismatch_names_what_differs() {
    let found =
        HtbParameters { rate: 1_250, buffer_ticks: 40, quantum: 1_514, ..HtbParameters::default() };
    let text = |wanted| {
        let difference = Difference::Parameters { wanted, found };
        let nic = "eth0".to_owned();
        Mismatch { nic, handle: TcHandle::new(1, 4), difference }.to_string()
    };
    assert_eq!(
        text(HtbParameters { buffer_ticks: 50, ..found }),
        "eth0: class 1:4 has burst 40, not 50 ticks"
    );
    assert_eq!(
        text(HtbParameters { rate: 2_500, cbuffer_ticks: 7, priority: 1, ..found }),
        "eth0: class 1:4 has rate 1250, not 2500 bytes per second, and cburst 0, not 7 ticks, \
         and priority 0, not 1"
    );
}
