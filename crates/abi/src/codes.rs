//! Codes: enumerations whose values index arrays of the records.

use core::fmt;

/// A number from the kernel that stands for nothing known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode(pub u32);

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {} is not known", self.0)
    }
}

impl core::error::Error for UnknownCode {}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of their values.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The short name that screens show.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl TryFrom<u32> for $name {
            type Error = UnknownCode;
            fn try_from(code: u32) -> Result<Self, UnknownCode> {
                Self::ALL.get(code as usize).copied().ok_or(UnknownCode(code))
            }
        }
    };
}

codes! {
    /// Which way a packet travels.
    Direction {
        /// Towards the customer.
        Download = "download",
        /// Towards the Internet.
        Upload = "upload",
    }
}

codes! {
    /// How packets cross the box.
    Mode {
        /// A Linux bridge forwards.
        Bridge = "bridge",
        /// `tc_ingress` forwards from NIC to NIC.
        XdpBridge = "xdp-bridge",
        /// `tc_ingress` forwards from VLAN to VLAN on one NIC.
        Stick = "stick",
        /// As `Bridge`, but nothing is steered or shaped.
        Observe = "observe",
    }
}

codes! {
    /// Protocols that are counted apart.
    Protocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// ICMP and ICMPv6.
        Icmp = "icmp",
        /// All else, and what has no readable transport header.
        Other = "other",
    }
}

codes! {
    /// How `xdp_ingress` was left: one per packet.
    Verdict {
        /// A circuit's packet: counted, and steered unless observing.
        Circuit = "circuit",
        /// An unmapped host inside the customers' ranges.
        Unknown = "unknown",
        /// An ignored host, or one outside the customers' ranges.
        Ignored = "ignored",
        /// ARP, STP, LLDP and all else that is not understood.
        NotIp = "not-ip",
        /// Headers up to IP that are cut off or contradict themselves or the frame.
        Malformed = "malformed",
        /// On a stick neither of our VLANs, elsewhere not our NIC.
        Foreign = "foreign",
        /// The bypass is on.
        Bypassed = "bypassed",
    }
}

codes! {
    /// How `tc_egress` was left: one per packet.
    Egress {
        /// Class from the slot that `xdp_ingress` left in the metadata.
        Metadata = "metadata",
        /// Class from a second look at the address.
        Lookup = "lookup",
        /// No circuit: the queue's default class.
        Unclaimed = "unclaimed",
        /// The bypass is on.
        Bypassed = "bypassed",
    }
}

codes! {
    /// Things that happen to a packet on its way, beside its verdict.
    Event {
        /// TCP, UDP or ICMP header cut off or self-contradicting.
        L4Invalid = "l4-invalid",
        /// The driver left no room for metadata.
        NoMetadata = "no-metadata",
        /// An unknown host found no room in its map.
        UnknownFull = "unknown-full",
        /// The circuit's CPU is not in the cpumap: not steered.
        NoCpu = "no-cpu",
        /// On a stick: a tag that could not be exchanged; left to the stack.
        NotForwarded = "not-forwarded",
        /// A new flow found no room in the table.
        FlowsFull = "flows-full",
        /// A retransmission was counted, but found no room in the ring.
        RetransmitLost = "retransmit-lost",
        /// A packet to be captured found no room in the ring.
        CaptureLost = "capture-lost",
    }
}

codes! {
    /// The two ends of a path that the box divides.
    Segment {
        /// From the box to the customer and back.
        CustomerSide = "customer",
        /// From the box into the Internet and back.
        InternetSide = "internet",
    }
}

codes! {
    /// What a place of `tg_flow_index` holds.
    FlowState {
        /// Nothing: the programs may claim it.
        None = "none",
        /// A flow in the making.
        Claimed = "claimed",
        /// A flow.
        Live = "live",
        /// A flow that userspace took out; its row may still be written for an instant.
        Leaving = "leaving",
    }
}
