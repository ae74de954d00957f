/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The table of flows: an index of buckets, and rows.
 *
 * A hash of its ends gives a flow two buckets, and it takes the first free place of the first, or of
 * the second when that is full. A place tells an IPv4 flow's ends and its row, so one look at
 * one bucket finds it. Of an IPv6 flow it has a digest, and the key beside the row decides. Rows come
 * from a stack, so those in use lie close together however large the table is.
 *
 * The programs claim free places and take rows by compare and exchange, and give nothing up that
 * lives: only userspace takes flows out. What it took out is free again only a while later, when no
 * packet can still be writing to the row. Where all rows are taken, seeing that is all that a new
 * flow costs.
 */
#ifndef TIDEGATE_FLOW_TABLE_BPF_H
#define TIDEGATE_FLOW_TABLE_BPF_H

#include "config.bpf.h"
#include "parse.bpf.h"

#define FLOW_PLACES 8
/* No row: beyond every table. */
#define ROW_NONE 0xffffffffu

#define PLACE_IPV6 (1ull << TG_PLACE_IPV6_AT)
#define PLACE_ROW(rest) ((__u32)((rest) >> TG_PLACE_ROW_AT) & (TG_FLOWS_MAX - 1))
#define PLACE_NO_ROW(rest) ((rest) & ~((__u64)(TG_FLOWS_MAX - 1) << TG_PLACE_ROW_AT))
/* From the state that a live flow has to that of one in the making. */
#define PLACE_CLAIM ((__u64)(TG_FLOW_STATE_LIVE ^ TG_FLOW_STATE_CLAIMED) << TG_PLACE_STATE_AT)
/* How often a row is tried to be had, while other CPUs take theirs. */
#define TAKE_ROW_TRIES 4

/* A flow that is looked for. */
struct sought {
	__u64 ends; /* as in its place */
	__u64 rest; /* likewise, of a live flow, without the row */
	__u32 buckets[2];
	__u32 row;
	__u32 claimed; /* the place: of all places, in the order of buckets */
};

/*
 * Of addresses that are long: equal for equal ones. The seed is in each step, so that nobody can
 * choose addresses of the same digest.
 */
static __always_inline __u64 digest_ends(const struct tg_flow_key *key)
{
	const __u64 *customer = (const __u64 *)key->customer.bytes;
	const __u64 *internet = (const __u64 *)key->internet.bytes;
	__u64 digest = settings.flow_seed, i;

	for (i = 0; i < 4; i++) {
		digest = (digest ^ (i < 2 ? customer[i & 1] : internet[i & 1])) * TG_FLOW_MIX;
		digest = (digest ^ digest >> 32) + settings.flow_seed;
	}
	return digest;
}

/* What the flow of the key has in its place, and where that place can be. */
static __always_inline void fill_sought(struct sought *sought, const struct tg_flow_key *key,
					enum tg_protocol protocol, int is_ipv6)
{
	__u64 ports = *(const __u32 *)&key->customer_port, ends, hash;
	__u64 rest = ports | (__u64)protocol << TG_PLACE_PROTOCOL_AT |
		     (__u64)TG_FLOW_STATE_LIVE << TG_PLACE_STATE_AT;

	if (is_ipv6) {
		ends = digest_ends(key);
		rest |= PLACE_IPV6;
	} else {
		ends = (__u64)((const __u32 *)key->internet.bytes)[3] << 32 |
		       ((const __u32 *)key->customer.bytes)[3];
	}
	rest |= (__u64)(protocol == TG_ICMP && (key->protocol == PROTOCOL_ICMPV6) != !!is_ipv6)
		<< TG_PLACE_CROSSED_AT;
	hash = (ends ^ settings.flow_seed) * TG_FLOW_MIX;
	hash = (hash ^ hash >> 32 ^ rest) * TG_FLOW_MIX_AGAIN;
	hash ^= hash >> 32;
	sought->ends = ends;
	sought->rest = rest;
	sought->buckets[0] = (hash >> 32) * settings.flow_buckets >> 32;
	sought->buckets[1] = (__u64)(__u32)hash * settings.flow_buckets >> 32;
}

static __always_inline int has_ends(__u32 row, const struct tg_flow_key *key)
{
	const __u64 *found = bpf_map_lookup_elem(&tg_flow_keys, &row), *wanted = (const __u64 *)key;

	return found && found[0] == wanted[0] && found[1] == wanted[1] && found[2] == wanted[2] &&
	       found[3] == wanted[3];
}

/* The row of the flow, if it is in this one of its buckets. */
static __always_inline __u32 find_in_bucket(const struct sought *sought, const __u32 *number,
					    const struct tg_flow_key *key)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u32 i;

	if (!bucket)
		return ROW_NONE;
	for (i = 0; i < FLOW_PLACES; i++) {
		struct tg_flow_place *place = &bucket->places[i];
		__u64 rest = *(volatile __u64 *)&place->rest;

		if (PLACE_NO_ROW(rest) != sought->rest || *(volatile __u64 *)&place->ends != sought->ends)
			continue;
		if (!(rest & PLACE_IPV6) || has_ends(PLACE_ROW(rest), key))
			return PLACE_ROW(rest);
	}
	return ROW_NONE;
}

/* The flow of the key; NULL when it is not in the table. `sought` becomes what make_flow takes. */
static __always_inline struct tg_flow *known_flow(struct sought *sought, const struct tg_flow_key *key,
						  enum tg_protocol protocol, int is_ipv6)
{
	fill_sought(sought, key, protocol, is_ipv6);
	barrier(); /* from here on it is what the map says: one path for the verifier */
	sought->row = find_in_bucket(sought, &sought->buckets[0], key);
	if (sought->row == ROW_NONE)
		sought->row = find_in_bucket(sought, &sought->buckets[1], key);
	barrier();
	return bpf_map_lookup_elem(&tg_flows, &sought->row);
}

/* Claims a free place in this bucket. */
static __always_inline struct tg_flow_place *claim_in_bucket(struct sought *sought, const __u32 *number)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u32 i;

	if (!bucket)
		return NULL;
	for (i = 0; i < FLOW_PLACES; i++) {
		struct tg_flow_place *place = &bucket->places[i];

		if (*(volatile __u64 *)&place->rest ||
		    __sync_val_compare_and_swap(&place->rest, 0, sought->rest ^ PLACE_CLAIM))
			continue;
		sought->claimed = *number * FLOW_PLACES + i;
		return place;
	}
	return NULL;
}

/* Whether another CPU is making the same flow in this bucket, or has made it. */
static __always_inline int has_rival(const struct sought *sought, const __u32 *number,
				     const struct tg_flow_key *key)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u32 i;

	if (!bucket)
		return 0;
	for (i = 0; i < FLOW_PLACES; i++) {
		struct tg_flow_place *place = &bucket->places[i];
		__u64 rest = *(volatile __u64 *)&place->rest;

		if (*number * FLOW_PLACES + i == sought->claimed)
			continue;
		if (rest == (sought->rest ^ PLACE_CLAIM))
			return 1;
		if (PLACE_NO_ROW(rest) != sought->rest)
			continue;
		__sync_fetch_and_add(&place->rest, 0); /* a barrier: the ends are those of that state */
		if (*(volatile __u64 *)&place->ends == sought->ends &&
		    (!(rest & PLACE_IPV6) || has_ends(PLACE_ROW(rest), key)))
			return 1;
	}
	return 0;
}

/*
 * Takes a row off the stack; ROW_NONE when there is none. Userspace adding rows changes the word as a
 * whole, so a row that was looked at before is not taken then.
 */
static __always_inline __u32 take_row(void)
{
	__u32 zero = 0, try;
	__u64 *stock = bpf_map_lookup_elem(&tg_stock, &zero);

	for (try = 0; stock && try < TAKE_ROW_TRIES; try++) {
		__u64 seen = *(volatile __u64 *)stock, *row;
		__u32 last = (__u32)seen - 1;

		if (!(__u32)seen)
			return ROW_NONE;
		row = bpf_map_lookup_elem(&tg_free_rows, &last);
		if (row) {
			__u32 taken = *(volatile __u64 *)row;

			if (__sync_val_compare_and_swap(stock, seen, seen - 1) == seen)
				return taken;
		}
	}
	return ROW_NONE;
}

/* Whether no row is left. */
static __always_inline int is_table_full(void)
{
	__u32 zero = 0;
	struct tg_stock *stock = bpf_map_lookup_elem(&tg_stock, &zero);

	return !stock || !*(volatile __u32 *)&stock->rows;
}

/*
 * Puts the flow that was looked for into the table, with no packets yet, and its row into `sought`;
 * 0 when there is no room for it. Another CPU may be at the same: then neither may succeed, and the
 * flow begins with its next packet. A global function: the verifier looks at it once.
 */
__noinline int make_flow(struct sought *sought, struct tg_flow_key *key, __u32 jiffies)
{
	struct tg_flow_place *place;
	struct tg_flow_key *kept;
	struct tg_flow *flow;

	if (!sought || !key)
		return 1;
	place = claim_in_bucket(sought, &sought->buckets[0]);
	if (!place)
		place = claim_in_bucket(sought, &sought->buckets[1]);
	if (!place)
		return 0;
	barrier();
	if (has_rival(sought, &sought->buckets[0], key) || has_rival(sought, &sought->buckets[1], key)) {
		*(volatile __u64 *)&place->rest = 0;
		return 1;
	}
	sought->row = take_row();
	barrier();
	flow = bpf_map_lookup_elem(&tg_flows, &sought->row);
	kept = bpf_map_lookup_elem(&tg_flow_keys, &sought->row);
	if (!flow || !kept) {
		*(volatile __u64 *)&place->rest = 0;
		return !is_table_full(); /* other CPUs were too quick */
	}
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->streams[TG_DOWNLOAD].not_before = jiffies;
	flow->streams[TG_UPLOAD].not_before = jiffies;
	copy_address(&kept->customer, &key->customer);
	copy_address(&kept->internet, &key->internet);
	*(__u64 *)&kept->customer_port = *(__u64 *)&key->customer_port;
	place->ends = sought->ends;
	/* a whole barrier: who sees the flow live sees it empty */
	__sync_lock_test_and_set(&place->rest, sought->rest | (__u64)sought->row << TG_PLACE_ROW_AT);
	return 1;
}

#endif
