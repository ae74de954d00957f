//! The kernel's own answers, in the network namespace of the thread that asks first.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fmt::{self, Debug, Formatter};
use std::io;

use netlink_bindings::ethtool::{
    Channels, Features, IterableBitset, PushChannels, PushFeatures, PushRings, Rings,
};
use netlink_bindings::traits::NetlinkRequest;
use netlink_bindings::utils::ErrorContext;
use netlink_bindings::{rt_link, tc};
use netlink_socket2::{NetlinkSocket, ReplyError};
use units::{IfIndex, TcHandle};

use super::ethtool::{
    CHANNELS_GET, CHANNELS_SET, Ethtool, FEATURES_GET, FEATURES_SET, RINGS_GET, RINGS_SET,
};
use super::{Channel, Classifier, Link, Offload, Qdisc, Ring, Size, Sizes, Wire, XdpProgram};

/// Longest name of a NIC, without the zero (`IFNAMSIZ`).
const NAME_MAX: usize = 15;
/// `IFF_UP`.
const UP: u32 = 1;
/// `RTEXT_FILTER_SKIP_STATS`: what is long and not asked for.
const SKIP_STATS: u32 = 1 << 3;
/// `XDP_ATTACHED_SKB`.
const GENERIC: u8 = 2;
/// What classifies on clsact: packets that come in, and that go out.
const CLSACT: [(TcHandle, bool); 2] =
    [(TcHandle::new(0xffff, 0xfff2), true), (TcHandle::new(0xffff, 0xfff3), false)];
/// `ENODEV`.
const NO_DEVICE: i32 = 19;

/// Netlink sockets, opened when they are first needed.
pub struct Sockets(NetlinkSocket);

impl Sockets {
    /// None opened yet.
    pub fn new() -> Self {
        Self(NetlinkSocket::new())
    }

    /// Asks for one answer and takes from it what `take` wants.
    fn one<R: NetlinkRequest, T>(
        &mut self,
        request: &R,
        take: impl FnOnce(R::ReplyType<'_>) -> T,
    ) -> io::Result<T> {
        let mut reply = self.0.request(request)?;
        reply.recv_one().map(take).map_err(told)
    }

    /// Asks for all answers and takes from each what `take` wants.
    fn all<R: NetlinkRequest, T>(
        &mut self,
        request: &R,
        mut take: impl FnMut(R::ReplyType<'_>) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        let mut replies = self.0.request(request)?;
        let mut taken = Vec::new();
        while let Some(reply) = replies.recv() {
            taken.extend(take(reply.map_err(told)?));
        }
        Ok(taken)
    }

    /// Has something done.
    fn carry_out(&mut self, request: &impl NetlinkRequest) -> io::Result<()> {
        self.0.request(request)?.recv_ack().map_err(told)
    }
}

impl Default for Sockets {
    fn default() -> Self {
        Self::new()
    }
}

impl Debug for Sockets {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Sockets")
    }
}

impl Wire for Sockets {
    fn link(&mut self, name: &str) -> io::Result<Link> {
        let mut request = rt_link::Request::new().op_getlink_do(&rt_link::Ifinfomsg::default());
        request.encode().push_ifname_bytes(checked(name)?).push_ext_mask(SKIP_STATS);
        self.one(&request, |(header, attributes)| {
            let kind = attributes.get_linkinfo().and_then(|info| info.get_kind());
            Link {
                ifindex: IfIndex::new(header.ifi_index.cast_unsigned()),
                mtu: attributes.get_mtu().unwrap_or_default(),
                mtu_max: attributes.get_max_mtu().ok().filter(|max| *max != 0),
                up: header.ifi_flags & UP != 0,
                carrier: attributes.get_carrier() == Ok(1),
                master: attributes.get_master().ok().map(IfIndex::new),
                kind: kind.map(text).unwrap_or_default(),
                xdp: attributes.get_xdp().ok().and_then(|xdp| {
                    let (id, attached) = (xdp.get_prog_id().ok()?, xdp.get_attached().ok()?);
                    Some(XdpProgram { id, generic: attached == GENERIC })
                }),
            }
        })
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        let mut request = rt_link::Request::new().op_getlink_dump(&rt_link::Ifinfomsg::default());
        request.encode().push_ext_mask(SKIP_STATS);
        self.all(&request, |(_, attributes)| attributes.get_ifname().ok().map(text))
    }

    fn offloads(&mut self, name: &str) -> io::Result<BTreeMap<String, Offload>> {
        let mut request = Ethtool::<Features<'_>>::new(FEATURES_GET);
        PushFeatures::new(&mut request.payload).nested_header().push_dev_name_bytes(checked(name)?);
        let (changeable, on, fixed) = self.one(&request, |reply| {
            (bits(reply.get_hw()), bits(reply.get_active()), bits(reply.get_nochange()))
        })?;
        let names = changeable.iter().chain(&on).chain(&fixed);
        Ok(names
            .map(|name| {
                let changeable = changeable.contains(name) && !fixed.contains(name);
                (name.clone(), Offload { on: on.contains(name), changeable })
            })
            .collect())
    }

    fn set_offload(&mut self, name: &str, offload: &str, on: bool) -> io::Result<()> {
        let mut request = Ethtool::<Features<'_>>::new(FEATURES_SET);
        let features = PushFeatures::new(&mut request.payload);
        let header = features.nested_header().push_dev_name_bytes(checked(name)?);
        let bits = header.end_nested().nested_wanted().nested_bits();
        let bit = bits.nested_bit().push_name_bytes(offload.as_bytes());
        drop(if on { bit.push_value(()) } else { bit });
        // what the driver made of it is an answer of its own, before the acknowledgement
        self.all(&request, |_| None::<()>).map(drop)
    }

    fn rings(&mut self, name: &str) -> io::Result<Sizes<Ring>> {
        let mut request = Ethtool::<Rings<'_>>::new(RINGS_GET);
        PushRings::new(&mut request.payload).nested_header().push_dev_name_bytes(checked(name)?);
        self.one(&request, |reply| {
            sizes([
                (Ring::Rx, (reply.get_rx(), reply.get_rx_max())),
                (Ring::Tx, (reply.get_tx(), reply.get_tx_max())),
            ])
        })
    }

    fn set_ring(&mut self, name: &str, ring: Ring, size: u32) -> io::Result<()> {
        let mut request = Ethtool::<Rings<'_>>::new(RINGS_SET);
        let rings = PushRings::new(&mut request.payload);
        let header = rings.nested_header().push_dev_name_bytes(checked(name)?);
        drop(match ring {
            Ring::Rx => header.end_nested().push_rx(size),
            Ring::Tx => header.end_nested().push_tx(size),
        });
        self.carry_out(&request)
    }

    fn channels(&mut self, name: &str) -> io::Result<Sizes<Channel>> {
        let mut request = Ethtool::<Channels<'_>>::new(CHANNELS_GET);
        PushChannels::new(&mut request.payload).nested_header().push_dev_name_bytes(checked(name)?);
        self.one(&request, |reply| {
            sizes([
                (Channel::Combined, (reply.get_combined_count(), reply.get_combined_max())),
                (Channel::Rx, (reply.get_rx_count(), reply.get_rx_max())),
                (Channel::Tx, (reply.get_tx_count(), reply.get_tx_max())),
            ])
        })
    }

    fn set_channels(&mut self, name: &str, channel: Channel, count: u32) -> io::Result<()> {
        let mut request = Ethtool::<Channels<'_>>::new(CHANNELS_SET);
        let channels = PushChannels::new(&mut request.payload);
        let channels = channels.nested_header().push_dev_name_bytes(checked(name)?).end_nested();
        drop(match channel {
            Channel::Combined => channels.push_combined_count(count),
            Channel::Rx => channels.push_rx_count(count),
            Channel::Tx => channels.push_tx_count(count),
        });
        self.carry_out(&request)
    }

    fn qdiscs(&mut self, nic: IfIndex) -> io::Result<Vec<Qdisc>> {
        let ifindex = nic.get().cast_signed();
        let request = tc::Request::new().op_getqdisc_dump(&tc::Tcmsg { ifindex, ..message() });
        // the kernel tells those of all devices
        self.all(&request, |(header, attributes)| {
            (header.ifindex == ifindex).then(|| Qdisc {
                kind: attributes.get_kind().map(text).unwrap_or_default(),
                handle: handle(header.handle),
                parent: handle(header.parent),
            })
        })
    }

    fn classifiers(&mut self, nic: IfIndex) -> io::Result<Vec<Classifier>> {
        let ifindex = nic.get().cast_signed();
        let mut all = Vec::new();
        for (parent, ingress) in CLSACT {
            let parent = u32::from(parent.major()) << 16 | u32::from(parent.minor());
            let header = tc::Tcmsg { ifindex, parent, ..message() };
            let request = tc::Request::new().op_gettfilter_dump(&header);
            all.extend(self.all(&request, |(header, attributes)| {
                let Ok(tc::OptionsMsg::Bpf(bpf)) = attributes.get_options() else { return None };
                let id = bpf.get_id().ok()?;
                let name = bpf.get_name().map(text).unwrap_or_default();
                Some(Classifier { name, id, ingress, priority: (header.info >> 16) as u16 })
            })?);
        }
        Ok(all)
    }
}

fn message() -> tc::Tcmsg {
    tc::Tcmsg::default()
}

fn handle(number: u32) -> TcHandle {
    TcHandle::new((number >> 16) as u16, number as u16)
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// Names of the bits that are set.
fn bits(set: Result<IterableBitset<'_>, ErrorContext>) -> Vec<String> {
    let Ok(bits) = set.and_then(|set| set.get_bits()) else { return Vec::new() };
    bits.get_bit().filter_map(|bit| bit.get_name().ok().map(text)).collect()
}

/// A setting and its limit, where the driver has it.
type Told<E> = (Result<u32, E>, Result<u32, E>);

/// Settings of which the driver has any.
fn sizes<K: Ord, E, const N: usize>(kinds: [(K, Told<E>); N]) -> Sizes<K> {
    let size =
        |(now, max): Told<E>| Some(Size { now: now.ok()?, max: max.ok().filter(|max| *max > 0)? });
    kinds.into_iter().filter_map(|(kind, told)| Some((kind, size(told)?))).collect()
}

/// A name that the kernel would take for another one, or for none, is nobody's.
fn checked(name: &str) -> io::Result<&[u8]> {
    if name.is_empty() || name.len() > NAME_MAX || name.contains('\0') {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(name.as_bytes())
}

/// What the kernel says, in its own words where it has some.
fn told(error: ReplyError) -> io::Error {
    let words = error.ext_ack().and_then(|ack| ack.get_msg().ok()).map(text);
    let code = error.as_io_error();
    let kind = match code.raw_os_error() {
        Some(NO_DEVICE) => io::ErrorKind::NotFound,
        _ => code.kind(),
    };
    match words {
        Some(words) => io::Error::new(kind, words),
        None if kind == io::ErrorKind::NotFound => io::Error::new(kind, code.to_string()),
        None => error.into(),
    }
}
