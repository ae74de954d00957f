//! Records that lie in maps and in front of packets.

use bytemuck::{Pod, Zeroable};

use crate::{Direction, Egress, Event, Protocol, RTT_BINS, Segment, Verdict};

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident[$size:literal] {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self::zeroed()
            }
        }

        const _: () = assert!(size_of::<$name>() == $size);
    )+};
}

records! {
    /// Written at load.
    Settings[48] {
        /// Of the maps: another build may take them over where it has the same.
        layout: u64,
        /// The NIC towards the Internet.
        internet_ifindex: u32,
        /// The NIC towards the customers; the same on a stick.
        customers_ifindex: u32,
        /// A [`Mode`](crate::Mode).
        mode: u32,
        /// Rows of `tg_circuits`.
        circuits: u32,
        /// Rows of `tg_ipv4_hosts`.
        buckets: u32,
        /// Rows of `tg_flow_index`.
        flow_buckets: u32,
        /// Random, so that nobody knows which flows share a bucket.
        flow_seed: u64,
        /// Nanoseconds of a jiffy.
        tick_ns: u32,
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

    /// Two clocks at one time.
    Clock[16] {
        /// What packets are dated by.
        jiffies: u64,
        /// `CLOCK_MONOTONIC`.
        ns: u64,
    }

    /// Written while the programs run; each field on its own, in one store.
    Control[24] {
        /// Not 0: pass everything.
        bypass: u32,
        /// Of address maps and circuits; advanced after each change, never 0.
        epoch: u32,
        /// By direction.
        queues: [Queues; 2],
        /// Bits: rows of `tg_captures` that are in use.
        captures: u32,
        /// Not in use.
        reserved: u32,
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

    /// A single IPv4 address. Read and written whole.
    Ipv4Host[8] {
        /// In network order; 0: none.
        address: u32,
        /// Slot, or another value of the address maps.
        target: u32,
    }

    /// A row of `tg_ipv4_hosts`: those whose hash falls here, in no order, with gaps.
    Bucket[64] {
        /// [`BUCKET_MORE`](crate::BUCKET_MORE) in the last place: there are more in `tg_hosts`.
        hosts: [Ipv4Host; 8],
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

    /// The box's traffic on one CPU.
    Totals[320] {
        /// At `direction * Protocol::COUNT + protocol`; IP packets only.
        counts: [Count; 8],
        /// Packets by [`Verdict`].
        verdicts: [u64; 7],
        /// Packets by [`Egress`].
        egress: [u64; 4],
        /// Packets by [`Event`].
        events: [u64; 8],
        /// TCP segments that were sent again, by direction.
        retransmits: [u64; 2],
        /// TCP segments that were overtaken, likewise.
        reordered: [u64; 2],
        /// When `tg_unknown` was last found full, in jiffies; private to the CPU.
        unknown_full: u64,
    }

    /// An unknown host.
    UnknownHost[48] {
        /// Jiffies.
        first_seen: u64,
        /// Jiffies.
        last_seen: u64,
        /// By direction.
        counts: [Count; 2],
    }

    /// How well a circuit is doing. Programs on any CPU add to it, userspace takes the bins away.
    Quality[1208] {
        /// TCP segments that were sent again since load, by direction.
        retransmits: [u64; 2],
        /// TCP segments that were overtaken since load, likewise.
        reordered: [u64; 2],
        /// RTT samples since load, by [`Segment`](crate::Segment); may wrap.
        samples: [u32; 2],
        /// Samples since userspace took them, at `segment * RTT_BINS + bin`.
        bins: [u32; 292],
    }

    /// Both directions of a flow, seen from the customer. Ports of ICMP echoes: identifier and 0.
    FlowKey[40] {
        /// The customer's end.
        customer: Address,
        /// The other end.
        internet: Address,
        /// In network order.
        customer_port: u16,
        /// In network order.
        internet_port: u16,
        /// IANA's number.
        protocol: u8,
        /// Zero.
        padding: [u8; 3],
    }

    /// A row of `tg_flow_index`.
    FlowBucket[64] {
        /// In no order, with gaps: veiled ports, row, protocol, family and state; 0 when nothing is there.
        places: [u64; 8],
    }

    /// How many entries of `tg_free_rows` there are, in one word.
    Stock[8] {
        /// Rows that no flow has.
        rows: u32,
        /// How often userspace added some.
        additions: u32,
    }

    /// One direction of a flow: what each of its packets needs.
    Stream[64] {
        /// IPv4: both addresses in network order, the customer's in the lower half; IPv6: a digest.
        ends: u64,
        /// Under which target and CPU were found; 0: not yet.
        epoch: u32,
        /// Slot, or another value of the address maps.
        target: u32,
        /// Whole frames.
        bytes: u64,
        /// Packets.
        packets: u64,
        /// Jiffies, the lower half.
        last_seen: u32,
        /// Behind the highest byte sent.
        next_sequence: u32,
        /// The newest TSval sent with data, SYN or FIN.
        timestamp: u32,
        /// When a segment may next be made outstanding, in jiffies, the lower half.
        not_before: u32,
        /// Packets marked as capable of ECN or as congested.
        ect_packets: u32,
        /// Packets marked as congested.
        ce_packets: u32,
        /// All that were seen.
        tcp_flags: u8,
        /// DSCP and ECN of the last packet.
        tos: u8,
        /// Which of the fields hold something; private to the programs.
        marks: u8,
        /// QUIC: edges of the spin bit that answered each other in a row.
        spins: u8,
        /// The circuit's.
        cpu: u16,
        /// How often the other direction made something outstanding.
        awaited: u8,
        /// What that was when all of it was answered.
        looked: u8,
    }

    /// A row of `tg_flows`.
    Flow[128] {
        /// By direction.
        streams: [Stream; 2],
    }

    /// What is remembered of a stream besides, and few packets need. RTTs are in units of
    /// [`RTT_UNIT_NS`](crate::RTT_UNIT_NS), of the segment that this direction's packets answer for.
    History[72] {
        /// TSval or sequence number, and in the upper half when it was seen, in RTT units.
        outstanding: [u64; 3],
        /// The highest acknowledgement that was looked at.
        acknowledged: u32,
        /// The newest TSecr that was looked at.
        echoed: u32,
        /// Sequence numbers that were jumped over begin here.
        hole_begin: u32,
        /// They end here.
        hole_end: u32,
        /// When that was seen, in RTT units; QUIC: when the spin bit changed.
        noted: u32,
        /// TCP segments that were sent again.
        retransmits: u32,
        /// TCP segments that were overtaken.
        reordered: u32,
        /// The last RTT sample.
        rtt_last: u32,
        /// The least one.
        rtt_min: u32,
        /// Smoothed as in RFC 6298, section 2.
        rtt_smoothed: u32,
        /// How many samples.
        rtt_samples: u32,
        /// Jiffies, the lower half.
        first_seen: u32,
    }

    /// A row of `tg_histories`.
    FlowHistory[144] {
        /// By direction.
        streams: [History; 2],
    }

    /// A TCP segment that was sent again.
    Retransmit[64] {
        /// `CLOCK_MONOTONIC`.
        seen_ns: u64,
        /// Its flow.
        key: FlowKey,
        /// Slot, or another value of the address maps.
        target: u32,
        /// Of its first byte.
        sequence: u32,
        /// Bytes of payload.
        length: u16,
        /// A [`Direction`].
        direction: u8,
        /// Zero.
        padding: [u8; 5],
    }

    /// One capture: which packets it takes, and how many.
    Capture[48] {
        /// Either end; with `by_host` only.
        host: Address,
        /// The circuit; without `by_host` only.
        slot: u32,
        /// 0 or 1.
        by_host: u32,
        /// At most [`CAPTURE_BYTES`](crate::CAPTURE_BYTES).
        snap_length: u32,
        /// Not in use.
        reserved: u32,
        /// Packets that went into the ring.
        captured: u64,
        /// Packets that found no room there.
        lost: u64,
    }

    /// The headers of one packet.
    Captured[280] {
        /// `CLOCK_MONOTONIC`, precise.
        seen_ns: u64,
        /// Bits: the captures that take it.
        captures: u32,
        /// Of the whole frame.
        length: u32,
        /// Bytes that are here: never more than the headers.
        captured: u16,
        /// A [`Direction`].
        direction: u8,
        /// Zero.
        padding: [u8; 5],
        /// The first `captured` ones hold something.
        bytes: [u8; 256],
    }
}

const _: () = {
    assert!(Direction::COUNT * Protocol::COUNT == 8);
    assert!(Segment::COUNT * RTT_BINS as usize == 292);
    assert!(Verdict::COUNT == 7 && Egress::COUNT == 4 && Event::COUNT == 8);
};
