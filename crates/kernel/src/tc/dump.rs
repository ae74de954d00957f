//! What the kernel has: qdiscs and classes as dumps tell them.

use std::time::Duration;

use units::{Bytes, IfIndex, TcHandle};

use super::encode::{
    CAKE_DIFFSERV, CAKE_FLOW_MODE, CAKE_RTT, CAKE_TARGET, FQ_CODEL_INTERVAL, FQ_CODEL_TARGET,
    HTB_CEIL64, HTB_INIT, HTB_PARMS, HTB_RATE64, cake_diffserv, cake_flow_mode,
};
use super::parameters::HtbParameters;
use super::request::{Codel, Diffserv, Hosts, Qdisc};
use super::stats::Stats;
use crate::netlink::{attributes, text, u32_at, u64_at};

/// Bytes of `struct tcmsg`.
pub(super) const TC_MESSAGE: usize = 20;

/// A qdisc on a NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QdiscState {
    /// The NIC.
    pub nic: IfIndex,
    /// Its handle; major 0 for those that the kernel made by itself.
    pub handle: TcHandle,
    /// The class that it is under, or [`TcHandle::ROOT`].
    pub parent: TcHandle,
    /// Which one, with its settings.
    pub discipline: Discipline,
    /// What it did so far.
    pub stats: Stats,
}

/// A qdisc's kind, with settings where it is one that we make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// One that Tidegate knows.
    Known(Qdisc),
    /// Another one, or one of ours with settings that we never make, by its name.
    Other(Box<str>),
}

impl Discipline {
    /// Its name, as `tc` and the kernel call it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Known(qdisc) => qdisc.kind(),
            Self::Other(kind) => kind,
        }
    }
}

/// An HTB class on a NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassState {
    /// Its handle.
    pub handle: TcHandle,
    /// The class that it is under; [`TcHandle::ROOT`] right below the HTB.
    pub parent: TcHandle,
    /// Handle of the qdisc under it; 0 where that is the kernel's default or where it has children.
    pub leaf: TcHandle,
    /// Its settings.
    pub parameters: HtbParameters,
    /// What it did so far.
    pub stats: Stats,
}

/// Priority and number of the filter that an `RTM_NEWTFILTER` tells of (`tcf_fill_node` in
/// `net/sched/cls_api.c`: the priority is above the protocol in `tcm_info`).
pub(super) fn filter(body: &[u8]) -> Option<(u16, u32)> {
    let (head, _) = body.split_at_checked(TC_MESSAGE)?;
    Some(((u32_at(head, 16) >> 16) as u16, u32_at(head, 8)))
}

/// The fixed part and the attributes that both kinds of answer share.
struct Record<'a> {
    nic: IfIndex,
    handle: TcHandle,
    parent: TcHandle,
    info: u32,
    kind: &'a [u8],
    options: &'a [u8],
    stats: Stats,
}

impl<'a> Record<'a> {
    fn parse(body: &'a [u8]) -> Option<Self> {
        let (head, rest) = body.split_at_checked(TC_MESSAGE)?;
        let mut record = Self {
            nic: IfIndex::new(u32_at(head, 4)),
            handle: TcHandle::from_raw(u32_at(head, 8)),
            parent: TcHandle::from_raw(u32_at(head, 12)),
            info: u32_at(head, 16),
            kind: &[],
            options: &[],
            stats: Stats::default(),
        };
        for (attribute, payload) in attributes(rest) {
            match attribute {
                libc::TCA_KIND => record.kind = payload,
                libc::TCA_OPTIONS => record.options = payload,
                libc::TCA_STATS2 => record.stats = Stats::decode(payload).0,
                _ => {}
            }
        }
        Some(record)
    }

    fn option(&self, wanted: u16) -> Option<&'a [u8]> {
        attributes(self.options).find(|(kind, _)| *kind == wanted).map(|(_, payload)| payload)
    }
}

/// Decodes an `RTM_NEWQDISC`; nothing for a truncated one.
pub(super) fn qdisc(body: &[u8]) -> Option<QdiscState> {
    let record = Record::parse(body)?;
    Some(QdiscState {
        nic: record.nic,
        handle: record.handle,
        parent: record.parent,
        discipline: discipline(&record),
        stats: record.stats,
    })
}

/// Decodes an `RTM_NEWTCLASS`; nothing for classes that are not HTB's.
pub(super) fn class(body: &[u8]) -> Option<ClassState> {
    let record = Record::parse(body)?;
    let parameters = record.option(HTB_PARMS).filter(|_| record.kind == b"htb\0")?;
    // Offsets in struct tc_htb_opt; the 64-bit attributes come only for rates beyond 32 bits.
    let rate64 = |kind, narrow: usize| match record.option(kind) {
        Some(wide) => u64_at(wide, 0),
        None => u32_at(parameters, narrow).into(),
    };
    Some(ClassState {
        handle: record.handle,
        parent: record.parent,
        leaf: TcHandle::from_raw(record.info),
        parameters: HtbParameters {
            rate: rate64(HTB_RATE64, 8),
            ceil: rate64(HTB_CEIL64, 20),
            buffer_ticks: u32_at(parameters, 24),
            cbuffer_ticks: u32_at(parameters, 28),
            quantum: u32_at(parameters, 32),
            priority: u32_at(parameters, 40),
        },
        stats: record.stats,
    })
}

fn discipline(record: &Record<'_>) -> Discipline {
    let known = match record.kind {
        b"mq\0" => Some(Qdisc::Mq),
        b"htb\0" => record
            .option(HTB_INIT)
            .and_then(|globals| u16::try_from(u32_at(globals, 8)).ok())
            .map(|default_minor| Qdisc::Htb { default_minor }),
        b"cake\0" => cake(record),
        b"fq_codel\0" => codel(record, [FQ_CODEL_TARGET, FQ_CODEL_INTERVAL]).map(Qdisc::FqCodel),
        b"bfifo\0" => Some(Qdisc::Bfifo { limit: Bytes::new(u32_at(record.options, 0).into()) }),
        b"pfifo\0" => Some(Qdisc::Pfifo),
        b"clsact\0" => Some(Qdisc::Clsact),
        _ => None,
    };
    known.map_or_else(|| Discipline::Other(text(record.kind).into()), Discipline::Known)
}

fn cake(record: &Record<'_>) -> Option<Qdisc> {
    Some(Qdisc::Cake {
        diffserv: diffserv(u32_at(record.option(CAKE_DIFFSERV)?, 0))?,
        hosts: hosts(u32_at(record.option(CAKE_FLOW_MODE)?, 0))?,
        codel: codel(record, [CAKE_TARGET, CAKE_RTT])?,
    })
}

/// Times that were written in whole milliseconds and may have lost a part of their last.
fn codel(record: &Record<'_>, [target, interval]: [u16; 2]) -> Option<Codel> {
    let time = |attribute| {
        let micros = u32_at(record.option(attribute)?, 0);
        Some(Duration::from_millis(micros.div_ceil(1_000).into()))
    };
    Some(Codel { target: time(target)?, interval: time(interval)? })
}

fn hosts(mode: u32) -> Option<Hosts> {
    [Hosts::Sources, Hosts::Destinations].into_iter().find(|hosts| cake_flow_mode(*hosts) == mode)
}

fn diffserv(mode: u32) -> Option<Diffserv> {
    [Diffserv::Besteffort, Diffserv::Diffserv3, Diffserv::Diffserv4, Diffserv::Diffserv8]
        .into_iter()
        .find(|diffserv| cake_diffserv(*diffserv) == mode)
}

#[cfg(test)]
mod tests {
    use units::BitsPerSec;

    use super::super::encode;
    use super::super::request::{HtbClass, Request};
    use super::*;
    use crate::netlink::Messages;

    const SLOW: Codel =
        Codel { target: Duration::from_millis(19), interval: Duration::from_millis(114) };

    /// The body of the message that `request` becomes.
    fn body(request: &Request) -> Vec<u8> {
        let mut messages = Messages::new();
        encode(&mut messages, IfIndex::new(7), request);
        messages.bodies().next().unwrap().to_vec()
    }

    fn add(qdisc: Qdisc) -> Request {
        Request::AddQdisc { parent: TcHandle::ROOT, handle: TcHandle::new(1, 0), qdisc }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for wanted in [
            Qdisc::Mq,
            Qdisc::Htb { default_minor: 0xffff },
            Qdisc::Cake {
                diffserv: Diffserv::Besteffort,
                hosts: Hosts::Sources,
                codel: Codel::DEFAULT,
            },
            Qdisc::Cake { diffserv: Diffserv::Diffserv8, hosts: Hosts::Destinations, codel: SLOW },
            Qdisc::FqCodel(SLOW),
            Qdisc::Bfifo { limit: Bytes::new(75_000) },
            Qdisc::Pfifo,
        ] {
            let state = qdisc(&body(&add(wanted))).unwrap();
            assert_eq!(state.discipline, Discipline::Known(wanted));
            assert_eq!((state.nic, state.handle), (IfIndex::new(7), TcHandle::new(1, 0)));
            assert_eq!(state.parent, TcHandle::ROOT);
        }
    }

    /// FQ-CoDel keeps times in units of 1,024 ns and tells them in microseconds (`codel_time_to_us`).
    #[test]
    fn whole_milliseconds_survive_a_kernel_that_rounds_them() {
        for millis in 1..=4_000_u64 {
            let kept = (millis * 1_000_000) >> 10;
            let told = u32::try_from((kept << 10) / 1_000).unwrap();
            let mut messages = Messages::new();
            let body = encode::tc_message(IfIndex::new(7), TcHandle::new(1, 0), TcHandle::ROOT);
            let mut message = messages.start(libc::RTM_NEWQDISC, 0, &body);
            message.attribute(libc::TCA_KIND, b"fq_codel\0");
            message.nest(libc::TCA_OPTIONS, |options| {
                for attribute in [FQ_CODEL_TARGET, FQ_CODEL_INTERVAL] {
                    options.attribute(attribute, &told.to_ne_bytes());
                }
            });
            drop(message);
            let time = Duration::from_millis(millis);
            let wanted = Qdisc::FqCodel(Codel { target: time, interval: time });
            let found = qdisc(messages.bodies().next().unwrap()).unwrap();
            assert_eq!(found.discipline, Discipline::Known(wanted), "{millis} ms as {told} us");
        }
    }

    #[test]
    fn rates_beyond_32_bits_survive() {
        for mbps in [1, 34_359, 34_360, 400_000] {
            let settings = HtbClass {
                rate: BitsPerSec::from_mbps(mbps),
                ceil: BitsPerSec::from_mbps(mbps * 2),
                burst: Bytes::new(20_000),
                cburst: Bytes::new(30_000),
                quantum: Bytes::new(1_514),
                priority: 3,
            };
            let request = Request::AddClass {
                handle: TcHandle::new(1, 2),
                parent: TcHandle::new(1, 1),
                class: settings,
            };
            assert_eq!(class(&body(&request)).unwrap().parameters, (&settings).into());
        }
    }

    #[test]
    fn truncated_answers_never_panic() {
        let whole = body(&add(Qdisc::Htb { default_minor: 9 }));
        for end in 0..whole.len() {
            let _ = (qdisc(&whole[..end]), class(&whole[..end]));
        }
    }
}
