/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* tc_egress: which class and which queue. */
#ifndef TIDEGATE_EGRESS_BPF_H
#define TIDEGATE_EGRESS_BPF_H

#include "count.bpf.h"
#include "direction.bpf.h"
#include "lookup.bpf.h"
#include "parse.bpf.h"

/* Bytes of a frame within which its headers up to the IP addresses lie. */
#define HEADERS_MAX 128
/* No circuit's: what tc_egress knows of a packet that it was told nothing about. */
#define SLOT_NONE 0xffffffffu

/* The slot that xdp_ingress left, unless it is stale. */
static __always_inline __u32 slot_from_metadata(struct __sk_buff *skb, __u32 epoch)
{
	struct tg_metadata *metadata = (void *)(long)skb->data_meta;

	if ((void *)(metadata + 1) > (void *)(long)skb->data || metadata->epoch != epoch)
		return SLOT_NONE;
	return metadata->slot;
}

/* The frame's addresses, after making sure that its headers can be read directly. */
static __always_inline enum parsed parse_skb(struct __sk_buff *skb, struct packet *packet)
{
	enum parsed parsed =
		parse_packet((void *)(long)skb->data, (void *)(long)skb->data_end, packet);

	if (parsed == PARSED_MALFORMED && skb->data_end - skb->data < skb->len &&
	    !bpf_skb_pull_data(skb, skb->len < HEADERS_MAX ? skb->len : HEADERS_MAX))
		parsed = parse_packet((void *)(long)skb->data, (void *)(long)skb->data_end, packet);
	if (skb->vlan_present)
		packet->vlan = skb->vlan_tci & VLAN_ID_MASK;
	return parsed;
}

/* Sends the packet to transmit queue `queue`: the kernel reads a recorded receive queue less one. */
static __always_inline void choose_queue(struct __sk_buff *skb, __u32 queue)
{
	skb->queue_mapping = queue + 1;
}

static __always_inline int leave_egress(struct tg_totals *totals, enum tg_egress egress)
{
	totals->egress[egress]++;
	return TC_ACT_UNSPEC;
}

/* What no circuit claims keeps to the queues that carry its direction. */
static __always_inline int leave_unclaimed(struct __sk_buff *skb, struct tg_totals *totals,
					   struct tg_control *now, enum tg_direction direction)
{
	struct tg_queues queues;

	if (direction != DIRECTION_NONE) {
		queues = now->queues[direction & 1];
		if (queues.count)
			choose_queue(skb, queues.first + bpf_get_hash_recalc(skb) % queues.count);
	}
	return leave_egress(totals, TG_EGRESS_UNCLAIMED);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct tg_control *now = control();
	struct tg_totals *totals = this_totals();
	enum tg_egress egress = TG_EGRESS_METADATA;
	enum tg_direction direction;
	struct packet packet = {};
	struct tg_address customer __attribute__((aligned(8)));
	struct tg_place place;
	__u32 slot;

	if (!now || !totals)
		return TC_ACT_UNSPEC;
	if (now->bypass)
		return leave_egress(totals, TG_EGRESS_BYPASSED);
	slot = slot_from_metadata(skb, now->epoch);
	if (is_slot(slot) && settings.mode != TG_MODE_STICK) {
		direction = direction_of(skb->ifindex, 0, WAY_OUT);
	} else {
		enum parsed parsed = parse_skb(skb, &packet);

		direction = direction_of(skb->ifindex, packet.vlan, WAY_OUT);
		if (parsed != PARSED_IP || direction == DIRECTION_NONE)
			return leave_unclaimed(skb, totals, now, direction);
		if (!is_slot(slot)) {
			egress = TG_EGRESS_LOOKUP;
			copy_address(&customer, direction == TG_DOWNLOAD ? &packet.destination : &packet.source);
			slot = lookup_address(&customer);
		}
	}
	if (direction == DIRECTION_NONE || !is_slot(slot))
		return leave_unclaimed(skb, totals, now, direction);
	place = circuit_place(slot, direction);
	if (!place.class_handle)
		return leave_unclaimed(skb, totals, now, direction);
	skb->priority = place.class_handle;
	choose_queue(skb, place.queue);
	return leave_egress(totals, egress);
}

#endif
