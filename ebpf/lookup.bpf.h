/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* From a customer's address to its circuit. */
#ifndef TIDEGATE_LOOKUP_BPF_H
#define TIDEGATE_LOOKUP_BPF_H

#include <bpf/bpf_endian.h>

#include "config.bpf.h"
#include "parse.bpf.h"

/* An entry of a bucket as it is read, on a little-endian machine. */
#define HOST_ADDRESS(entry) ((__u32)(entry))
#define HOST_TARGET(entry) ((__u32)((entry) >> 32))

/* What is known of a single address. */
enum found {
	FOUND,
	FOUND_NONE,
	FOUND_MAYBE, /* tg_hosts knows */
};

/* Looks into the one bucket that can hold `ipv4`, an address in network order. */
static __always_inline enum found find_ipv4_host(__u32 ipv4, __u32 *target)
{
	__u32 hash = bpf_ntohl(ipv4) * TG_BUCKET_MULTIPLIER, place;
	__u32 index = (__u64)hash * settings.buckets >> 32;
	struct tg_bucket *bucket = bpf_map_lookup_elem(&tg_ipv4_hosts, &index);
	__u64 entry = 0;

	if (!bucket || !ipv4 || ipv4 == TG_BUCKET_MORE)
		return FOUND_MAYBE;
	for (place = 0; place < sizeof(*bucket) / sizeof(bucket->hosts[0]); place++) {
		entry = *(volatile __u64 *)&bucket->hosts[place];
		if (HOST_ADDRESS(entry) == ipv4) {
			*target = HOST_TARGET(entry);
			return FOUND;
		}
	}
	return HOST_ADDRESS(entry) == TG_BUCKET_MORE ? FOUND_MAYBE : FOUND_NONE;
}

/* The slot or target of the longest block that holds `address`. */
static __always_inline __u32 *find_block(const struct tg_address *address)
{
	struct tg_prefix key = { .length = 128, .address = *address };

	return bpf_map_lookup_elem(&tg_prefixes, &key);
}

/*
 * The slot or target of the longest prefix that holds `address`: single addresses by exact match,
 * which costs a fraction of the trie, blocks by the trie. What nothing holds is ignored.
 */
static __always_inline __u32 lookup_address(const struct tg_address *address)
{
	enum found found = FOUND_MAYBE;
	__u32 *target = NULL, host = 0;

	if (is_mapped(address))
		found = find_ipv4_host(((const __u32 *)address->bytes)[3], &host);
	if (found == FOUND)
		return host;
	if (found == FOUND_MAYBE)
		target = bpf_map_lookup_elem(&tg_hosts, address);
	if (!target)
		target = find_block(address);
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
