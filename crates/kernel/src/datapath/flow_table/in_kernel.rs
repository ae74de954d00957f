//! The table while several CPUs and userspace change it at once.

use std::collections::{HashMap, HashSet};
use std::mem::zeroed;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libbpf_rs::libbpf_sys;
use testkit::{Frame, Ipv4, Ipv6};
use units::{CpuId, IfIndex};

use super::FlowTable;
use crate::datapath::load::program;
use crate::datapath::{Flows, Loaded, MapSizes, Options, TrialBox};
use crate::privileges::missing_capabilities;

/// Fewer than there are flows, so that rows run out and come back all the time.
const ROWS: u32 = 200;
const PORTS: u16 = 400;
const THREADS: usize = 2;
const TIME: Duration = Duration::from_millis(1_500);

fn loaded() -> Option<Loaded> {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        println!("skipped: lacks {}", missing.join(", "));
        return None;
    }
    let here = IfIndex::new(1);
    let sizes = MapSizes { circuits: 1, hosts: 1, prefixes: 8, unknown_hosts: 16, flows: ROWS };
    let mut loaded = Loaded::new(Options {
        mode: abi::Mode::Stick,
        internet: here,
        customers: here,
        vlans: Some(TrialBox::VLANS),
        tcx: true,
        cpus: vec![CpuId::new(0)],
        sizes,
    })
    .unwrap();
    let everybody = ["0.0.0.0/0", "::/0"]
        .map(|prefix| (prefix.parse().unwrap(), Some(crate::tables::AddressTarget::Customers)));
    crate::tables::Tables::set_addresses(&mut loaded.take_tables().unwrap(), &everybody).unwrap();
    Some(loaded)
}

/// Both directions of many flows, IPv4 and IPv6.
fn frames() -> Vec<Vec<u8>> {
    let (internet, customers) = TrialBox::VLANS;
    let v6 = |text: &str| match text.parse().unwrap() {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(_) => unreachable!("{text} is IPv6"),
    };
    let (customer6, server6) = (v6("2001:db8:1::7"), v6("2001:db8:2::1"));
    let (customer4, server4) = ([100, 64, 1, 10], [203, 0, 113, 1]);
    let both = |port: u16| {
        let up = || Frame::ethernet().vlan(customers);
        let down = || Frame::ethernet().vlan(internet);
        [
            up().ipv4(Ipv4::new(customer4, server4)).udp(port, 53).build(),
            down().ipv4(Ipv4::new(server4, customer4)).udp(53, port).build(),
            up().ipv6(Ipv6::new(customer6, server6)).udp(port, 53).build(),
            down().ipv6(Ipv6::new(server6, customer6)).udp(53, port).build(),
        ]
    };
    (1..=PORTS).flat_map(both).collect()
}

fn pass(ingress: &OwnedFd, frame: &[u8]) {
    // SAFETY: all fields of the options are integers and pointers, for which zero is valid.
    let mut options: libbpf_sys::bpf_test_run_opts = unsafe { zeroed() };
    options.sz = size_of_val(&options) as _;
    options.data_in = frame.as_ptr().cast();
    options.data_size_in = frame.len() as u32;
    options.repeat = 1;
    // SAFETY: the kernel reads the frame, which is as long as is said, before the call returns.
    let result =
        unsafe { libbpf_sys::bpf_prog_test_run_opts(ingress.as_raw_fd(), &raw mut options) };
    assert_eq!(result, 0);
}

/// What is in the table, which nobody changes now, is found where it is, once, and no row is lost.
fn check(flows: &mut Flows, table: &FlowTable) {
    let _ = flows.changed().unwrap();
    let mut rows = HashMap::new();
    for row in 0..table.rows() {
        let Some(key) = table.key(row) else { continue };
        let found = table.find(&key).map(|(_, row)| row);
        let other = rows.insert(bytemuck::bytes_of(&key).to_vec(), row);
        assert_eq!((found, other), (Some(row), None), "{key:?}");
    }
    assert_eq!(rows.len() + table.free_rows(), table.rows(), "rows are lost");
}

#[test]
fn cpus_and_userspace_change_it_at_once() {
    let Some(mut loaded) = loaded() else { return };
    let mut flows = loaded.take_readers().unwrap().flows;
    let table = FlowTable::new(&loaded.object, loaded.flow_shape).unwrap();
    let ingress = program(&loaded.object, "xdp_ingress").unwrap();
    let ingress = ingress.as_fd().try_clone_to_owned().unwrap();
    let (frames, stop, arrived) = (frames(), AtomicBool::new(false), AtomicUsize::new(0));
    let (mut told, mut twice) = (0_u64, 0);
    thread::scope(|scope| {
        // the same flows in the same order, so that they are made by several CPUs at once
        for _ in 0..THREADS {
            scope.spawn(|| {
                for (step, frame) in (1..).zip(frames.iter().cycle()) {
                    // both at the same packet at once
                    arrived.fetch_add(1, Ordering::AcqRel);
                    while arrived.load(Ordering::Acquire) < THREADS * step {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        thread::yield_now();
                    }
                    pass(&ingress, frame);
                }
            });
        }
        let end = Instant::now() + TIME;
        while Instant::now() < end {
            let keys: Vec<_> = flows.changed().unwrap().map(|report| report.key).collect();
            told += keys.len() as u64;
            let different: HashSet<_> = keys.iter().map(bytemuck::bytes_of).collect();
            twice += keys.len() - different.len();
            flows.forget(&keys);
            // longer than any packet is on its way
            thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{told} flows came and went");
    assert_eq!(twice, 0, "flows were in two rows");
    assert!(told > 2 * u64::from(ROWS), "{told} flows");
    check(&mut flows, &table);
    // and all of it can be taken out
    let keys: Vec<_> = (0..table.rows()).filter_map(|row| table.key(row)).collect();
    flows.forget(&keys);
    check(&mut flows, &table);
    assert_eq!(table.free_rows(), table.rows());
}

#[test]
fn what_a_reader_left_undone_is_mended() {
    let Some(mut loaded) = loaded() else { return };
    let mut flows = loaded.take_readers().unwrap().flows;
    let table = FlowTable::new(&loaded.object, loaded.flow_shape).unwrap();
    let ingress = program(&loaded.object, "xdp_ingress").unwrap();
    let ingress = ingress.as_fd().try_clone_to_owned().unwrap();
    let frames = frames();
    for frame in &frames[..200] {
        pass(&ingress, frame);
    }
    let keys: Vec<_> = flows.changed().unwrap().map(|report| report.key).collect();
    assert_eq!(keys.len(), 100);
    // it ends with some flows taken out, and a row that is on its way to the stack
    flows.forget(&keys[..30]);
    let (place, row) = table.find(&keys[30]).unwrap();
    table.take_out(place);
    table.place(place).store(0, Ordering::Release);
    assert!(table.take_free().is_some());
    drop(flows);
    table.recover();
    assert_eq!(table.free_rows(), table.rows() - 69);
    assert!(table.key(row).is_none());
    let mut flows = Flows::new(&loaded.object, loaded.flow_shape, true).unwrap();
    let again: HashSet<_> =
        flows.changed().unwrap().map(|report| bytemuck::bytes_of(&report.key).to_vec()).collect();
    let wanted: HashSet<_> =
        keys[31..].iter().map(|key| bytemuck::bytes_of(key).to_vec()).collect();
    assert_eq!(again, wanted, "those that live are handed over to the next reader");
    check(&mut flows, &table);
    for frame in &frames {
        pass(&ingress, frame);
    }
    assert_eq!(table.free_rows(), 0, "all rows are of use");
    check(&mut flows, &table);
}
