/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the kernel programs and userspace agree on: constants, codes, records.
 *
 * crates/abi mirrors every name and value here, and `cargo xtask tidy` compares the two. Records
 * are naturally aligned with explicit padding; each states its size. Numbers are host order and
 * addresses network order. An enum ends in _COUNT and its values index arrays of that length.
 */
#ifndef TIDEGATE_ABI_H
#define TIDEGATE_ABI_H

#include <linux/types.h>

/* An RTT is kept in units of this many nanoseconds. */
#define TG_RTT_UNIT_NS 1024u
/*
 * RTT histograms are log-linear: eight bins an octave from 2^6 to 2^24 units (65 us to 17 s), one bin
 * below and one above. A bin's harmonic middle is at most 5.9 % off any value in it.
 */
#define TG_RTT_BINS 146u
#define TG_RTT_OCTAVE_MIN 6u
#define TG_RTT_OCTAVE_MAX 24u
/*
 * What spreads flows over buckets is multiplied with: by the first, the second, and the first again
 * (Stafford's mixer 13, of splitmix64).
 */
#define TG_FLOW_MIX 0xbf58476d1ce4e5b9ull
#define TG_FLOW_MIX_AGAIN 0x94d049bb133111ebull
/* Where the parts of a place of tg_flow_index begin. */
#define TG_PLACE_ROW_AT 32u
#define TG_PLACE_PROTOCOL_AT 56u
#define TG_PLACE_IPV6_AT 58u
#define TG_PLACE_CROSSED_AT 59u
#define TG_PLACE_STATE_AT 60u
/* Rows that a place can tell apart. */
#define TG_FLOWS_MAX 16777216u
/* Segments of one direction whose answers are awaited at once. */
#define TG_OUTSTANDING 3u
/* Captures that may run at once: one bit each in tg_control.captures. */
#define TG_CAPTURES_MAX 8u
/* The most bytes of a frame that a capture takes. */
#define TG_CAPTURE_BYTES 256u

/* Values of the address maps that are not circuit slots. */
#define TG_TARGET_IGNORED 0xffffffffu
#define TG_TARGET_CUSTOMERS 0xfffffffeu

/* Address in a bucket's last place: there are more hosts, in tg_hosts. Nobody's address. */
#define TG_BUCKET_MORE 0xffffffffu
/* Multiplied with an address in host order to spread addresses over buckets (Knuth, TAOCP 6.4). */
#define TG_BUCKET_MULTIPLIER 2654435769u

/* Which way a packet travels. */
enum tg_direction {
	TG_DOWNLOAD,
	TG_UPLOAD,
	TG_DIRECTION_COUNT,
};

/* How packets cross the box. */
enum tg_mode {
	TG_MODE_BRIDGE,
	TG_MODE_XDP_BRIDGE,
	TG_MODE_STICK,
	TG_MODE_OBSERVE,
	TG_MODE_COUNT,
};

/* Protocols that are counted apart. */
enum tg_protocol {
	TG_TCP,
	TG_UDP,
	TG_ICMP,
	TG_OTHER,
	TG_PROTOCOL_COUNT,
};

/* How xdp_ingress was left: one per packet. */
enum tg_verdict {
	TG_VERDICT_CIRCUIT,   /* a circuit's packet: counted, and steered unless observing */
	TG_VERDICT_UNKNOWN,   /* an unmapped host inside the customers' ranges */
	TG_VERDICT_IGNORED,   /* an ignored host, or one outside the customers' ranges */
	TG_VERDICT_NOT_IP,    /* ARP, STP, LLDP and all else that is not understood */
	TG_VERDICT_MALFORMED, /* headers up to IP that are cut off or contradict themselves or the frame */
	TG_VERDICT_FOREIGN,   /* on a stick: neither of our VLANs; on any other NIC: not ours */
	TG_VERDICT_BYPASSED,  /* the bypass is on */
	TG_VERDICT_COUNT,
};

/* How tc_egress was left: one per packet. */
enum tg_egress {
	TG_EGRESS_METADATA, /* class from the slot that xdp_ingress left in the metadata */
	TG_EGRESS_LOOKUP,   /* class from a second look at the address */
	TG_EGRESS_UNCLAIMED,/* no circuit: the queue's default class */
	TG_EGRESS_BYPASSED, /* the bypass is on */
	TG_EGRESS_COUNT,
};

/* Things that happen to a packet on its way, beside its verdict. */
enum tg_event {
	TG_EVENT_L4_INVALID,    /* TCP, UDP or ICMP header cut off or self-contradicting */
	TG_EVENT_NO_METADATA,   /* the driver left no room for metadata */
	TG_EVENT_UNKNOWN_FULL,  /* an unknown host found no room in its map */
	TG_EVENT_NO_CPU,        /* the circuit's CPU is not in the cpumap: not steered */
	TG_EVENT_NOT_FORWARDED, /* on a stick: a tag that could not be exchanged; left to the stack */
	TG_EVENT_FLOWS_FULL,    /* a new flow found no room in the table */
	TG_EVENT_RETRANSMIT_LOST, /* a retransmission was counted, but found no room in the ring */
	TG_EVENT_CAPTURE_LOST,  /* a packet to be captured found no room in the ring */
	TG_EVENT_COUNT,
};

/* The two ends of a path that this box divides. */
enum tg_segment {
	TG_CUSTOMER_SIDE, /* from the box to the customer and back */
	TG_INTERNET_SIDE, /* from the box into the Internet and back */
	TG_SEGMENT_COUNT,
};

/* Written at load. */
struct tg_settings {
	__u64 layout;            /* of the maps: another build may take them over where it has the same */
	__u32 internet_ifindex;
	__u32 customers_ifindex; /* equal to internet_ifindex on a stick */
	__u32 mode;              /* enum tg_mode */
	__u32 circuits;          /* rows of tg_circuits */
	__u32 buckets;           /* rows of tg_ipv4_hosts */
	__u32 flow_buckets;      /* rows of tg_flow_index */
	__u64 flow_seed;         /* random, so that nobody knows which flows share a bucket */
	__u32 tick_ns;           /* a jiffy */
	__u16 internet_vlan;     /* on a stick */
	__u16 customers_vlan;    /* on a stick */
};
_Static_assert(sizeof(struct tg_settings) == 48, "tg_settings");

/* The transmit queues that carry one direction. */
struct tg_queues {
	__u16 first;
	__u16 count; /* 0: leave the choice to the kernel */
};
_Static_assert(sizeof(struct tg_queues) == 4, "tg_queues");

/* The programs date packets by jiffies, as reading another clock costs more than the rest of them. */
struct tg_clock {
	__u64 jiffies;
	__u64 ns; /* CLOCK_MONOTONIC at that time */
};
_Static_assert(sizeof(struct tg_clock) == 16, "tg_clock");

/* Written while the programs run; each field on its own, in one store. */
struct tg_control {
	__u32 bypass; /* not 0: pass everything */
	__u32 epoch;  /* of address maps and circuits; advanced after each change, never 0 */
	struct tg_queues queues[2]; /* by enum tg_direction */
	__u32 captures; /* bits: rows of tg_captures that are in use; 0 costs one branch */
	__u32 reserved;
};
_Static_assert(sizeof(struct tg_control) == 24, "tg_control");

/* Where a circuit's packets of one direction go. Eight bytes, so that it is read and written whole. */
struct tg_place {
	__u32 class_handle; /* 0: no class */
	__u16 queue;
	__u16 cpu;
};
_Static_assert(sizeof(struct tg_place) == 8, "tg_place");

/* A row of tg_circuits. */
struct tg_circuit {
	struct tg_place place[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_circuit) == 16, "tg_circuit");

/* What xdp_ingress tells tc_egress, in front of the packet. */
struct tg_metadata {
	__u32 epoch; /* under which the slot was found */
	__u32 slot;
};
_Static_assert(sizeof(struct tg_metadata) == 8, "tg_metadata");

/* An address, IPv4 mapped into ::ffff:0:0/96. */
struct tg_address {
	__u8 bytes[16];
};
_Static_assert(sizeof(struct tg_address) == 16, "tg_address");

/* A single IPv4 address. Eight bytes, so that it is read and written whole. */
struct tg_ipv4_host {
	__u32 address; /* network order; 0: none */
	__u32 target;  /* slot, or another value of the address maps */
};
_Static_assert(sizeof(struct tg_ipv4_host) == 8, "tg_ipv4_host");

/* A row of tg_ipv4_hosts: those whose hash falls here, in no order, with gaps. One cache line. */
struct tg_bucket {
	struct tg_ipv4_host hosts[8];
};
_Static_assert(sizeof(struct tg_bucket) == 64, "tg_bucket");

/* Key of tg_prefixes, as the kernel's LPM trie takes it. */
struct tg_prefix {
	__u32 length; /* of the mapped form: an IPv4 /24 has 120 */
	struct tg_address address;
};
_Static_assert(sizeof(struct tg_prefix) == 20, "tg_prefix");

/* Bytes are of whole frames, as they came in. */
struct tg_count {
	__u64 bytes;
	__u64 packets;
};
_Static_assert(sizeof(struct tg_count) == 16, "tg_count");

/* The box's traffic on one CPU. */
struct tg_totals {
	struct tg_count counts[8]; /* direction * TG_PROTOCOL_COUNT + protocol; IP packets only */
	__u64 verdicts[7];         /* by enum tg_verdict */
	__u64 egress[4];           /* by enum tg_egress */
	__u64 events[8];           /* by enum tg_event */
	__u64 retransmits[2];      /* TCP segments, by enum tg_direction */
	__u64 reordered[2];        /* likewise */
	__u64 unknown_full;        /* when tg_unknown was last found full, in jiffies; private to the CPU */
};
_Static_assert(sizeof(struct tg_totals) == 320, "tg_totals");

/* An unknown host. Several CPUs add to it, atomically. */
struct tg_unknown_host {
	__u64 first_seen; /* jiffies */
	__u64 last_seen;  /* likewise */
	struct tg_count counts[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_unknown_host) == 48, "tg_unknown_host");

/* How well a circuit is doing. Any CPU adds to it, atomically; userspace takes the bins away. */
struct tg_quality {
	__u64 retransmits[2]; /* TCP segments since load, by enum tg_direction */
	__u64 reordered[2];   /* likewise */
	__u32 samples[2];     /* RTT samples since load, by enum tg_segment; may wrap */
	__u32 bins[292];      /* segment * TG_RTT_BINS + bin: samples since userspace took them */
};
_Static_assert(sizeof(struct tg_quality) == 1208, "tg_quality");

/* Both directions of a flow, seen from the customer. Ports of ICMP echoes: identifier and 0. */
struct tg_flow_key {
	struct tg_address customer;
	struct tg_address internet;
	__u16 customer_port; /* network order */
	__u16 internet_port; /* likewise */
	__u8 protocol;       /* IANA's number */
	__u8 padding[3];
};
_Static_assert(sizeof(struct tg_flow_key) == 40, "tg_flow_key");

/* What a place of tg_flow_index holds. */
enum tg_flow_state {
	TG_FLOW_STATE_NONE,    /* nothing: the programs may claim it */
	TG_FLOW_STATE_CLAIMED, /* a flow in the making */
	TG_FLOW_STATE_LIVE,    /* a flow */
	TG_FLOW_STATE_LEAVING, /* a flow that userspace took out; its row may still be written for an instant */
	TG_FLOW_STATE_COUNT,
};

/*
 * A row of tg_flow_index, one cache line. A place has the ports as in a flow's key, veiled by a hash of the
 * flow's addresses, the flow's row, its protocol (enum tg_protocol), whether it is IPv6, whether it
 * is the other family's ICMP, and the state, from the lowest bit up; it is 0 where nothing is.
 */
struct tg_flow_bucket {
	__u64 places[8];
};
_Static_assert(sizeof(struct tg_flow_bucket) == 64, "tg_flow_bucket");

/* How many entries of tg_free_rows there are, and how often userspace added some, in one word. */
struct tg_stock {
	__u32 rows;
	__u32 additions;
};
_Static_assert(sizeof(struct tg_stock) == 8, "tg_stock");

/*
 * One direction of a flow: what each of its packets needs. Only packets of that direction write it (but
 * for `awaited`), so it has one writer as long as the NIC keeps a flow's direction on one queue. One cache
 * line.
 */
struct tg_stream {
	__u64 ends;          /* IPv4: both addresses in network order, the customer's in the lower half; IPv6: a digest */
	__u32 epoch;         /* under which target and cpu were found; 0: not yet */
	__u32 target;        /* slot, or another value of the address maps; in one word with epoch */
	__u64 bytes;
	__u64 packets;
	__u32 last_seen;     /* jiffies, the lower half */
	__u32 next_sequence; /* behind the highest byte sent */
	__u32 timestamp;     /* the newest TSval sent with data, SYN or FIN */
	__u32 not_before;    /* when a segment may next be made outstanding, in jiffies, the lower half */
	__u32 ect_packets;   /* marked as capable of ECN or as congested */
	__u32 ce_packets;    /* marked as congested */
	__u8 tcp_flags;      /* all that were seen */
	__u8 tos;            /* DSCP and ECN of the last packet */
	__u8 marks;          /* which of the fields hold something; private to the programs */
	__u8 spins;          /* QUIC: edges of the spin bit that answered each other in a row */
	__u16 cpu;           /* the circuit's */
	__u8 awaited;        /* how often the other direction, which writes it, made something outstanding */
	__u8 looked;         /* what that was when all of it was answered */
};
_Static_assert(sizeof(struct tg_stream) == 64, "tg_stream");

/* A row of tg_flows. */
struct tg_flow {
	struct tg_stream streams[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_flow) == 128, "tg_flow");

/*
 * What is remembered of a stream besides, and few packets need. The same packets write it. RTTs are in
 * units of TG_RTT_UNIT_NS, and of the segment that this direction's packets answer for: uploads for
 * the customer's side.
 */
struct tg_history {
	__u64 outstanding[3]; /* TSval or sequence number, and in the upper half when it was seen, in RTT units */
	__u32 acknowledged;   /* the highest acknowledgement that was looked at */
	__u32 echoed;         /* the newest TSecr that was looked at */
	__u32 hole_begin;     /* sequence numbers that were jumped over */
	__u32 hole_end;
	__u32 noted;          /* when that was seen, in RTT units; QUIC: when the spin bit changed */
	__u32 retransmits;    /* segments */
	__u32 reordered;      /* likewise */
	__u32 rtt_last;
	__u32 rtt_min;
	__u32 rtt_smoothed;   /* RFC 6298, section 2 */
	__u32 rtt_samples;
	__u32 first_seen;     /* jiffies, the lower half */
};
_Static_assert(sizeof(struct tg_history) == 72, "tg_history");

/* A row of tg_histories. */
struct tg_flow_history {
	struct tg_history streams[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_flow_history) == 144, "tg_flow_history");

/* What tg_retransmits carries: a TCP segment that was sent again. */
struct tg_retransmit {
	__u64 seen_ns; /* CLOCK_MONOTONIC */
	struct tg_flow_key key;
	__u32 target;
	__u32 sequence; /* of its first byte */
	__u16 length;   /* bytes of payload */
	__u8 direction;
	__u8 padding[5];
};
_Static_assert(sizeof(struct tg_retransmit) == 64, "tg_retransmit");

/* One capture: which packets it takes, and how many. */
struct tg_capture {
	struct tg_address host; /* either end; with by_host only */
	__u32 slot;             /* the circuit; without by_host only */
	__u32 by_host;
	__u32 snap_length;      /* at most TG_CAPTURE_BYTES */
	__u32 reserved;
	__u64 captured;         /* packets that went into the ring */
	__u64 lost;             /* packets that found no room there */
};
_Static_assert(sizeof(struct tg_capture) == 48, "tg_capture");

/* What tg_captured carries: the headers of one packet. */
struct tg_captured {
	__u64 seen_ns;   /* CLOCK_MONOTONIC, precise */
	__u32 captures;  /* bits: the captures that take it */
	__u32 length;    /* of the whole frame */
	__u16 captured;  /* bytes that are here: never more than the headers */
	__u8 direction;
	__u8 padding[5];
	__u8 bytes[256];
};
_Static_assert(sizeof(struct tg_captured) == 280, "tg_captured");

#endif
