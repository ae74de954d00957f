//! Attaching to a NIC by each of the hooks, and leaving nothing behind.
//!
//! The NIC is the loopback device of a throw-away network namespace, which has no native XDP.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use kernel::datapath::{
    DatapathError, Kept, Loaded, MapSizes, Options, Pins, Side, TcHook, XdpHook,
};
use kernel::namespace::in_private_network;
use kernel::privileges::missing_capabilities;
use kernel::tc::{Controller, QdiscState, TrafficControl};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use units::{CpuId, IfIndex};

const LOOPBACK: IfIndex = IfIndex::new(1);

/// A BPF filesystem of the test's own, unmounted when dropped.
struct Bpffs(tempfile::TempDir);

impl Bpffs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount("bpf", folder.path(), "bpf", MountFlags::empty(), None).unwrap();
        Self(folder)
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("tidegate")
    }

    fn pins(&self) -> Pins {
        Pins::take(&self.folder()).unwrap()
    }
}

impl Drop for Bpffs {
    fn drop(&mut self) {
        unmount(self.0.path(), UnmountFlags::DETACH).unwrap();
    }
}

fn root() -> bool {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: takes {}", missing.join(", "));
    }
    missing.is_empty()
}

fn options(mode: abi::Mode, tcx: bool, flows: u32) -> Options {
    let sizes = MapSizes { circuits: 8, hosts: 8, prefixes: 8, unknown_hosts: 8, flows };
    Options {
        mode,
        internet: LOOPBACK,
        customers: LOOPBACK,
        vlans: Some((10, 20)),
        tcx,
        cpus: vec![CpuId::new(0)],
        sizes,
    }
}

fn loaded(mode: abi::Mode, tcx: bool) -> Loaded {
    Loaded::new(options(mode, tcx, 8)).unwrap()
}

/// The hook that is used when TCX is wanted, or not; the kernel may have none.
fn hook(tcx: bool) -> TcHook {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    let version = (numbers.next().unwrap(), numbers.next().unwrap());
    if tcx && version >= (6, 6) { TcHook::Tcx } else { TcHook::Clsact }
}

fn nics() -> Vec<(String, Side)> {
    vec![("lo".to_owned(), Side::Both)]
}

fn qdiscs() -> Vec<QdiscState> {
    Controller::open().unwrap().qdiscs(&[LOOPBACK]).unwrap()
}

fn xdp_id() -> u32 {
    let nowhere = fs::File::open("/dev/null").unwrap();
    let xdp = libbpf_rs::Xdp::new(std::os::fd::AsFd::as_fd(&nowhere));
    xdp.query_id(1, libbpf_rs::XdpFlags::NONE).unwrap()
}

#[test]
fn each_hook_is_used_and_left() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    for tcx in [true, false] {
        let hook = hook(tcx);
        in_private_network(|| {
            let before = qdiscs();
            let attached = loaded(abi::Mode::Stick, tcx).attach(&nics(), bpffs.pins()).unwrap();
            let at = &attached.attachments()[0];
            assert_eq!((at.xdp, at.tc), (XdpHook::Generic, hook));
            assert_ne!(xdp_id(), 0);
            let clsact = qdiscs().iter().any(|qdisc| qdisc.discipline.kind() == "clsact");
            assert_eq!(clsact, hook == TcHook::Clsact);
            drop(attached);
            assert_eq!((qdiscs(), xdp_id()), (before, 0));
            assert!(!bpffs.folder().exists(), "pins are gone with the programs");
        })
        .unwrap();
    }
}

#[test]
fn observing_attaches_no_classifier() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let attached = loaded(abi::Mode::Observe, true).attach(&nics(), bpffs.pins()).unwrap();
        assert_eq!(attached.attachments()[0].tc, TcHook::None);
    })
    .unwrap();
}

#[test]
fn fault_20_somebody_elses_program_is_named_and_left() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let first = loaded(abi::Mode::Stick, true).attach(&nics(), bpffs.pins()).unwrap();
        let id = xdp_id();
        assert!(matches!(Pins::take(&bpffs.folder()), Err(DatapathError::Held(_))));
        let others = Pins::take(&bpffs.0.path().join("others")).unwrap();
        let error = loaded(abi::Mode::Stick, true).attach(&nics(), others).unwrap_err();
        assert!(
            matches!(&error, DatapathError::Occupied { nic, name, id: other }
                if nic == "lo" && name == "xdp_ingress" && *other == id),
            "{error}"
        );
        assert_eq!(xdp_id(), id);
        drop(first);
    })
    .unwrap();
}

/// Runs `tc` in the namespace that the thread is in.
fn tc(words: &str) -> String {
    let output = Command::new("tc").args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "tc {words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Filters on the way out that are not BPF programs: those of somebody else.
fn others_filters() -> String {
    let shown = tc("filter show dev lo egress");
    shown.lines().filter(|line| !line.contains("bpf")).collect()
}

/// Puts somebody else's filter on the way out.
fn add_others_filter() {
    tc("filter add dev lo egress prio 7 protocol ip u32 match u32 0 0");
    assert!(others_filters().contains("u32"));
}

/// Attaches and leaves on a NIC where somebody else's clsact and filter are before ours.
fn live_with_others(tcx: bool) {
    let bpffs = Bpffs::new();
    tc("qdisc add dev lo clsact");
    add_others_filter();
    let theirs = (qdiscs(), others_filters());
    let attached = loaded(abi::Mode::Stick, tcx).attach(&nics(), bpffs.pins()).unwrap();
    assert_eq!(attached.attachments()[0].tc, hook(tcx));
    assert_eq!((qdiscs(), others_filters()), theirs, "beside ours");
    drop(attached);
    assert_eq!((qdiscs(), others_filters()), theirs, "after ours");
    assert!(!tc("filter show dev lo egress").contains("bpf"), "ours is left");
}

#[test]
fn somebody_elses_classifier_is_lived_with_and_left() {
    if !root() {
        return;
    }
    if hook(true) != TcHook::Tcx {
        println!("skipped: this kernel has no TCX");
        return;
    }
    in_private_network(|| live_with_others(true)).unwrap();
}

#[test]
fn somebody_elses_clsact_is_lived_with_and_left() {
    if root() {
        in_private_network(|| live_with_others(false)).unwrap();
    }
}

#[test]
fn somebody_elses_filter_on_our_clsact_is_left() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let attached = loaded(abi::Mode::Stick, false).attach(&nics(), bpffs.pins()).unwrap();
        add_others_filter();
        let theirs = others_filters();
        drop(attached);
        assert_eq!(others_filters(), theirs);
        assert!(!tc("filter show dev lo egress").contains("bpf"), "ours is left");
        // and what a daemon before has left
        loaded(abi::Mode::Stick, false).attach(&nics(), bpffs.pins()).unwrap().leave();
        let pins = bpffs.pins();
        let observing = options(abi::Mode::Observe, false, 8);
        let loaded = Loaded::inheriting(observing, &pins).unwrap();
        let attached = loaded.attach(&nics(), pins).unwrap();
        assert_eq!(others_filters(), theirs);
        assert!(!tc("filter show dev lo egress").contains("bpf"), "ours is left");
        drop(attached);
    })
    .unwrap();
}

#[test]
fn pins_need_a_bpf_filesystem() {
    if !root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let error = Pins::take(folder.path()).unwrap_err();
    assert!(matches!(error, DatapathError::NotBpffs(_)), "{error}");
}

#[test]
fn what_is_left_is_taken_over_in_place() {
    if root() {
        for tcx in [true, false] {
            in_private_network(|| succeed(tcx)).unwrap();
        }
    }
}

/// Each of several daemons leaves its programs at work, and the next takes their places.
fn succeed(tcx: bool) {
    let bpffs = Bpffs::new();
    let before = qdiscs();
    loaded(abi::Mode::Stick, tcx).attach(&nics(), bpffs.pins()).unwrap().leave();
    let first = xdp_id();
    assert_ne!(first, 0, "it is still attached");
    let at_work = qdiscs();
    let pins = bpffs.pins();
    assert!(pins.has_attachments().unwrap());
    let all = Kept { tables: true, flows: true };
    assert!(matches!(Pins::take(&bpffs.folder()), Err(DatapathError::Held(_))));
    drop(pins);
    for (flows, kept) in [(8, all), (8, all), (16, Kept { flows: false, ..all }), (16, all)] {
        let pins = bpffs.pins();
        let loaded = Loaded::inheriting(options(abi::Mode::Stick, tcx, flows), &pins).unwrap();
        assert_eq!(loaded.kept(), kept, "{flows} flows");
        let before = xdp_id();
        let attached = loaded.attach(&nics(), pins).unwrap();
        assert!(xdp_id() != before && xdp_id() != 0, "another program in the same place");
        assert_eq!(qdiscs(), at_work);
        attached.leave();
    }
    // what observes needs no classifier: pins, filters and their clsact go
    let pins = bpffs.pins();
    let loaded = Loaded::inheriting(options(abi::Mode::Observe, tcx, 16), &pins).unwrap();
    let attached = loaded.attach(&nics(), pins).unwrap();
    let pinned = fs::read_dir(bpffs.folder()).unwrap().count();
    assert_eq!(pinned, 1, "XDP alone");
    assert_eq!(qdiscs(), before);
    drop(attached);
    assert_eq!(xdp_id(), 0);
    assert!(!bpffs.folder().exists());
}

#[test]
fn a_clsact_of_a_daemon_before_goes_with_the_last_one() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let before = qdiscs();
        loaded(abi::Mode::Stick, false).attach(&nics(), bpffs.pins()).unwrap().leave();
        drop(loaded(abi::Mode::Stick, false).attach(&nics(), bpffs.pins()).unwrap());
        assert_eq!(qdiscs(), before);
        assert!(!bpffs.folder().exists(), "nothing is remembered");
    })
    .unwrap();
}

#[test]
fn what_somebody_detaches_is_attached_again() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let mut attached = loaded(abi::Mode::Stick, true).attach(&nics(), bpffs.pins()).unwrap();
        assert!(attached.reattach().unwrap().is_empty());
        let mut pins = vec!["xdp_ingress"];
        pins.extend((hook(true) == TcHook::Tcx).then_some("tc_ingress"));
        for program in pins {
            let pin = bpffs.folder().join(format!("{program}-both"));
            libbpf_rs::Link::open(pin).unwrap().detach().unwrap();
            assert_eq!(attached.reattach().unwrap(), [program]);
            assert!(attached.reattach().unwrap().is_empty());
            assert_ne!(xdp_id(), 0);
        }
        // and the next daemon takes it over like any
        attached.leave();
        let pins = bpffs.pins();
        let loaded = Loaded::inheriting(options(abi::Mode::Stick, true, 8), &pins).unwrap();
        drop(loaded.attach(&nics(), pins).unwrap());
        assert_eq!(xdp_id(), 0);
    })
    .unwrap();
}

#[test]
fn a_filter_that_somebody_removes_is_attached_again() {
    if !root() {
        return;
    }
    let bpffs = Bpffs::new();
    in_private_network(|| {
        let before = qdiscs();
        let mut attached = loaded(abi::Mode::Stick, false).attach(&nics(), bpffs.pins()).unwrap();
        for gone in
            ["filter del dev lo egress", "filter del dev lo ingress", "qdisc del dev lo clsact"]
        {
            assert!(attached.reattach().unwrap().is_empty());
            tc(gone);
            assert_eq!(attached.reattach().unwrap(), ["tc_egress"], "{gone}");
            for hook in ["egress", "ingress"] {
                assert!(
                    tc(&format!("filter show dev lo {hook}")).contains("bpf"),
                    "{gone}: {hook}"
                );
            }
        }
        drop(attached);
        assert_eq!(qdiscs(), before);
    })
    .unwrap();
}
