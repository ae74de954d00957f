//! Requests of the generic netlink family `ethtool`.
//!
//! netlink-bindings knows the family's attributes, but numbers its commands wrongly (0.3.5: it sends 15, which
//! asks for rings, to ask for features). So the header is made here, by the numbers of
//! `include/uapi/linux/ethtool_netlink_generated.h`.

use std::marker::PhantomData;

use netlink_bindings::traits::{NetlinkRequest, Protocol};

/// `ETHTOOL_MSG_FEATURES_GET`.
pub(super) const FEATURES_GET: u8 = 11;
/// `ETHTOOL_MSG_FEATURES_SET`.
pub(super) const FEATURES_SET: u8 = 12;
/// `ETHTOOL_MSG_RINGS_GET`.
pub(super) const RINGS_GET: u8 = 15;
/// `ETHTOOL_MSG_RINGS_SET`.
pub(super) const RINGS_SET: u8 = 16;
/// `ETHTOOL_MSG_CHANNELS_GET`.
pub(super) const CHANNELS_GET: u8 = 17;
/// `ETHTOOL_MSG_CHANNELS_SET`.
pub(super) const CHANNELS_SET: u8 = 18;

/// Bytes of `struct genlmsghdr`: command, version, two that are reserved.
const HEADER: usize = 4;
/// `ETHTOOL_GENL_VERSION`.
const VERSION: u8 = 1;

/// A reply's attributes, read from its bytes.
pub(super) trait Attributes {
    /// What reads them.
    type Of<'buf>;
    /// Reads them.
    fn read(bytes: &[u8]) -> Self::Of<'_>;
}

/// A request whose reply has these attributes.
pub(super) struct Ethtool<A> {
    /// The header, and behind it the attributes.
    pub(super) payload: Vec<u8>,
    attributes: PhantomData<A>,
}

impl<A> Ethtool<A> {
    /// A request without attributes yet.
    pub(super) fn new(command: u8) -> Self {
        Self { payload: vec![command, VERSION, 0, 0], attributes: PhantomData }
    }
}

impl<A: Attributes> NetlinkRequest for Ethtool<A> {
    type ReplyType<'buf> = A::Of<'buf>;

    fn protocol(&self) -> Protocol {
        Protocol::Generic(b"ethtool")
    }

    fn flags(&self) -> u16 {
        0
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn decode_reply(bytes: &[u8]) -> Self::ReplyType<'_> {
        A::read(bytes.get(HEADER..).unwrap_or_default())
    }
}

/// Has replies of a command's name read by what the library reads its attributes with.
macro_rules! attributes {
    ($($name:ident by $iterable:ident),+) => {$(
        impl Attributes for netlink_bindings::ethtool::$name<'_> {
            type Of<'buf> = netlink_bindings::ethtool::$iterable<'buf>;

            fn read(bytes: &[u8]) -> Self::Of<'_> {
                netlink_bindings::ethtool::$name::new(bytes)
            }
        }
    )+};
}

attributes!(Features by IterableFeatures, Rings by IterableRings, Channels by IterableChannels);
