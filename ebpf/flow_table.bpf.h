/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The table of flows: an index of buckets, and rows.
 *
 * A hash of its ends and ports gives a flow two buckets, and it takes the first free place of the first, or of
 * the second when that is full. A place tells the row, and the ports exclusive-or'd with a hash of the
 * addresses. So another flow's place is hardly ever taken for the wanted one, whatever the ports;
 * and where the row has the same addresses, the same word means the same ports. Of an IPv6 flow the row
 * has a digest, and the key beside it decides. Rows come from a stack, so those in use lie close
 * together however large the table is.
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
	__u64 ends;  /* as in its streams */
	__u64 place; /* of a live flow, without the row */
	__u32 buckets[2];
	__u32 row;
	__u32 claimed; /* the place: of all places, in the order of buckets */
};

/* Each bit of what is mixed changes bits above it, and those change bits below. */
static __always_inline __u64 mix(__u64 hash, __u64 multiplier)
{
	hash *= multiplier;
	return hash ^ hash >> 32;
}

/*
 * Of addresses that are long: equal for equal ones. The seed is in each step, so that nobody can
 * choose addresses of the same digest.
 */
static __always_inline __u64 digest_ends(const struct tg_flow_key *key)
{
	const __u64 *customer = (const __u64 *)key->customer.bytes;
	const __u64 *internet = (const __u64 *)key->internet.bytes;
	__u64 digest = settings.flow_seed, i;

	for (i = 0; i < 4; i++)
		digest = mix(digest ^ (i < 2 ? customer[i & 1] : internet[i & 1]), TG_FLOW_MIX) +
			 settings.flow_seed;
	return digest;
}

/* What the flow of the key has in its place and its streams, and where that place can be. */
static __always_inline void fill_sought(struct sought *sought, const struct tg_flow_key *key,
					enum tg_protocol protocol, int is_ipv6)
{
	__u64 ports = *(const __u32 *)&key->customer_port, ends, veil, hash;
	__u64 place = ports | (__u64)protocol << TG_PLACE_PROTOCOL_AT |
		      (__u64)TG_FLOW_STATE_LIVE << TG_PLACE_STATE_AT;

	if (is_ipv6) {
		ends = digest_ends(key);
		place |= PLACE_IPV6;
	} else {
		ends = (__u64)((const __u32 *)key->internet.bytes)[3] << 32 |
		       ((const __u32 *)key->customer.bytes)[3];
	}
	place |= (__u64)(protocol == TG_ICMP && (key->protocol == PROTOCOL_ICMPV6) != !!is_ipv6)
		 << TG_PLACE_CROSSED_AT;
	veil = mix(ends ^ settings.flow_seed, TG_FLOW_MIX);
	/* of the bare place: with the veiled one half of the veil would take itself out */
	hash = mix(mix(veil ^ place, TG_FLOW_MIX_AGAIN), TG_FLOW_MIX);
	sought->ends = ends;
	sought->place = place ^ (__u32)veil;
	sought->buckets[0] = (hash >> 32) * settings.flow_buckets >> 32;
	sought->buckets[1] = (__u64)(__u32)hash * settings.flow_buckets >> 32;
}

/* Whether the flow in this row, whose place is the sought one's, has its addresses too. */
static __always_inline int has_ends(__u32 row, const struct sought *sought, const struct tg_flow_key *key,
				    enum tg_direction direction)
{
	const struct tg_flow *flow = bpf_map_lookup_elem(&tg_flows, &row);
	const __u64 *found, *wanted = (const __u64 *)key;

	if (!flow || *(volatile __u64 *)&flow->streams[direction & 1].ends != sought->ends)
		return 0;
	if (!(sought->place & PLACE_IPV6))
		return 1;
	found = bpf_map_lookup_elem(&tg_flow_keys, &row);
	return found && found[0] == wanted[0] && found[1] == wanted[1] && found[2] == wanted[2] &&
	       found[3] == wanted[3];
}

/* The row of the flow, if it is in this one of its buckets. */
static __always_inline __u32 find_in_bucket(const struct sought *sought, const __u32 *number,
					    const struct tg_flow_key *key, enum tg_direction direction)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, number);
	__u32 i;

	if (!bucket)
		return ROW_NONE;
	for (i = 0; i < FLOW_PLACES; i++) {
		__u64 place = *(volatile __u64 *)&bucket->places[i];

		if (PLACE_NO_ROW(place) == sought->place &&
		    has_ends(PLACE_ROW(place), sought, key, direction))
			return PLACE_ROW(place);
	}
	return ROW_NONE;
}

/* The flow of the key; NULL when it is not in the table. `sought` becomes what make_flow takes. */
static __always_inline struct tg_flow *known_flow(struct sought *sought, const struct tg_flow_key *key,
						  enum tg_protocol protocol,
						  enum tg_direction direction, int is_ipv6)
{
	fill_sought(sought, key, protocol, is_ipv6);
	barrier(); /* from here on it is what the map says: one path for the verifier */
	sought->row = find_in_bucket(sought, &sought->buckets[0], key, direction);
	if (sought->row == ROW_NONE)
		sought->row = find_in_bucket(sought, &sought->buckets[1], key, direction);
	barrier();
	return bpf_map_lookup_elem(&tg_flows, &sought->row);
}

/* Claims a free place in this bucket. */
static __always_inline __u64 *claim_in_bucket(struct sought *sought, __u32 number)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, &number);
	__u32 i;

	if (!bucket)
		return NULL;
	for (i = 0; i < FLOW_PLACES; i++) {
		__u64 *place = &bucket->places[i];

		if (*(volatile __u64 *)place ||
		    __sync_val_compare_and_swap(place, 0, sought->place ^ PLACE_CLAIM))
			continue;
		sought->claimed = number * FLOW_PLACES + i;
		return place;
	}
	return NULL;
}

/* Whether another CPU is making the same flow in this bucket, or has made it. */
static __always_inline int has_rival(const struct sought *sought, __u32 number,
				     const struct tg_flow_key *key)
{
	struct tg_flow_bucket *bucket = bpf_map_lookup_elem(&tg_flow_index, &number);
	__u32 i;

	if (!bucket)
		return 0;
	for (i = 0; i < FLOW_PLACES; i++) {
		__u64 place = *(volatile __u64 *)&bucket->places[i];

		if (number * FLOW_PLACES + i == sought->claimed)
			continue;
		if (place == (sought->place ^ PLACE_CLAIM))
			return 1;
		if (PLACE_NO_ROW(place) == sought->place &&
		    has_ends(PLACE_ROW(place), sought, key, TG_DOWNLOAD))
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

static __always_inline void begin_stream(struct tg_stream *stream, const struct sought *sought,
					 __u32 jiffies)
{
	stream->ends = sought->ends;
	stream->not_before = jiffies;
}

/*
 * Puts the flow that was looked for into the table, with no packets yet, and its row into `sought`;
 * 0 when there is no room for it. Another CPU may be at the same: then neither may succeed, and the
 * flow begins with its next packet. A global function: the verifier looks at it once. Its arguments
 * are no keys to kernels before 6.2, so what is looked up by lies on the stack.
 */
__noinline int make_flow(struct sought *sought, struct tg_flow_key *key, __u32 jiffies)
{
	struct tg_flow_history *history;
	struct tg_flow_key *kept;
	struct tg_flow *flow;
	__u64 *place;
	__u32 row;

	if (!sought || !key)
		return 1;
	place = claim_in_bucket(sought, sought->buckets[0]);
	if (!place)
		place = claim_in_bucket(sought, sought->buckets[1]);
	if (!place)
		return 0;
	barrier();
	if (has_rival(sought, sought->buckets[0], key) || has_rival(sought, sought->buckets[1], key)) {
		*(volatile __u64 *)place = 0;
		return 1;
	}
	row = take_row();
	sought->row = row;
	barrier();
	flow = bpf_map_lookup_elem(&tg_flows, &row);
	history = bpf_map_lookup_elem(&tg_histories, &row);
	kept = bpf_map_lookup_elem(&tg_flow_keys, &row);
	if (!flow || !history || !kept) {
		*(volatile __u64 *)place = 0;
		return !is_table_full(); /* other CPUs were too quick */
	}
	__builtin_memset(flow, 0, sizeof(*flow));
	__builtin_memset(history, 0, sizeof(*history));
	begin_stream(&flow->streams[TG_DOWNLOAD], sought, jiffies);
	begin_stream(&flow->streams[TG_UPLOAD], sought, jiffies);
	copy_address(&kept->customer, &key->customer);
	copy_address(&kept->internet, &key->internet);
	*(__u64 *)&kept->customer_port = *(__u64 *)&key->customer_port;
	/* a whole barrier: who sees the flow live sees it empty */
	__sync_lock_test_and_set(place, sought->place | (__u64)row << TG_PLACE_ROW_AT);
	return 1;
}

#endif
