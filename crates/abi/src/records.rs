//! Records that lie in maps and in front of packets.

use bytemuck::{Pod, Zeroable};

use crate::{Direction, Egress, Event, Protocol, Verdict};

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident[$size:literal] {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        const _: () = assert!(size_of::<$name>() == $size);
    )+};
}

records! {
    /// Written at load.
    Settings[20] {
        /// The NIC towards the Internet.
        internet_ifindex: u32,
        /// The NIC towards the customers; the same on a stick.
        customers_ifindex: u32,
        /// A [`Mode`](crate::Mode).
        mode: u32,
        /// Rows of `tg_circuits`.
        circuits: u32,
        /// On a stick.
        internet_vlan: u16,
        /// On a stick.
        customers_vlan: u16,
    }

    /// The transmit queues that carry one direction.
    Queues[4] {
        /// The first one.
        first: u16,
        /// How many; 0 leaves the choice to the kernel.
        count: u16,
    }

    /// Written while the programs run; each field on its own, in one store.
    Control[16] {
        /// Not 0: pass everything.
        bypass: u32,
        /// Of the address maps; advanced after each change, never 0.
        epoch: u32,
        /// By direction.
        queues: [Queues; 2],
    }

    /// Where a circuit's packets of one direction go. Read and written whole.
    Place[8] {
        /// 0: no class.
        class_handle: u32,
        /// Transmit queue.
        queue: u16,
        /// CPU that forwards.
        cpu: u16,
    }

    /// A row of `tg_circuits`.
    Circuit[16] {
        /// By direction.
        place: [Place; 2],
    }

    /// What `xdp_ingress` tells `tc_egress`, in front of the packet.
    Metadata[8] {
        /// Under which the slot was found.
        epoch: u32,
        /// The circuit's.
        slot: u32,
    }

    /// An address, IPv4 mapped into `::ffff:0:0/96`.
    Address[16] {
        /// In network order.
        bytes: [u8; 16],
    }

    /// Key of `tg_prefixes`, as the kernel's LPM trie takes it.
    Prefix[20] {
        /// Of the mapped form: an IPv4 /24 has 120.
        length: u32,
        /// The first address.
        address: Address,
    }

    /// Bytes are of whole frames, as they came in.
    Count[16] {
        /// Bytes.
        bytes: u64,
        /// Packets.
        packets: u64,
    }

    /// One circuit's traffic on one CPU.
    Traffic[128] {
        /// At `direction * Protocol::COUNT + protocol`.
        counts: [Count; 8],
    }

    /// The box's traffic on one CPU.
    Totals[264] {
        /// As in [`Traffic`]; IP packets only.
        counts: [Count; 8],
        /// Packets by [`Verdict`].
        verdicts: [u64; 7],
        /// Packets by [`Egress`].
        egress: [u64; 4],
        /// Packets by [`Event`].
        events: [u64; 5],
        /// When `tg_unknown` was last found full; private to the CPU.
        unknown_full_ns: u64,
    }

    /// An unknown host.
    UnknownHost[48] {
        /// `CLOCK_MONOTONIC`, to a timer tick.
        first_seen_ns: u64,
        /// Likewise.
        last_seen_ns: u64,
        /// By direction.
        counts: [Count; 2],
    }
}

const _: () = {
    assert!(Direction::COUNT * Protocol::COUNT == 8);
    assert!(Verdict::COUNT == 7 && Egress::COUNT == 4 && Event::COUNT == 5);
};
