// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The datapath. One object serves every NIC; a packet's direction follows from the interface, or on
 * a stick from the VLAN, that it came in by.
 *
 * xdp_ingress (every NIC):
 *   1. Parse once. What is not IP, or contradicts itself, passes untouched and is counted.
 *   2. Find the flow, which remembers its circuit. For a new one, or one from before the address
 *      maps changed, find the circuit by the customer's address: the destination of downloads, the
 *      source of uploads.
 *   3. Count: for the flow, and what its headers tell of the path; for the circuit and the box, in
 *      rows that only this CPU writes.
 *   4. Leave the slot in the packet's metadata and hand the packet to the circuit's CPU.
 *
 * tc_egress (every NIC): the slot from the metadata, if the address maps have not changed since, or
 * from a second look; then the class into skb->priority and the queue into skb->queue_mapping, so
 * HTB classifies with no filters at all. What no circuit claims is spread over the direction's
 * queues, where it falls into their default class.
 *
 * tc_ingress (XDP bridge and stick): forwards to the other NIC, or back out in the other VLAN,
 * by way of that NIC's queues. Runs behind the cpumap hop, on the circuit's CPU. What it forwards
 * tc_egress counts.
 *
 * No path drops a packet, and each is counted.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "capture.bpf.h"
#include "config.bpf.h"
#include "count.bpf.h"
#include "flow.bpf.h"
#include "lookup.bpf.h"
#include "maps.bpf.h"
#include "parse.bpf.h"
#include "quic.bpf.h"
#include "report.bpf.h"
#include "tcp.bpf.h"

/* Bytes of a frame within which its headers up to the IP addresses lie. */
#define HEADERS_MAX 128
/* No circuit's: what tc_egress knows of a packet that it was told nothing about. */
#define SLOT_NONE 0xffffffffu
#define DIRECTION_NONE TG_DIRECTION_COUNT

/*
 * What one run of xdp_ingress works on. In a map, as the verifier does not look into maps: on the
 * stack it would go through all that follows once for each way in which headers can be nested.
 */
struct work {
	struct packet packet;
	struct segment segment;
	struct tg_flow_key key;
	struct tg_flow flow; /* in the making */
};

/* 0 -> work. Writer and reader: xdp_ingress on that CPU. Bound: 1. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} tg_work SEC(".maps");

/* A packet on its way into the box, or out of it. */
enum way {
	WAY_IN,
	WAY_OUT,
};

/* Which way a packet travels that crosses `ifindex` in `vlan`; DIRECTION_NONE if it is not ours. */
static __always_inline enum tg_direction direction_of(__u32 ifindex, __u16 vlan, enum way way)
{
	int internet = ifindex == settings.internet_ifindex;
	int customers = ifindex == settings.customers_ifindex;

	if (settings.mode == TG_MODE_STICK) {
		internet = internet && vlan == settings.internet_vlan;
		customers = customers && vlan == settings.customers_vlan;
	}
	if (internet)
		return way == WAY_IN ? TG_DOWNLOAD : TG_UPLOAD;
	if (customers)
		return way == WAY_IN ? TG_UPLOAD : TG_DOWNLOAD;
	return DIRECTION_NONE;
}

static __always_inline int is_slot(__u32 target)
{
	return target < settings.circuits;
}

/* Puts the slot in front of the packet; it is found there behind the cpumap on recent kernels. */
static __always_inline void leave_metadata(struct xdp_md *ctx, struct tg_totals *totals, __u32 epoch, __u32 slot)
{
	struct tg_metadata *metadata;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*metadata))) {
		totals->events[TG_EVENT_NO_METADATA]++;
		return;
	}
	metadata = (void *)(long)ctx->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)ctx->data)
		return;
	metadata->epoch = epoch;
	metadata->slot = slot;
}

static __always_inline int steer(struct tg_totals *totals, __u16 cpu)
{
	int action = bpf_redirect_map(&tg_cpus, cpu, XDP_PASS);

	if (action != XDP_REDIRECT)
		totals->events[TG_EVENT_NO_CPU]++;
	return action;
}

/* Moves `packet` on to its upper layer; 0 when that cannot be found. */
static __always_inline int skip_extensions(struct xdp_md *ctx, struct packet *packet)
{
	int upper = find_upper_layer(ctx, packet->payload, packet->protocol, packet->end);

	packet->payload = UPPER_OFFSET(upper);
	packet->protocol = UPPER_PROTOCOL(upper);
	packet->later_fragment = (upper & UPPER_LATER_FRAGMENT) != 0;
	return !(upper & UPPER_CUT_OFF);
}

static __always_inline int leave(struct tg_totals *totals, enum tg_verdict verdict)
{
	totals->verdicts[verdict]++;
	return XDP_PASS;
}

/* Takes the packet into its flow: what it weighs, and what its transport header tells of the path. */
static __always_inline void track(struct xdp_md *ctx, struct tg_flow *flow, struct work *work,
				  enum tg_protocol protocol, enum tg_direction direction,
				  __u64 length, __u64 jiffies)
{
	struct tg_stream *own = &flow->streams[direction & 1];
	__u64 silent_ns = (jiffies - own->last_seen) * settings.tick_ns;
	const struct packet *packet = &work->packet;

	count_in_stream(own, packet->tos, length, jiffies);
	if (protocol == TG_TCP) {
		work->segment.jiffies = jiffies;
		work->segment.direction = direction;
		if (read_segment(ctx, packet, &work->segment))
			track_tcp(flow, &work->key, flow->target, &work->segment);
	} else if (work->key.customer_port == QUIC_PORT || work->key.internet_port == QUIC_PORT) {
		void *data = (void *)(long)ctx->data;
		__u8 *at = data + (packet->payload & FRAME_OFFSET_MAX);

		if (at + 9 <= (__u8 *)(long)ctx->data_end && packet->payload + 9 <= packet->end)
			track_quic(flow, flow->target, direction, at[8], silent_ns);
	}
}

/* The offset at which the headers of the packet end, as far as they are understood. */
static __always_inline __u32 headers_end(struct xdp_md *ctx, const struct packet *packet,
					 enum tg_protocol protocol)
{
	void *data = (void *)(long)ctx->data;
	__u8 *at = data + (packet->payload & FRAME_OFFSET_MAX);

	if (protocol == TG_OTHER || packet->later_fragment)
		return packet->payload;
	if (protocol != TG_TCP || at + 20 > (__u8 *)(long)ctx->data_end)
		return packet->payload + 8;
	return packet->payload + (at[12] >> 4) * 4;
}

/* Finds the packet's flow, or makes one, and takes the packet into it. Tells whose the packet is. */
static __always_inline __u32 find_flow(struct xdp_md *ctx, struct tg_totals *totals, struct work *work,
				       enum tg_protocol protocol, enum tg_direction direction,
				       __u32 epoch, __u64 length, __u64 jiffies)
{
	void *data = (void *)(long)ctx->data;
	__u8 *at = data + (work->packet.payload & FRAME_OFFSET_MAX);
	struct tg_flow *flow, *fresh = NULL;
	__u32 target;

	if (protocol == TG_OTHER || work->packet.later_fragment || at + 8 > (__u8 *)(long)ctx->data_end)
		return lookup_address(&work->key.customer);
	fill_ports(&work->key, &work->packet, protocol, direction, at);
	flow = bpf_map_lookup_elem(&tg_flows, &work->key);
	if (flow) {
		target = flow_target(flow, &work->key, epoch);
	} else {
		target = lookup_address(&work->key.customer);
		fresh = prepare_flow(totals, &work->flow, epoch, target, jiffies);
		flow = fresh;
	}
	if (flow)
		track(ctx, flow, work, protocol, direction, length, jiffies);
	if (fresh)
		insert_flow(totals, &work->key, fresh, jiffies);
	return target;
}

/* For the captures that are running: rarely any. */
static __always_inline void capture(struct xdp_md *ctx, struct work *work, enum tg_protocol protocol,
				    enum tg_direction direction, __u32 target, __u64 length, __u32 running)
{
	struct capturable capturable = {
		.ends = work->key,
		.target = target,
		.length = length,
		.headers = headers_end(ctx, &work->packet, protocol),
		.direction = direction,
	};

	capture_packet(ctx, &capturable, running);
}

SEC("xdp.frags")
int xdp_ingress(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct tg_control *now = control();
	struct tg_totals *totals = this_totals();
	__u32 zero = 0, epoch, target;
	struct work *work = bpf_map_lookup_elem(&tg_work, &zero);
	__u64 length = data_end - data, jiffies;
	enum tg_direction direction;
	enum tg_protocol protocol;
	struct packet *packet;
	enum parsed parsed;
	int valid = 1;

	if (!now || !totals || !work)
		return XDP_PASS;
	packet = &work->packet;
	/* Before the look-up: a slot found under an older epoch must not be given the newer one. */
	epoch = *(volatile __u32 *)&now->epoch;
	if (now->bypass)
		return leave(totals, TG_VERDICT_BYPASSED);
	parsed = parse_packet(data, data_end, packet);
	barrier(); /* from here on the packet is what the map says */
	if (parsed == PARSED_NOT_IP)
		return leave(totals, TG_VERDICT_NOT_IP);
	if (parsed == PARSED_MALFORMED)
		return leave(totals, TG_VERDICT_MALFORMED);
	direction = direction_of(ctx->ingress_ifindex, packet->vlan, WAY_IN);
	if (direction == DIRECTION_NONE)
		return leave(totals, TG_VERDICT_FOREIGN);
	if (packet->end > length) {
		length = bpf_xdp_get_buff_len(ctx); /* the frame may lie in several buffers */
		if (packet->end > length)
			return leave(totals, TG_VERDICT_MALFORMED);
	}
	if (packet->is_ipv6 && extensions[packet->protocol])
		valid = skip_extensions(ctx, packet);
	fill_ends(&work->key, packet, direction);
	protocol = valid ? parse_transport(packet, data, data_end, &valid) : TG_OTHER;
	if (!valid)
		totals->events[TG_EVENT_L4_INVALID]++;
	add(totals->counts, direction, protocol, length);

	jiffies = bpf_jiffies64();
	target = find_flow(ctx, totals, work, protocol, direction, epoch, length, jiffies);
	if (now->captures)
		capture(ctx, work, protocol, direction, target, length, now->captures);
	if (target == TG_TARGET_CUSTOMERS) {
		count_unknown(totals, &work->key.customer, direction, length, jiffies);
		return leave(totals, TG_VERDICT_UNKNOWN);
	}
	if (!is_slot(target))
		return leave(totals, TG_VERDICT_IGNORED);
	count_circuit(target, direction, protocol, length);
	leave(totals, TG_VERDICT_CIRCUIT);
	if (settings.mode == TG_MODE_OBSERVE)
		return XDP_PASS;
	leave_metadata(ctx, totals, epoch, target);
	return steer(totals, circuit_place(target, direction).cpu);
}

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
	struct tg_address customer;
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
			customer = direction == TG_DOWNLOAD ? packet.destination : packet.source;
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

/* On a stick: back out by the same NIC with the other side's tag, priority bits kept. */
static __always_inline int forward_on_stick(struct __sk_buff *skb)
{
	__u16 tci = skb->vlan_tci, proto = skb->vlan_proto, other;
	struct tg_totals *totals = this_totals();

	if (!skb->vlan_present)
		return TC_ACT_UNSPEC;
	if ((tci & VLAN_ID_MASK) == settings.internet_vlan)
		other = settings.customers_vlan;
	else if ((tci & VLAN_ID_MASK) == settings.customers_vlan)
		other = settings.internet_vlan;
	else
		return TC_ACT_UNSPEC;
	if (bpf_skb_vlan_pop(skb) || bpf_skb_vlan_push(skb, proto, (tci & ~VLAN_ID_MASK) | other)) {
		if (totals)
			totals->events[TG_EVENT_NOT_FORWARDED]++;
		return TC_ACT_UNSPEC;
	}
	return bpf_redirect(settings.internet_ifindex, 0);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	if (settings.mode == TG_MODE_STICK)
		return forward_on_stick(skb);
	if (skb->ifindex == settings.internet_ifindex)
		return bpf_redirect(settings.customers_ifindex, 0);
	if (skb->ifindex == settings.customers_ifindex)
		return bpf_redirect(settings.internet_ifindex, 0);
	return TC_ACT_UNSPEC;
}

/* Both clocks at one time. */
SEC("syscall")
int read_clock(struct tg_clock *clock)
{
	clock->jiffies = bpf_jiffies64();
	clock->ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
