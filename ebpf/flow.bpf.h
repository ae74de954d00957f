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

/* Both ports as they lie in the key, the customer's first, and the protocol: in one store. */
static __always_inline void fill_ports(struct tg_flow_key *key, __u32 ports, __u8 protocol)
{
	*(__u64 *)&key->customer_port = (__u64)protocol << 32 | ports;
}

/* The ends of the packet, told apart by its direction. */
static __always_inline void fill_ends(struct tg_flow_key *key, const struct packet *packet,
				      enum tg_direction direction)
{
	int download = direction == TG_DOWNLOAD;

	copy_address(&key->customer, download ? &packet->destination : &packet->source);
	copy_address(&key->internet, download ? &packet->source : &packet->destination);
	fill_ports(key, 0, packet->protocol);
}

static __always_inline int is_echo(const struct packet *packet, __u8 type)
{
	return packet->is_ipv6 ? type == ICMPV6_ECHO_REQUEST || type == ICMPV6_ECHO_REPLY :
				 type == ICMP_ECHO_REQUEST || type == ICMP_ECHO_REPLY;
}

/* The ports in a transport header of at least eight bytes, the customer's first. */
static __always_inline __u32 read_ports(const struct packet *packet, enum tg_protocol protocol,
					enum tg_direction direction, const __u8 *at)
{
	__u32 ports = *(const __u32 *)at; /* the sender's first */

	if (protocol == TG_ICMP)
		return is_echo(packet, at[0]) ? ((const __u16 *)at)[2] : 0;
	return direction == TG_DOWNLOAD ? ports >> 16 | ports << 16 : ports;
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

/* The key of an IPv4 flow, from the one that fits all. */
static __always_inline void fill_ipv4_key(struct tg_ipv4_flow_key *to, const struct tg_flow_key *key)
{
	__u32 customer = ((const __u32 *)key->customer.bytes)[3];
	__u32 internet = ((const __u32 *)key->internet.bytes)[3];

	*(__u64 *)&to->customer = (__u64)internet << 32 | customer;
	*(__u64 *)&to->customer_port = *(const __u64 *)&key->customer_port;
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
	flow->streams[TG_DOWNLOAD].not_before = jiffies;
	flow->streams[TG_UPLOAD].not_before = jiffies;
	return flow;
}

/* Trying to insert into a full map costs as much as inserting: after a refusal, not for a while. */
static __always_inline void note_refusal(struct tg_totals *totals, long refused, __u64 jiffies)
{
	if (refused == -E2BIG) {
		totals->flows_full = jiffies;
		totals->events[TG_EVENT_FLOWS_FULL]++;
	}
}

/* RFC 3168, section 5: the lower two bits, 3 for congestion experienced. */
static __always_inline void count_in_stream(struct tg_stream *stream, __u8 tos, __u64 bytes,
					    __u64 jiffies)
{
	if (!stream->packets)
		stream->first_seen = jiffies;
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
