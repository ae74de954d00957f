/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Flows: one entry for both directions. It remembers whose it is, so that a packet of a known flow
 * needs no look-up of its address.
 */
#ifndef TIDEGATE_FLOW_BPF_H
#define TIDEGATE_FLOW_BPF_H

#include <linux/errno.h>

#include "config.bpf.h"
#include "lookup.bpf.h"
#include "parse.bpf.h"

/* How long this CPU does not try to add flows after it found the map full. */
#define FLOWS_RETRY_JIFFIES 25

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

/* The ends of the packet, told apart by its direction. */
static __always_inline void fill_ends(struct tg_flow_key *key, const struct packet *packet,
				      enum tg_direction direction)
{
	key->customer = direction == TG_DOWNLOAD ? packet->destination : packet->source;
	key->internet = direction == TG_DOWNLOAD ? packet->source : packet->destination;
	key->customer_port = 0;
	key->internet_port = 0;
	key->protocol = packet->protocol;
	__builtin_memset(key->padding, 0, sizeof(key->padding));
}

static __always_inline int is_echo(const struct packet *packet, __u8 type)
{
	return packet->is_ipv6 ? type == ICMPV6_ECHO_REQUEST || type == ICMPV6_ECHO_REPLY :
				 type == ICMP_ECHO_REQUEST || type == ICMP_ECHO_REPLY;
}

/* `at` is a transport header of at least eight bytes. */
static __always_inline void fill_ports(struct tg_flow_key *key, const struct packet *packet,
				       enum tg_protocol protocol, enum tg_direction direction,
				       const __u8 *at)
{
	const __u16 *ports = (const __u16 *)at;

	if (protocol == TG_ICMP) {
		if (is_echo(packet, at[0]))
			key->customer_port = ports[2];
		return;
	}
	key->customer_port = direction == TG_DOWNLOAD ? ports[1] : ports[0];
	key->internet_port = direction == TG_DOWNLOAD ? ports[0] : ports[1];
}

/* Whose flow it is: as remembered, or by another look at the address if the maps have changed. */
static __always_inline __u32 stream_target(struct tg_stream *stream, const struct tg_flow_key *key,
					   __u32 epoch)
{
	if (stream->epoch != epoch) {
		stream->target = lookup_address(&key->customer);
		stream->epoch = epoch;
	}
	return stream->target;
}

/* Makes `flow` one without packets; NULL while there is no use in trying to add it. */
static __always_inline struct tg_flow *prepare_flow(struct tg_totals *totals, struct tg_flow *flow,
						    __u32 target, __u64 jiffies)
{
	if (target == TG_TARGET_IGNORED)
		return NULL;
	if (jiffies - totals->flows_full < FLOWS_RETRY_JIFFIES) {
		totals->events[TG_EVENT_FLOWS_FULL]++;
		return NULL;
	}
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->first_seen = jiffies;
	flow->streams[TG_DOWNLOAD].not_before = jiffies;
	flow->streams[TG_UPLOAD].not_before = jiffies;
	return flow;
}

/* Trying to insert into a full map costs as much as inserting: after a refusal, not for a while. */
static __always_inline void insert_flow(struct tg_totals *totals, const struct tg_flow_key *key,
					const struct tg_flow *flow, __u64 jiffies)
{
	long refused = bpf_map_update_elem(&tg_flows, key, flow, BPF_NOEXIST);

	if (refused == -E2BIG) {
		totals->flows_full = jiffies;
		totals->events[TG_EVENT_FLOWS_FULL]++;
	}
}

/* RFC 3168, section 5: the lower two bits, 3 for congestion experienced. */
static __always_inline void count_in_stream(struct tg_stream *stream, __u8 tos, __u64 bytes,
					    __u64 jiffies)
{
	stream->bytes += bytes;
	stream->packets++;
	stream->last_seen = jiffies;
	stream->tos = tos;
	if (tos & 3)
		stream->ect_packets++;
	if ((tos & 3) == 3)
		stream->ce_packets++;
}

#endif
