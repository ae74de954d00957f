/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Flows: one row for both directions. It remembers whose it is, so that a packet of a known flow
 * needs no look-up of its address.
 */
#ifndef TIDEGATE_FLOW_BPF_H
#define TIDEGATE_FLOW_BPF_H

#include "config.bpf.h"
#include "lookup.bpf.h"
#include "parse.bpf.h"

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

/* Whose a packet is. */
struct owner {
	__u32 target;
	__u16 cpu; /* of its circuit, if it has one */
};

/* Whose a packet of this customer is, as the address maps say. */
static __always_inline struct owner find_owner(const struct tg_address *customer,
					       enum tg_direction direction)
{
	struct owner owner = { .target = lookup_address(customer) };

	if (is_slot(owner.target))
		owner.cpu = circuit_place(owner.target, direction).cpu;
	return owner;
}

/* Epoch and target of a stream, on a little-endian machine. */
#define STREAM_EPOCH(word) ((__u32)(word))
#define STREAM_TARGET(word) ((__u32)((word) >> 32))

/* Remembers whose the stream is; epoch and target in one store, as they belong together. */
static __always_inline void settle_stream(struct tg_stream *stream, struct owner owner, __u32 epoch)
{
	stream->cpu = owner.cpu;
	*(volatile __u64 *)&stream->epoch = (__u64)owner.target << 32 | epoch;
}

/* Whose the stream is: as remembered, or by another look at the address if the maps have changed. */
static __always_inline struct owner stream_owner(struct tg_stream *stream, const struct tg_flow_key *key,
						 enum tg_direction direction, __u32 epoch)
{
	__u64 word = *(volatile __u64 *)&stream->epoch;
	struct owner owner = { .target = STREAM_TARGET(word), .cpu = stream->cpu };

	if (STREAM_EPOCH(word) != epoch) {
		owner = find_owner(&key->customer, direction);
		settle_stream(stream, owner, epoch);
	}
	return owner;
}

/* One direction of a flow, whole. */
struct half {
	struct tg_stream *stream;
	struct tg_history *history;
};

static __always_inline struct half half_of(struct tg_flow *flow, struct tg_flow_history *history,
					   enum tg_direction direction)
{
	return (struct half){ &flow->streams[direction & 1], &history->streams[direction & 1] };
}

/* RFC 3168, section 5: the lower two bits, 3 for congestion experienced. */
static __always_inline void count_in_half(struct half half, __u8 tos, __u64 bytes, __u64 jiffies)
{
	struct tg_stream *stream = half.stream;

	if (!stream->packets)
		half.history->first_seen = jiffies;
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
