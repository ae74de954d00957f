/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The table of flows: an index of buckets, and a row for each of their places.
 *
 * A hash of its ends gives a flow two buckets, and it takes the first free place in them (Azar et
 * al., "Balanced Allocations", 1994). A place tells an IPv4 flow's ends, so one look at one bucket
 * finds it. Of an IPv6 flow it has a digest; its addresses lie beside the rows and decide.
 *
 * The programs claim free places by compare and exchange and never give one up that lives: only
 * userspace takes flows out. A place that it took out is free again only a while later, when no
 * packet can still be writing to its row. Where all places are taken, finding that out is all that
 * a new flow costs.
 */
#ifndef TIDEGATE_FLOW_TABLE_BPF_H
#define TIDEGATE_FLOW_TABLE_BPF_H

#include "config.bpf.h"
#include "parse.bpf.h"

#define FLOW_PLACES 8
/* No row: beyond every table. */
#define ROW_NONE 0xffffffffu

#define STATE_AT 56
#define IS_IPV6_AT 40

/* A flow that is looked for. */
struct sought {
	__u64 ends; /* as in its place */
	__u64 rest; /* the other word of its place, as that of a live flow */
	__u32 buckets[2];
	__u32 row; /* where it is */
};

/* The word of a place that tells its state. */
static __always_inline volatile __u64 *place_rest(struct tg_flow_place *place)
{
	return (volatile __u64 *)&place->customer_port;
}

/* Of addresses that are long: equal for equal ones. */
static __always_inline __u64 digest_ends(const struct tg_flow_key *key)
{
	const __u64 *customer = (const __u64 *)key->customer.bytes;
	const __u64 *internet = (const __u64 *)key->internet.bytes;
	__u64 digest = customer[0] * TG_FLOW_MIX ^ customer[1];

	digest = (digest ^ digest >> 32) * TG_FLOW_MIX_AGAIN ^ internet[0];
	digest = (digest ^ digest >> 32) * TG_FLOW_MIX ^ internet[1];
	return digest ^ digest >> 32;
}

/* What the flow of the key has in its place, and where that place can be. */
static __always_inline void fill_sought(struct sought *sought, const struct tg_flow_key *key, int is_ipv6)
{
	__u64 ports = *(const __u64 *)&key->customer_port; /* with the protocol */
	__u64 ends, hash;

	if (is_ipv6)
		ends = digest_ends(key);
	else
		ends = (__u64)((const __u32 *)key->internet.bytes)[3] << 32 |
		       ((const __u32 *)key->customer.bytes)[3];
	hash = (ends ^ settings.flow_seed) * TG_FLOW_MIX;
	hash = (hash ^ hash >> 32 ^ ports) * TG_FLOW_MIX_AGAIN;
	hash ^= hash >> 32;
	sought->ends = ends;
	sought->rest = ports | (__u64)!!is_ipv6 << IS_IPV6_AT | (__u64)TG_FLOW_STATE_LIVE << STATE_AT;
	sought->buckets[0] = (hash >> 32) * settings.flow_buckets >> 32;
	sought->buckets[1] = (__u64)(__u32)hash * settings.flow_buckets >> 32;
}

static __always_inline int has_addresses(__u32 row, const struct tg_flow_key *key)
{
	const struct tg_flow_addresses *addresses = bpf_map_lookup_elem(&tg_flow_addresses, &row);
	const __u64 *left = (const __u64 *)addresses, *right = (const __u64 *)key;

	return addresses && left[0] == right[0] && left[1] == right[1] && left[2] == right[2] &&
	       left[3] == right[3];
}

/* The row of the flow, if it is in this one of its buckets. */
static __always_inline __u32 find_in_bucket(const struct sought *sought, const __u32 *number,
					    const struct tg_flow_key *key)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u32 place;

	if (!bucket)
		return ROW_NONE;
	for (place = 0; place < FLOW_PLACES; place++) {
		struct tg_flow_place *at = &bucket->places[place];
		__u32 row = *number * FLOW_PLACES + place;

		if (*place_rest(at) != sought->rest || at->ends != sought->ends)
			continue;
		if (!(sought->rest & 1ull << IS_IPV6_AT) || has_addresses(row, key))
			return row;
	}
	return ROW_NONE;
}

/* The flow of the key; NULL when it is not in the table. `sought` becomes what make_flow takes. */
static __always_inline struct tg_flow *known_flow(struct sought *sought, const struct tg_flow_key *key,
						  int is_ipv6)
{
	fill_sought(sought, key, is_ipv6);
	sought->row = find_in_bucket(sought, &sought->buckets[0], key);
	if (sought->row == ROW_NONE)
		sought->row = find_in_bucket(sought, &sought->buckets[1], key);
	barrier(); /* from here on the row is what the map says: one path for the verifier */
	return bpf_map_lookup_elem(&tg_flows, &sought->row);
}

/* Claims a free place in this bucket. */
static __always_inline struct tg_flow_place *claim_in_bucket(struct sought *sought, const __u32 *number)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u64 claim = sought->rest ^ (__u64)(TG_FLOW_STATE_LIVE ^ TG_FLOW_STATE_CLAIMED) << STATE_AT;
	__u32 place;

	if (!bucket)
		return NULL;
	for (place = 0; place < FLOW_PLACES; place++) {
		struct tg_flow_place *at = &bucket->places[place];

		if (*place_rest(at) || __sync_val_compare_and_swap((__u64 *)place_rest(at), 0, claim))
			continue;
		sought->row = *number * FLOW_PLACES + place;
		return at;
	}
	return NULL;
}

/* Whether another CPU is making the same flow, or has made it, in this bucket. */
static __always_inline int has_rival(const struct sought *sought, const __u32 *number)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u64 claim = sought->rest ^ (__u64)(TG_FLOW_STATE_LIVE ^ TG_FLOW_STATE_CLAIMED) << STATE_AT;
	__u32 place;

	if (!bucket)
		return 0;
	for (place = 0; place < FLOW_PLACES; place++) {
		struct tg_flow_place *at = &bucket->places[place];
		__u64 rest = *place_rest(at);

		if (*number * FLOW_PLACES + place == sought->row)
			continue;
		if (rest == claim || (rest == sought->rest && at->ends == sought->ends))
			return 1;
	}
	return 0;
}

/*
 * Puts the flow that was looked for into the table, with no packets yet, and its row into `sought`;
 * 0 when there is no place for it. Another CPU may be at the same: then neither may succeed, and the
 * flow begins with its next packet. A global function: the verifier looks at it once.
 */
__noinline int make_flow(struct sought *sought, struct tg_flow_key *key, __u32 jiffies)
{
	struct tg_flow_place *place;
	struct tg_flow *flow;

	if (!sought || !key)
		return 1;
	place = claim_in_bucket(sought, &sought->buckets[0]);
	if (!place)
		place = claim_in_bucket(sought, &sought->buckets[1]);
	if (!place)
		return 0;
	barrier();
	flow = bpf_map_lookup_elem(&tg_flows, &sought->row);
	if (!flow || has_rival(sought, &sought->buckets[0]) || has_rival(sought, &sought->buckets[1])) {
		*place_rest(place) = 0;
		sought->row = ROW_NONE;
		return 1;
	}
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->streams[TG_DOWNLOAD].not_before = jiffies;
	flow->streams[TG_UPLOAD].not_before = jiffies;
	if (sought->rest & 1ull << IS_IPV6_AT) {
		struct tg_flow_addresses *addresses = bpf_map_lookup_elem(&tg_flow_addresses, &sought->row);

		if (addresses) {
			copy_address(&addresses->customer, &key->customer);
			copy_address(&addresses->internet, &key->internet);
		}
	}
	place->ends = sought->ends;
	/* a whole barrier: who sees the flow live sees it empty */
	__sync_lock_test_and_set((__u64 *)place_rest(place), sought->rest);
	return 1;
}

#endif
