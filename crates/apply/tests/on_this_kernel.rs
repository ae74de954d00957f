//! Apply on the running kernel, on veths in network namespaces that vanish with their threads.

mod builder;

use std::process::Command;

use apply::{Difference, Failure, Left, apply, teardown, verify};
use builder::{observing, plan, single_queue};
use kernel::LinuxKernel;
use kernel::fake::FakeTables;
use kernel::namespace::in_private_network_with_sysfs;
use kernel::privileges::missing_capabilities;
use kernel::tc::{Controller, Failed, Qdisc, Request, TrafficControl, probe_qdiscs};
use machine::nic::nic;
use plan::{Leaf, NicPlan};
use units::{BitsPerSec, IfIndex, TcHandle};

const NAMES: [&str; 2] = ["tg-customers", "tg-internet"];

type Nics = [(IfIndex, &'static str); 2];

/// Runs `work` with two veths of eight queues, or says why not.
fn with_nics(work: impl FnOnce(&mut LinuxKernel<FakeTables>, Nics) + Send) {
    with_nics_of(8, work);
}

fn with_nics_of(queues: u16, work: impl FnOnce(&mut LinuxKernel<FakeTables>, Nics) + Send) {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: lacks {}", missing.join(", "));
        return;
    }
    in_private_network_with_sysfs(|| {
        for (name, peer) in NAMES.into_iter().zip(["tg-peer0", "tg-peer1"]) {
            ip(&format!(
                "link add {name} numtxqueues {queues} numrxqueues {queues} type veth \
                 peer name {peer} numtxqueues {queues} numrxqueues {queues}"
            ));
            ip(&format!("link set {name} up"));
            ip(&format!("link set {peer} up"));
        }
        let nics = NAMES.map(|name| (nic(name).unwrap().ifindex, name));
        let controller = Controller::open().unwrap();
        work(&mut LinuxKernel { controller, tables: FakeTables::default() }, nics);
    })
    .unwrap();
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split_whitespace()).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

fn root(kernel: &mut LinuxKernel<FakeTables>, nic: IfIndex) -> TcHandle {
    let all = kernel.qdiscs(&[nic]).unwrap();
    all.iter().find(|qdisc| qdisc.parent == TcHandle::ROOT).unwrap().handle
}

#[test]
fn builds_changes_and_takes_down() {
    with_nics(|kernel, nics| {
        let first = plan(nics, 8, Leaf::Fifo, &[10; 100]);
        let report = apply(kernel, None, &first).unwrap();
        assert_eq!(report.operations, 2 * (1 + 8 * 4 + 100 * 2));
        assert_eq!(apply(kernel, Some(&first), &first).unwrap().operations, 0);

        let mut rates = [10; 100];
        rates[17] = 500;
        let faster = plan(nics, 8, Leaf::Fifo, &rates);
        assert_eq!(apply(kernel, Some(&first), &faster).unwrap().operations, 4);

        let moved = plan(nics, 5, Leaf::Fifo, &rates[..60]);
        apply(kernel, Some(&faster), &moved).unwrap();
        assert!(verify(kernel, &moved).unwrap().is_empty());
        apply(kernel, Some(&moved), &first).unwrap();
        assert!(verify(kernel, &first).unwrap().is_empty());

        teardown(kernel, &first).unwrap();
        assert_eq!(nics.map(|(nic, _)| root(kernel, nic)), [TcHandle::default(); 2]);
        assert!(kernel.tables.is_empty());
    });
}

#[test]
fn builds_changes_and_takes_down_on_a_single_queue() {
    with_nics_of(1, |kernel, nics| {
        let first = single_queue(nics, Leaf::Fifo, &[10; 20]);
        assert_eq!(apply(kernel, None, &first).unwrap().operations, 2 * (1 + 3 + 20 * 2));
        assert_eq!(nics.map(|(nic, _)| root(kernel, nic)), [TcHandle::new(1, 0); 2]);
        assert!(verify(kernel, &first).unwrap().is_empty());
        assert_eq!(apply(kernel, Some(&first), &first).unwrap().operations, 0);

        let mut rates = [10; 20];
        rates[7] = 500;
        let faster = single_queue(nics, Leaf::Fifo, &rates);
        assert_eq!(apply(kernel, Some(&first), &faster).unwrap().operations, 4);
        let fewer = single_queue(nics, Leaf::None, &rates[..6]);
        apply(kernel, Some(&faster), &fewer).unwrap();
        assert!(verify(kernel, &fewer).unwrap().is_empty());

        teardown(kernel, &fewer).unwrap();
        assert_eq!(nics.map(|(nic, _)| root(kernel, nic)), [TcHandle::default(); 2]);
    });
}

#[test]
fn what_a_crash_left_goes_when_nothing_is_shaped() {
    for queues in [1, 8] {
        with_nics_of(queues, |kernel, nics| {
            let left = match queues {
                1 => single_queue(nics, Leaf::Fifo, &[10; 5]),
                _ => plan(nics, queues, Leaf::Fifo, &[10; 5]),
            };
            apply(kernel, None, &left).unwrap();
            assert_eq!(apply(kernel, None, &observing(nics)).unwrap().operations, 2);
            assert_eq!(nics.map(|(nic, _)| root(kernel, nic)), [TcHandle::default(); 2]);
            teardown(kernel, &observing(nics)).unwrap();
        });
    }
}

#[test]
fn rates_beyond_32_bits_and_below_a_megabit_arrive() {
    with_nics(|kernel, nics| {
        let mut wanted = plan(nics, 1, Leaf::None, &[1, 100]);
        for nic in &mut wanted.nics {
            let rates = [(0, 400_000_000_000), (3, 10_000)];
            for (class, rate) in rates {
                let class = &mut nic.queues[0].classes[class];
                (class.rate, class.ceil) = (BitsPerSec::new(rate), BitsPerSec::new(rate));
            }
        }
        apply(kernel, None, &wanted).unwrap();
    });
}

#[test]
fn a_missing_leaf_is_refused_by_name_and_taken_back() {
    with_nics(|kernel, nics| {
        if probe_qdiscs().unwrap().contains("cake") {
            println!("skipped: this kernel has cake");
            return;
        }
        let fallback = plan(nics, 2, Leaf::Fifo, &[10; 6]);
        let cake = plan(nics, 2, Leaf::Cake(plan::Diffserv::Diffserv4), &[10; 6]);
        let error = apply(kernel, None, &cake).unwrap_err();
        assert!(matches!(error.left, Left::Nothing), "{error}");
        let Failure::Queues { source: Failed::Refused { request, message, .. }, subject, .. } =
            error.failure
        else {
            panic!("another failure");
        };
        assert!(matches!(*request, Request::AddQdisc { qdisc: Qdisc::Cake { .. }, .. }));
        assert_eq!(message.as_deref(), Some("Specified qdisc kind is unknown"));
        assert_eq!(subject.as_deref(), Some("circuit C0"));
        assert_eq!(root(kernel, nics[0].0), TcHandle::default());

        apply(kernel, None, &fallback).unwrap();
        let error = apply(kernel, Some(&fallback), &cake).unwrap_err();
        assert!(matches!(error.left, Left::Previous), "{error}");
        assert!(verify(kernel, &fallback).unwrap().is_empty());
    });
}

#[test]
fn what_others_change_is_seen_and_mended() {
    with_nics(|kernel, nics| {
        let wanted = plan(nics, 2, Leaf::Fifo, &[10; 10]);
        apply(kernel, None, &wanted).unwrap();
        let status = Command::new("tc")
            .args("class change dev tg-internet parent 1:3 classid 1:4 htb rate 3mbit".split(' '))
            .status()
            .unwrap();
        assert!(status.success());
        let seen = verify(kernel, &wanted).unwrap();
        assert_eq!(seen.len(), 1);
        assert!(matches!(seen[0].difference, Difference::Parameters { .. }), "{}", seen[0]);
        assert_eq!(apply(kernel, Some(&wanted), &wanted).unwrap().operations, 1);
    });
}

#[test]
fn a_root_of_somebody_else_is_kept() {
    with_nics(|kernel, nics| {
        let foreign = Request::AddQdisc {
            parent: TcHandle::ROOT,
            handle: TcHandle::new(0x42, 0),
            qdisc: Qdisc::Htb { default_minor: 1 },
        };
        kernel.tc(nics[1].0, &[foreign]).unwrap();
        let error = apply(kernel, None, &plan(nics, 2, Leaf::Fifo, &[5])).unwrap_err();
        assert!(matches!(error.failure, Failure::ForeignRoot { .. }));
        assert_eq!(root(kernel, nics[0].0), TcHandle::default());
        assert_eq!(root(kernel, nics[1].0), TcHandle::new(0x42, 0));
    });
}

#[test]
fn two_thousand_classes_on_each_nic() {
    with_nics(|kernel, nics| {
        let wanted = plan(nics, 8, Leaf::Fifo, &vec![25; 2_000]);
        apply(kernel, None, &wanted).unwrap();
        let count =
            |nic: &NicPlan| nic.queues.iter().map(|queue| queue.classes.len()).sum::<usize>();
        for (nic, planned) in nics.iter().zip(&wanted.nics) {
            let found: usize = kernel.classes(nic.0).unwrap().len();
            assert_eq!(found, count(planned));
        }
    });
}
