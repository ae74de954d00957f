//! Netlink, traffic control and NIC settings on the running kernel, in network namespaces that
//! vanish with their threads.

use std::fs;
use std::process::Command;
use std::time::Duration;

use kernel::namespace::in_private_network_with_sysfs;
use kernel::netlink::{Messages, NetlinkError, Socket};
use kernel::privileges::missing_capabilities;
use kernel::tc::{
    Codel, Controller, Diffserv, Discipline, Failed, Hosts, HtbClass, HtbParameters, Qdisc,
    Request, TrafficControl, check_clock, encode, probe_qdiscs,
};
use machine::nic::{NicError, RxVlanGuard, XpsGuard, large_receive_offload, nic, online_cpus};
use units::{BitsPerSec, Bytes, IfIndex, TcHandle};

/// Runs `work` with a veth of four queues, `tg-nic`, or says why not.
fn with_nic(work: impl FnOnce(IfIndex) + Send) {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: lacks {}", missing.join(", "));
        return;
    }
    in_private_network_with_sysfs(|| {
        ip("link add tg-nic mtu 1600 numtxqueues 4 numrxqueues 3 type veth peer name tg-peer");
        work(nic("tg-nic").unwrap().ifindex);
    })
    .unwrap();
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split_whitespace()).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

fn class(mbps: u64) -> HtbClass {
    HtbClass {
        rate: BitsPerSec::from_mbps(mbps),
        ceil: BitsPerSec::from_mbps(mbps * 2),
        burst: Bytes::new(15_000),
        cburst: Bytes::new(30_000),
        quantum: Bytes::new(3_028),
        priority: 0,
    }
}

fn htb(major: u16) -> Request {
    Request::AddQdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(major, 0),
        qdisc: Qdisc::Htb { default_minor: 0x10 },
    }
}

fn add_class(minor: u16) -> Request {
    Request::AddClass {
        handle: TcHandle::new(1, minor),
        parent: TcHandle::new(1, 0),
        class: class(minor.into()),
    }
}

#[test]
fn the_clock_is_as_assumed() {
    check_clock().unwrap();
}

#[test]
fn what_is_made_is_read_back() {
    with_nic(|nic| {
        let mut tc = Controller::open().unwrap();
        let leaf = Qdisc::Bfifo { limit: Bytes::new(99_000) };
        let add_leaf = Request::AddQdisc {
            parent: TcHandle::new(1, 0x10),
            handle: TcHandle::new(0x20, 0),
            qdisc: leaf,
        };
        tc.tc(nic, &[htb(1), add_class(0x10), add_leaf]).unwrap();
        let qdiscs = tc.qdiscs(&[nic]).unwrap();
        let of = |major| qdiscs.iter().find(|qdisc| qdisc.handle == TcHandle::new(major, 0));
        assert_eq!(
            of(1).unwrap().discipline,
            Discipline::Known(Qdisc::Htb { default_minor: 0x10 })
        );
        assert_eq!(of(0x20).unwrap().discipline, Discipline::Known(leaf));
        assert_eq!(of(0x20).unwrap().parent, TcHandle::new(1, 0x10));
        let classes = tc.classes(nic).unwrap();
        assert_eq!(classes.len(), 1);
        assert_eq!(classes[0].leaf, TcHandle::new(0x20, 0));
        assert_eq!(classes[0].parent, TcHandle::ROOT);
        assert_eq!(classes[0].parameters, HtbParameters::from(&class(0x10)));

        let change = Request::ChangeClass {
            handle: TcHandle::new(1, 0x10),
            parent: TcHandle::new(1, 0),
            class: class(700),
        };
        tc.tc(nic, &[change]).unwrap();
        let changed = &tc.classes(nic).unwrap()[0];
        assert_eq!(changed.parameters, HtbParameters::from(&class(700)));
        assert_eq!(changed.leaf, TcHandle::new(0x20, 0));

        tc.tc(nic, &[Request::DeleteClass { handle: TcHandle::new(1, 0x10) }]).unwrap();
        assert!(tc.classes(nic).unwrap().is_empty());
    });
}

/// Two settings of each kind of leaf that the kernel has, the second put in place of the first.
#[test]
fn settings_of_leaves_change_in_place() {
    let codel = |target, interval| Codel {
        target: Duration::from_millis(target),
        interval: Duration::from_millis(interval),
    };
    let cake = |hosts, codel| Qdisc::Cake { diffserv: Diffserv::Diffserv4, hosts, codel };
    let pairs = [
        (Qdisc::Bfifo { limit: Bytes::new(99_000) }, Qdisc::Bfifo { limit: Bytes::new(25_000) }),
        (Qdisc::FqCodel(codel(5, 100)), Qdisc::FqCodel(codel(19, 114))),
        (cake(Hosts::Sources, codel(183, 366)), cake(Hosts::Destinations, codel(6, 101))),
    ];
    with_nic(|nic| {
        let known = probe_qdiscs().unwrap();
        let mut tc = Controller::open().unwrap();
        tc.tc(nic, &[htb(1), add_class(0x10)]).unwrap();
        let (parent, handle) = (TcHandle::new(1, 0x10), TcHandle::new(0x20, 0));
        for (first, second) in pairs {
            assert!(first.can_become(&second));
            if !known.contains(first.kind()) {
                println!("skipped: the kernel has no {}", first.kind());
                continue;
            }
            let mut expect = |request, wanted| {
                tc.tc(nic, &[request]).unwrap();
                let qdiscs = tc.qdiscs(&[nic]).unwrap();
                let leaf = qdiscs.iter().find(|qdisc| qdisc.parent == parent).unwrap();
                assert_eq!(leaf.discipline, Discipline::Known(wanted));
                assert_eq!(leaf.handle, handle);
            };
            expect(Request::AddQdisc { parent, handle, qdisc: first }, first);
            let handle = Some(handle);
            expect(Request::ReplaceQdisc { parent, handle, qdisc: second }, second);
            tc.tc(nic, &[Request::DeleteQdisc { parent }]).unwrap();
        }
    });
}

#[test]
fn a_refusal_names_the_first_of_a_batch_with_the_kernels_words() {
    with_nic(|nic| {
        let mut tc = Controller::open().unwrap();
        let mut batch = vec![htb(1)];
        // More than fit one send, with the refused one in a later send.
        batch.extend((1..3_000).map(add_class));
        batch[2_500] = add_class(7);
        batch[2_502] = add_class(8);
        let Err(Failed::Refused { index, request, errno, .. }) = tc.tc(nic, &batch) else {
            panic!("not refused");
        };
        assert_eq!((index, *request), (2_500, add_class(7)));
        assert_eq!(errno, rustix::io::Errno::EXIST);
        // The socket is usable afterwards, and no later send was begun.
        assert!((2_499..2_998).contains(&tc.classes(nic).unwrap().len()));

        let orphan = Request::AddQdisc {
            parent: TcHandle::new(9, 9),
            handle: TcHandle::new(0x30, 0),
            qdisc: Qdisc::Pfifo,
        };
        let error = tc.tc(nic, &[orphan]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "could not add qdisc pfifo 30: at 9:9: Failed to find specified qdisc"
        );
    });
}

#[test]
fn a_batch_in_which_all_fail_does_not_lose_answers() {
    with_nic(|nic| {
        let mut messages = Messages::new();
        for minor in 1..4_000 {
            encode(&mut messages, nic, &add_class(minor));
        }
        let mut socket = Socket::open().unwrap();
        for _ in 0..3 {
            let Err(NetlinkError::Refused(refusal)) = socket.execute(&mut messages) else {
                panic!("not refused");
            };
            assert_eq!(refusal.index, 0);
        }
    });
}

#[test]
fn a_queues_tree_is_swapped_for_another_with_the_same_handles() {
    with_nic(|nic| {
        let mut tc = Controller::open().unwrap();
        let mq = TcHandle::new(0x7fff, 0);
        let queue = TcHandle::new(0x7fff, 2);
        let at_queue = |handle| Request::ReplaceQdisc {
            parent: queue,
            handle: Some(TcHandle::new(handle, 0)),
            qdisc: Qdisc::Htb { default_minor: 1 },
        };
        let batch = [
            Request::AddQdisc { parent: TcHandle::ROOT, handle: mq, qdisc: Qdisc::Mq },
            at_queue(1),
            add_class(5),
            Request::ReplaceQdisc { parent: queue, handle: None, qdisc: Qdisc::Pfifo },
            at_queue(1),
            add_class(5),
        ];
        tc.tc(nic, &batch).unwrap();
        let qdiscs = tc.qdiscs(&[nic]).unwrap();
        let at: Vec<_> = qdiscs.iter().filter(|qdisc| qdisc.parent == queue).collect();
        assert_eq!(at.len(), 1);
        assert_eq!(at[0].handle, TcHandle::new(1, 0));
    });
}

#[test]
fn probing_agrees_with_the_kernels_build_configuration() {
    if !missing_capabilities().unwrap().is_empty() {
        println!("skipped: lacks {}", missing_capabilities().unwrap().join(", "));
        return;
    }
    let known = probe_qdiscs().unwrap();
    for kind in ["mq", "htb", "bfifo", "pfifo", "clsact"] {
        assert!(known.contains(kind), "{kind} is missing of {known:?}");
    }
    let Ok(output) = Command::new("zcat").arg("/proc/config.gz").output() else {
        println!("skipped the rest: no zcat");
        return;
    };
    let config = String::from_utf8_lossy(&output.stdout).into_owned();
    for (kind, option) in [("cake", "CONFIG_NET_SCH_CAKE"), ("fq_codel", "CONFIG_NET_SCH_FQ_CODEL")]
    {
        if config.contains(&format!("# {option} is not set")) {
            assert!(!known.contains(kind), "{kind}");
        } else if config.contains(&format!("{option}=y")) {
            assert!(known.contains(kind), "{kind}");
        } else {
            println!("skipped {kind}: the kernel does not tell how it was built");
        }
    }
}

#[test]
fn tells_what_a_nic_is() {
    with_nic(|ifindex| {
        ip("link add tg-bridge type bridge");
        ip("link set tg-nic master tg-bridge up");
        ip("link set tg-peer up");
        let info = nic("tg-nic").unwrap();
        assert_eq!((info.ifindex, info.tx_queues, info.rx_queues), (ifindex, 4, 3));
        assert_eq!((info.mtu, info.carrier, info.driver.as_str()), (1_600, true, "veth"));
        assert_eq!(info.master, Some(nic("tg-bridge").unwrap().ifindex));
        assert!(!large_receive_offload("tg-nic").unwrap());
        for name in ["tg-absent", "", "a-name-that-is-too-long-for-any"] {
            let Err(NicError::Missing { existing, .. }) = nic(name) else { panic!("{name}") };
            assert!(existing.contains(&"tg-nic".to_owned()), "{existing:?}");
        }
    });
    assert!(!online_cpus().unwrap().is_empty());
}

#[test]
fn xps_maps_are_cleared_and_restored() {
    with_nic(|_| {
        let map = "/sys/class/net/tg-nic/queues/tx-1/xps_cpus";
        if let Err(error) = fs::write(map, "1") {
            println!("skipped: this kernel takes no XPS map: {error}");
            return;
        }
        let before = fs::read_to_string(map).unwrap();
        let guard = XpsGuard::clear("tg-nic").unwrap();
        assert_eq!(guard.cleared(), 1);
        assert!(!fs::read_to_string(map).unwrap().contains('1'));
        drop(guard);
        assert_eq!(fs::read_to_string(map).unwrap(), before);
    });
}

#[test]
fn vlan_offload_is_turned_off_and_restored() {
    with_nic(|_| {
        let before = machine::nic::rx_vlan_offloads("tg-nic").unwrap();
        let guard = RxVlanGuard::turn_off("tg-nic").unwrap();
        assert_eq!(guard.changed(), before);
        assert!(!before.is_empty(), "a veth has them on");
        assert!(machine::nic::rx_vlan_offloads("tg-nic").unwrap().is_empty());
        drop(guard);
        assert_eq!(machine::nic::rx_vlan_offloads("tg-nic").unwrap(), before);
        assert!(machine::nic::rx_vlan_offloads("tg-absent").is_err());
    });
}
