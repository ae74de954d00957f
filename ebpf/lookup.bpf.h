/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* From a customer's address to its circuit. */
#ifndef TIDEGATE_LOOKUP_BPF_H
#define TIDEGATE_LOOKUP_BPF_H

#include "config.bpf.h"

/*
 * The slot or target of the longest prefix that holds `address`: single addresses by an exact
 * hash, which costs a fraction of the trie, blocks by the trie. What nothing holds is ignored.
 */
static __always_inline __u32 lookup_address(const struct tg_address *address)
{
	struct tg_prefix key = { .length = 128, .address = *address };
	__u32 *target = bpf_map_lookup_elem(&tg_hosts, address);

	if (!target)
		target = bpf_map_lookup_elem(&tg_prefixes, &key);
	return target ? *target : TG_TARGET_IGNORED;
}

/* Where the circuit's packets go, read whole; class_handle is 0 when it has no class. */
static __always_inline struct tg_place circuit_place(__u32 slot, enum tg_direction direction)
{
	struct tg_circuit *circuit = bpf_map_lookup_elem(&tg_circuits, &slot);
	union {
		__u64 whole;
		struct tg_place place;
	} read = { 0 };

	if (circuit)
		read.whole = *(volatile __u64 *)&circuit->place[direction & 1];
	return read.place;
}

#endif
