//! Statistics of classes and leaves on the running kernel, in a network namespace of the test's own.

use std::net::UdpSocket;
use std::process::Command;

use kernel::namespace::in_private_network_with_sysfs;
use kernel::privileges::missing_capabilities;
use kernel::tc::{
    ClassStats, Controller, HtbClass, OwnStats, Qdisc, Request, Stats, TrafficControl,
};
use units::{BitsPerSec, Bytes, IfIndex, TcHandle};

/// Datagrams sent into the class, which lets a burst pass and keeps some of the rest.
const DATAGRAMS: u64 = 200;

/// Bytes of such a frame.
const FRAME: u64 = 1_000 + 42;

fn run(program: &str, arguments: &str) {
    let status = Command::new(program).args(arguments.split_whitespace()).status().unwrap();
    assert!(status.success(), "{program} {arguments}");
}

fn slow_class(minor: u16) -> Request {
    Request::AddClass {
        handle: TcHandle::new(1, minor),
        parent: TcHandle::new(1, 0),
        class: HtbClass {
            rate: BitsPerSec::new(80_000),
            ceil: BitsPerSec::new(80_000),
            burst: Bytes::new(15_000),
            cburst: Bytes::new(15_000),
            quantum: Bytes::new(1_514),
            priority: 0,
        },
    }
}

/// A NIC with three classes of HTB: a short FIFO, a token bucket, and HTB's own queue below them.
/// What the host sends goes to the first.
fn make_tree(tc: &mut Controller) -> IfIndex {
    run("ip", "link add tg-nic type veth peer name tg-peer");
    run("ip", "link set tg-peer up");
    run("ip", "address add 192.0.2.1/24 dev tg-nic");
    run("ip", "link set tg-nic up");
    run("ip", "neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev tg-nic");
    let nic = machine::nic::nic("tg-nic").unwrap().ifindex;
    let fifo = Request::AddQdisc {
        parent: TcHandle::new(1, 0x10),
        handle: TcHandle::new(0x20, 0),
        qdisc: Qdisc::Bfifo { limit: Bytes::new(5 * FRAME) },
    };
    let htb = Request::AddQdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(1, 0),
        qdisc: Qdisc::Htb { default_minor: 0x10 },
    };
    tc.tc(nic, &[htb, slow_class(0x10), slow_class(0x11), slow_class(0x12), fifo]).unwrap();
    run("tc", "qdisc add dev tg-nic parent 1:11 handle 21: tbf rate 1mbit burst 5k limit 3k");
    nic
}

fn send_datagrams() {
    let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
    for _ in 0..DATAGRAMS {
        // refused by the full queue, which is what is wanted
        let _ = socket.send_to(&[0; 1_000], "192.0.2.2:9");
    }
}

#[test]
fn classes_and_leaves_tell_what_passed_and_what_waits() {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: lacks {}", missing.join(", "));
        return;
    }
    in_private_network_with_sysfs(|| {
        let mut tc = Controller::open().unwrap();
        let nic = make_tree(&mut tc);
        send_datagrams();

        let classes: Vec<ClassStats> =
            tc.class_stats(nic, Vec::new, |all, class| all.push(*class)).unwrap();
        assert_eq!(classes.len(), 3);
        let class = classes.iter().find(|class| class.handle == TcHandle::new(1, 0x10)).unwrap();
        let decoded = tc.classes(nic).unwrap();
        let whole = decoded.iter().find(|whole| whole.handle == class.handle).unwrap();
        assert_eq!(class.stats.drops, whole.stats.drops);

        let read = |tc: &mut Controller, nics: &[IfIndex]| {
            tc.leaf_stats(nics, Vec::new, |all, leaf| {
                assert_eq!((leaf.nic, leaf.own), (nic, OwnStats::None));
                let kind = String::from_utf8(leaf.kind.to_vec()).unwrap();
                all.push((leaf.parent, leaf.handle, kind, leaf.stats));
            })
            .unwrap()
        };
        let mut leaves = read(&mut tc, &[nic]);
        leaves.sort_by_key(|leaf| leaf.1);
        let [(fifo_class, _, fifo_kind, fifo), (_, _, bucket_kind, bucket)] = &leaves[..] else {
            panic!("{leaves:?}")
        };
        assert_eq!((*fifo_class, fifo_kind.as_str()), (class.handle, "bfifo"));
        assert_eq!((bucket_kind.as_str(), *bucket), ("tbf", Stats::default()));
        assert!(fifo.backlog_packets <= 5, "{fifo:?}");
        assert_eq!(u64::from(fifo.backlog_bytes), u64::from(fifo.backlog_packets) * FRAME);
        assert!(fifo.drops > 100, "{fifo:?}");
        let counted = fifo.packets.get() + u64::from(fifo.drops + fifo.backlog_packets);
        assert!(counted >= DATAGRAMS, "{fifo:?}");

        assert!(read(&mut tc, &[]).is_empty(), "other NICs' are not ours");
        assert!(tc.dump_unread(&[nic]).unwrap() > 1_000);
    })
    .unwrap();
}
