//! Requests in the kernel's wire form (`include/uapi/linux/pkt_sched.h`, `rtnetlink.h`).

use units::{IfIndex, TcHandle};

use super::parameters::HtbParameters;
use super::request::{Codel, Diffserv, Hosts, HtbClass, Qdisc, Request};
use crate::netlink::{Message, Messages};

/// Nanoseconds in a tick of the packet scheduler's clock: `PSCHED_SHIFT` is 6 in every kernel that
/// Tidegate runs on, and [`super::check_clock`] makes sure.
pub const CLOCK_TICK_NS: u32 = 64;

pub(super) const HTB_PARMS: u16 = 1;
pub(super) const HTB_INIT: u16 = 2;
pub(super) const HTB_RATE64: u16 = 6;
pub(super) const HTB_CEIL64: u16 = 7;

pub(super) const CAKE_BASE_RATE64: u16 = 2;
pub(super) const CAKE_DIFFSERV: u16 = 3;
pub(super) const CAKE_FLOW_MODE: u16 = 5;
/// The interval: its users call it by what it should be as long as.
pub(super) const CAKE_RTT: u16 = 7;
pub(super) const CAKE_TARGET: u16 = 8;

pub(super) const FQ_CODEL_TARGET: u16 = 1;
pub(super) const FQ_CODEL_INTERVAL: u16 = 3;

/// `TC_HTB_PROTOVER`.
const HTB_VERSION: u32 = 3;

/// Divisor that would choose a class's quantum; every class brings its own.
const HTB_RATE_TO_QUANTUM: u32 = 10;

/// `TC_LINKLAYER_ETHERNET`: rates need no tables.
const LINK_LAYER_ETHERNET: u8 = 1;

/// Class under which clsact lives (`TC_H_CLSACT`), and its fixed handle's major.
const CLSACT: TcHandle = TcHandle::from_raw(0xffff_fff1);

const ADD: u16 = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
const REPLACE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;

/// Appends `request` for `nic` to `messages`.
pub fn encode(messages: &mut Messages, nic: IfIndex, request: &Request) {
    let none = TcHandle::default();
    let (kind, flags, handle, parent) = match request {
        Request::AddQdisc { parent, handle, qdisc } => {
            (libc::RTM_NEWQDISC, ADD, *handle, parent_of(qdisc, *parent))
        }
        Request::ReplaceQdisc { parent, handle, qdisc } => {
            (libc::RTM_NEWQDISC, REPLACE, handle.unwrap_or(none), parent_of(qdisc, *parent))
        }
        Request::DeleteQdisc { parent } => (libc::RTM_DELQDISC, 0, none, *parent),
        Request::AddClass { handle, parent, .. } => (libc::RTM_NEWTCLASS, ADD, *handle, *parent),
        Request::ChangeClass { handle, parent, .. } => (libc::RTM_NEWTCLASS, 0, *handle, *parent),
        Request::DeleteClass { handle } => (libc::RTM_DELTCLASS, 0, *handle, none),
    };
    let flags = flags | libc::NLM_F_REQUEST as u16;
    let mut message = messages.start(kind, flags, &tc_message(nic, handle, parent));
    match request {
        Request::AddQdisc { qdisc, .. } | Request::ReplaceQdisc { qdisc, .. } => {
            append_qdisc(&mut message, qdisc);
        }
        Request::AddClass { class, .. } | Request::ChangeClass { class, .. } => {
            append_class(&mut message, class);
        }
        Request::DeleteQdisc { .. } | Request::DeleteClass { .. } => {}
    }
}

/// `struct tcmsg`.
pub(super) fn tc_message(nic: IfIndex, handle: TcHandle, parent: TcHandle) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[4..8].copy_from_slice(&nic.get().to_ne_bytes());
    bytes[8..12].copy_from_slice(&handle.raw().to_ne_bytes());
    bytes[12..16].copy_from_slice(&parent.raw().to_ne_bytes());
    bytes
}

/// clsact has one place only, whatever the caller names.
fn parent_of(qdisc: &Qdisc, parent: TcHandle) -> TcHandle {
    if *qdisc == Qdisc::Clsact { CLSACT } else { parent }
}

fn append_qdisc(message: &mut Message<'_>, qdisc: &Qdisc) {
    let kind = match qdisc {
        Qdisc::Mq => "mq\0",
        Qdisc::Htb { .. } => "htb\0",
        Qdisc::Cake { .. } => "cake\0",
        Qdisc::FqCodel(_) => "fq_codel\0",
        Qdisc::Bfifo { .. } => "bfifo\0",
        Qdisc::Pfifo => "pfifo\0",
        Qdisc::Clsact => "clsact\0",
    };
    message.attribute(libc::TCA_KIND, kind.as_bytes());
    match qdisc {
        Qdisc::Mq | Qdisc::Pfifo | Qdisc::Clsact => {}
        Qdisc::Htb { default_minor } => {
            message.nest(libc::TCA_OPTIONS, |options| {
                options.attribute(HTB_INIT, &htb_globals(*default_minor));
            });
        }
        Qdisc::Cake { diffserv, hosts, codel } => {
            message.nest(libc::TCA_OPTIONS, |options| {
                options.attribute(CAKE_BASE_RATE64, &0_u64.to_ne_bytes());
                options.attribute(CAKE_DIFFSERV, &cake_diffserv(*diffserv).to_ne_bytes());
                options.attribute(CAKE_FLOW_MODE, &cake_flow_mode(*hosts).to_ne_bytes());
                append_codel(options, codel, [CAKE_TARGET, CAKE_RTT]);
            });
        }
        Qdisc::FqCodel(codel) => {
            message.nest(libc::TCA_OPTIONS, |options| {
                append_codel(options, codel, [FQ_CODEL_TARGET, FQ_CODEL_INTERVAL]);
            });
        }
        Qdisc::Bfifo { limit } => {
            // struct tc_fifo_qopt
            let limit = u32::try_from(limit.get()).unwrap_or(u32::MAX);
            message.attribute(libc::TCA_OPTIONS, &limit.to_ne_bytes());
        }
    }
}

/// Target and interval, in microseconds.
fn append_codel(options: &mut Message<'_>, codel: &Codel, attributes: [u16; 2]) {
    for (attribute, time) in attributes.into_iter().zip([codel.target, codel.interval]) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        options.attribute(attribute, &micros.to_ne_bytes());
    }
}

/// `struct tc_htb_glob`.
fn htb_globals(default_minor: u16) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[0..4].copy_from_slice(&HTB_VERSION.to_ne_bytes());
    bytes[4..8].copy_from_slice(&HTB_RATE_TO_QUANTUM.to_ne_bytes());
    bytes[8..12].copy_from_slice(&u32::from(default_minor).to_ne_bytes());
    bytes
}

/// `CAKE_DIFFSERV_*`.
pub(super) const fn cake_diffserv(diffserv: Diffserv) -> u32 {
    match diffserv {
        Diffserv::Diffserv3 => 0,
        Diffserv::Diffserv4 => 1,
        Diffserv::Diffserv8 => 2,
        Diffserv::Besteffort => 3,
    }
}

/// `CAKE_FLOW_DUAL_*`.
pub(super) const fn cake_flow_mode(hosts: Hosts) -> u32 {
    match hosts {
        Hosts::Sources => 5,
        Hosts::Destinations => 6,
    }
}

fn append_class(message: &mut Message<'_>, class: &HtbClass) {
    let parameters = HtbParameters::from(class);
    message.attribute(libc::TCA_KIND, b"htb\0");
    message.nest(libc::TCA_OPTIONS, |options| {
        options.attribute(HTB_PARMS, &htb_options(&parameters));
        if parameters.rate > u32::MAX.into() {
            options.attribute(HTB_RATE64, &parameters.rate.to_ne_bytes());
        }
        if parameters.ceil > u32::MAX.into() {
            options.attribute(HTB_CEIL64, &parameters.ceil.to_ne_bytes());
        }
    });
}

/// `struct tc_htb_opt`.
fn htb_options(parameters: &HtbParameters) -> [u8; 44] {
    let mut bytes = [0; 44];
    bytes[0..12].copy_from_slice(&rate_spec(parameters.rate));
    bytes[12..24].copy_from_slice(&rate_spec(parameters.ceil));
    bytes[24..28].copy_from_slice(&parameters.buffer_ticks.to_ne_bytes());
    bytes[28..32].copy_from_slice(&parameters.cbuffer_ticks.to_ne_bytes());
    bytes[32..36].copy_from_slice(&parameters.quantum.to_ne_bytes());
    bytes[40..44].copy_from_slice(&parameters.priority.to_ne_bytes());
    bytes
}

/// `struct tc_ratespec`. With a link layer named, the kernel computes transmission times itself
/// and takes no rate table (`htb_change_class` in `net/sched/sch_htb.c`, Linux 3.8 and later).
fn rate_spec(bytes_per_sec: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[1] = LINK_LAYER_ETHERNET;
    let rate = u32::try_from(bytes_per_sec).unwrap_or(u32::MAX);
    bytes[8..12].copy_from_slice(&rate.to_ne_bytes());
    bytes
}
