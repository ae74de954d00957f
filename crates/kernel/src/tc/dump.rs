//! What the kernel has: qdiscs and classes as dumps tell them.

use units::{Bytes, IfIndex, TcHandle};

use super::encode::{CAKE_DIFFSERV, HTB_CEIL64, HTB_INIT, HTB_PARMS, HTB_RATE64, cake_diffserv};
use super::parameters::HtbParameters;
use super::request::{Diffserv, Qdisc};
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
        b"cake\0" => {
            record.option(CAKE_DIFFSERV).and_then(|mode| diffserv(u32_at(mode, 0))).map(Qdisc::Cake)
        }
        b"fq_codel\0" => Some(Qdisc::FqCodel),
        b"bfifo\0" => Some(Qdisc::Bfifo { limit: Bytes::new(u32_at(record.options, 0).into()) }),
        b"pfifo\0" => Some(Qdisc::Pfifo),
        b"clsact\0" => Some(Qdisc::Clsact),
        _ => None,
    };
    known.map_or_else(|| Discipline::Other(text(record.kind).into()), Discipline::Known)
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
            Qdisc::Cake(Diffserv::Besteffort),
            Qdisc::Cake(Diffserv::Diffserv8),
            Qdisc::FqCodel,
            Qdisc::Bfifo { limit: Bytes::new(75_000) },
            Qdisc::Pfifo,
        ] {
            let state = qdisc(&body(&add(wanted))).unwrap();
            assert_eq!(state.discipline, Discipline::Known(wanted));
            assert_eq!((state.nic, state.handle), (IfIndex::new(7), TcHandle::new(1, 0)));
            assert_eq!(state.parent, TcHandle::ROOT);
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
