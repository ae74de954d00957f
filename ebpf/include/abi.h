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

/* Values of the address maps that are not circuit slots. */
#define TG_TARGET_IGNORED 0xffffffffu
#define TG_TARGET_CUSTOMERS 0xfffffffeu

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
	TG_EVENT_COUNT,
};

/* Written at load. */
struct tg_settings {
	__u32 internet_ifindex;
	__u32 customers_ifindex; /* equal to internet_ifindex on a stick */
	__u32 mode;              /* enum tg_mode */
	__u32 circuits;          /* rows of tg_circuits */
	__u16 internet_vlan;     /* on a stick */
	__u16 customers_vlan;    /* on a stick */
};
_Static_assert(sizeof(struct tg_settings) == 20, "tg_settings");

/* The transmit queues that carry one direction. */
struct tg_queues {
	__u16 first;
	__u16 count; /* 0: leave the choice to the kernel */
};
_Static_assert(sizeof(struct tg_queues) == 4, "tg_queues");

/* Written while the programs run; each field on its own, in one store. */
struct tg_control {
	__u32 bypass; /* not 0: pass everything */
	__u32 epoch;  /* of the address maps; advanced after each change, never 0 */
	struct tg_queues queues[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_control) == 16, "tg_control");

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

/* One circuit's traffic on one CPU. */
struct tg_traffic {
	struct tg_count counts[8]; /* direction * TG_PROTOCOL_COUNT + protocol */
};
_Static_assert(sizeof(struct tg_traffic) == 128, "tg_traffic");

/* The box's traffic on one CPU. */
struct tg_totals {
	struct tg_count counts[8]; /* as in tg_traffic; IP packets only */
	__u64 verdicts[7];         /* by enum tg_verdict */
	__u64 egress[4];           /* by enum tg_egress */
	__u64 events[5];           /* by enum tg_event */
	__u64 unknown_full_ns;     /* when tg_unknown was last found full; private to the CPU */
};
_Static_assert(sizeof(struct tg_totals) == 264, "tg_totals");

/* An unknown host. Several CPUs add to it, atomically. */
struct tg_unknown_host {
	__u64 first_seen_ns; /* CLOCK_MONOTONIC, to a timer tick */
	__u64 last_seen_ns;
	struct tg_count counts[2]; /* by enum tg_direction */
};
_Static_assert(sizeof(struct tg_unknown_host) == 48, "tg_unknown_host");

#endif
