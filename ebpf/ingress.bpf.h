/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* xdp_ingress: whose packet it is, what it tells, and which CPU it goes to. */
#ifndef TIDEGATE_INGRESS_BPF_H
#define TIDEGATE_INGRESS_BPF_H

#include "capture.bpf.h"
#include "count.bpf.h"
#include "direction.bpf.h"
#include "flow.bpf.h"
#include "flow_table.bpf.h"
#include "lookup.bpf.h"
#include "parse.bpf.h"
#include "quic.bpf.h"
#include "tcp.bpf.h"

/*
 * What one run of xdp_ingress works on. In a map, as the verifier does not look into maps: on the
 * stack it would go through all that follows once for each way in which headers can be nested.
 */
struct work {
	struct packet packet;
	struct segment segment;
	struct tg_flow_key key;
	struct sought sought;
	struct owner owner;
};

/* 0 -> work. Writer and reader: xdp_ingress on that CPU. Bound: 1. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} tg_work SEC(".maps");

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

/* Hands the packet to that CPU. On it already, the hop would only cost. */
static __always_inline int steer(struct tg_totals *totals, __u16 cpu)
{
	int action;

	if (cpu == bpf_get_smp_processor_id())
		return XDP_PASS;
	action = bpf_redirect_map(&tg_cpus, cpu, XDP_PASS);
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
	struct tg_flow_history *history = bpf_map_lookup_elem(&tg_histories, &work->sought.row);
	struct tg_stream *own = &flow->streams[direction & 1];
	__u64 silent_ns = (__u64)((__u32)jiffies - own->last_seen) * settings.tick_ns;
	const struct packet *packet = &work->packet;

	if (!history)
		return;
	count_in_half(half_of(flow, history, direction), packet->tos, length, jiffies);
	if (protocol == TG_TCP) {
		work->segment.jiffies = jiffies;
		work->segment.direction = direction;
		if (read_segment(ctx, packet, &work->segment))
			track_tcp(flow, history, &work->key, &work->segment);
	} else if (work->key.customer_port == QUIC_PORT || work->key.internet_port == QUIC_PORT) {
		void *data = (void *)(long)ctx->data;
		__u8 *at = data + (packet->payload & FRAME_OFFSET_MAX);

		if (at + 9 <= (__u8 *)(long)ctx->data_end && packet->payload + 9 <= packet->end)
			track_quic(flow, history, direction, at[8], silent_ns);
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
static __always_inline struct owner find_flow(struct xdp_md *ctx, struct tg_totals *totals,
					      struct work *work, enum tg_protocol protocol,
					      enum tg_direction direction, __u32 epoch, __u64 length,
					      __u64 jiffies, int *has_flow)
{
	void *data = (void *)(long)ctx->data;
	__u8 *at = data + (work->packet.payload & FRAME_OFFSET_MAX);
	struct tg_flow *flow;
	struct owner owner;

	if (protocol == TG_OTHER || work->packet.later_fragment || at + 8 > (__u8 *)(long)ctx->data_end)
		return find_owner(&work->key.customer, direction);
	fill_ports(&work->key, read_ports(&work->packet, protocol, direction, at), work->packet.protocol);
	flow = known_flow(&work->sought, &work->key, protocol, direction, work->packet.is_ipv6);
	if (!flow) {
		owner = find_owner(&work->key.customer, direction);
		if (owner.target == TG_TARGET_IGNORED)
			return owner;
		if (is_table_full() || !make_flow(&work->sought, &work->key, jiffies))
			totals->events[TG_EVENT_FLOWS_FULL]++;
		flow = bpf_map_lookup_elem(&tg_flows, &work->sought.row);
		if (!flow)
			return owner;
		settle_stream(&flow->streams[direction & 1], owner, epoch);
	} else {
		owner = stream_owner(&flow->streams[direction & 1], &work->key, direction, epoch);
	}
	*has_flow = 1;
	work->owner = owner;
	barrier(); /* from here on it is whose the map says: one path for the verifier */
	track(ctx, flow, work, protocol, direction, length, jiffies);
	return work->owner;
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
	__u32 zero = 0, epoch;
	struct work *work = bpf_map_lookup_elem(&tg_work, &zero);
	__u64 length = data_end - data, jiffies;
	enum tg_direction direction;
	enum tg_protocol protocol;
	struct packet *packet;
	enum parsed parsed;
	struct owner owner;
	int valid = 1, has_flow = 0;

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
	add(&totals->counts[counter_of(direction, protocol)], length);

	jiffies = bpf_jiffies64();
	owner = find_flow(ctx, totals, work, protocol, direction, epoch, length, jiffies, &has_flow);
	if (now->captures)
		capture(ctx, work, protocol, direction, owner.target, length, now->captures);
	if (owner.target == TG_TARGET_CUSTOMERS) {
		count_unknown(totals, &work->key.customer, direction, length, jiffies, has_flow);
		return leave(totals, TG_VERDICT_UNKNOWN);
	}
	if (!is_slot(owner.target))
		return leave(totals, TG_VERDICT_IGNORED);
	count_circuit(owner.target, direction, protocol, length);
	leave(totals, TG_VERDICT_CIRCUIT);
	if (settings.mode == TG_MODE_OBSERVE)
		return XDP_PASS;
	leave_metadata(ctx, totals, epoch, owner.target);
	return steer(totals, owner.cpu);
}

#endif
