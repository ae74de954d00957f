//! Properties of apply, on a kernel in memory that can be told to fail.

mod builder;

use apply::{Difference, Failure, Left, apply, teardown, verify};
use builder::{NICS, plan};
use kernel::fake::{FakeKernel, Operation};
use kernel::tables::Tables;
use kernel::tc::{Qdisc, Request, TrafficControl};
use plan::{Leaf, Plan};
use proptest::prelude::*;
use units::TcHandle;

fn new_kernel() -> FakeKernel {
    FakeKernel::new(NICS.map(|(nic, _)| (nic, 8)))
}

fn plans() -> impl Strategy<Value = Plan> {
    let leaf = prop_oneof![Just(Leaf::Fifo), Just(Leaf::None), Just(Leaf::FqCodel)];
    (1_u16..=4, leaf, prop::collection::vec(1_u64..500, 0..12))
        .prop_map(|(queues, leaf, rates)| plan(NICS, queues, leaf, &rates))
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
    fn a_failed_change_goes_back(old in plans(), new in plans(), after in 0_usize..40) {
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
fn a_new_daemon_adopts_what_it_finds() {
    let mut kernel = new_kernel();
    let plan = plan(NICS, 4, Leaf::Fifo, &[10; 9]);
    apply(&mut kernel, None, &plan).unwrap();
    let report = apply(&mut kernel, None, &plan).unwrap();
    assert_eq!((report.operations, report.circuits, report.addresses_changed), (0, 0, false));
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
