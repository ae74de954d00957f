/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counters: what each CPU adds to rows that only it writes. */
#ifndef TIDEGATE_COUNT_BPF_H
#define TIDEGATE_COUNT_BPF_H

#include "config.bpf.h"

/* How long this CPU does not try to add unknown hosts after it found their map full. */
#define UNKNOWN_RETRY_JIFFIES 250

static __always_inline struct tg_totals *this_totals(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&tg_totals, &cpu);
}

static __always_inline void add(struct tg_count *count, __u64 bytes)
{
	count->bytes += bytes;
	count->packets++;
}

/* Which of the counters of a circuit or the box. */
static __always_inline __u32 counter_of(enum tg_direction direction, enum tg_protocol protocol)
{
	return (direction & 1) * TG_PROTOCOL_COUNT + (protocol & 3);
}

static __always_inline void count_circuit(__u32 slot, enum tg_direction direction,
					  enum tg_protocol protocol, __u64 bytes)
{
	__u32 counters = bpf_get_smp_processor_id() * TG_DIRECTION_COUNT * TG_PROTOCOL_COUNT;
	__u32 row = (counters + counter_of(direction, protocol)) * settings.circuits + slot;
	struct tg_count *count = bpf_map_lookup_elem(&tg_traffic, &row);

	if (count)
		add(count, bytes);
}

static __always_inline void add_to_unknown(struct tg_unknown_host *host, enum tg_direction direction,
					   __u64 bytes, __u64 jiffies)
{
	host->last_seen = jiffies;
	__sync_fetch_and_add(&host->counts[direction & 1].bytes, bytes);
	__sync_fetch_and_add(&host->counts[direction & 1].packets, 1);
}

/* Remembers an unknown host. Another CPU may insert it first: then there is one to add to. */
static __noinline struct tg_unknown_host *make_unknown(const struct tg_address *address, __u64 jiffies)
{
	struct tg_unknown_host fresh = { .first_seen = jiffies };

	bpf_map_update_elem(&tg_unknown, address, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tg_unknown, address);
}

/*
 * Adds to an unknown host, or remembers a new one. Trying to insert into a full map costs as much
 * as inserting, so after a refusal this CPU does not try again for a while. Nor is a host looked for
 * then that sends a packet without a flow, as it is most likely not there: that is what a flood of
 * addresses costs.
 */
static __always_inline void count_unknown(struct tg_totals *totals, const struct tg_address *address,
					  enum tg_direction direction, __u64 bytes, __u64 jiffies,
					  int has_flow)
{
	int full = jiffies - totals->unknown_full < UNKNOWN_RETRY_JIFFIES;
	struct tg_unknown_host *host = NULL;

	if (has_flow || !full)
		host = bpf_map_lookup_elem(&tg_unknown, address);
	if (!host && !full) {
		host = make_unknown(address, jiffies);
		if (!host)
			totals->unknown_full = jiffies;
	}
	if (host)
		add_to_unknown(host, direction, bytes, jiffies);
	else
		totals->events[TG_EVENT_UNKNOWN_FULL]++;
}

#endif
