/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Captures: headers of one circuit's or one host's packets, into a ring. */
#ifndef TIDEGATE_CAPTURE_BPF_H
#define TIDEGATE_CAPTURE_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

static __always_inline int is_same(const struct tg_address *a, const struct tg_address *b)
{
	const __u64 *left = (const __u64 *)a->bytes, *right = (const __u64 *)b->bytes;

	return left[0] == right[0] && left[1] == right[1];
}

/* What a capture is asked about, and where the packet's headers end. */
struct capturable {
	struct tg_flow_key ends;
	__u32 target;
	__u32 length; /* of the frame */
	__u32 headers;
	__u32 direction;
} __attribute__((aligned(8)));

static __always_inline int is_wanted(const struct tg_capture *capture, const struct capturable *packet)
{
	if (!capture->by_host)
		return capture->slot == packet->target;
	return is_same(&capture->host, &packet->ends.customer) ||
	       is_same(&capture->host, &packet->ends.internet);
}

/*
 * The length itself, where that is from 1 to TG_CAPTURE_BYTES. Kernels before 6.8 do not take a test for
 * 0 as a proof that it is at least 1.
 */
#define FROM_ONE(length) ((((length) - 1) & (TG_CAPTURE_BYTES - 1)) + 1)

/* The captures that want a packet, and how much of it. */
struct wanted {
	struct capturable *packet;
	__u32 running;
	__u32 captures; /* bits */
	__u32 length;
};

static long ask_capture(__u32 row, struct wanted *wanted)
{
	struct tg_capture *capture = bpf_map_lookup_elem(&tg_captures, &row);

	if (!capture || !(wanted->running & 1u << row) || !is_wanted(capture, wanted->packet))
		return 0;
	wanted->captures |= 1u << row;
	if (capture->snap_length > wanted->length)
		wanted->length = capture->snap_length;
	return 0;
}

/* Counts the packet for the captures that wanted it. */
static __always_inline void count_captured(__u32 wanted, int captured)
{
	__u32 bit;

	for (bit = 0; bit < TG_CAPTURES_MAX; bit++) {
		__u32 row = bit;
		struct tg_capture *capture = bpf_map_lookup_elem(&tg_captures, &row);

		if (capture && (wanted & 1u << bit))
			__sync_fetch_and_add(captured ? &capture->captured : &capture->lost, 1);
	}
}

/*
 * Copies the headers for those of the running captures that want the packet; never what follows
 * the headers. A global function: the verifier looks at it once, and it runs only while captures do.
 */
__noinline int capture_packet(struct xdp_md *ctx, struct capturable *packet, __u32 running)
{
	struct tg_totals *totals = this_totals();
	struct tg_captured *captured;
	struct wanted wanted = { .packet = packet, .running = running };
	__u64 length;

	if (!packet || !totals)
		return 0;
	bpf_loop(TG_CAPTURES_MAX, ask_capture, &wanted, 0);
	if (!wanted.captures)
		return 0;
	length = wanted.length < packet->headers ? wanted.length : packet->headers;
	captured = bpf_ringbuf_reserve(&tg_captured, sizeof(*captured), 0);
	if (!captured) {
		totals->events[TG_EVENT_CAPTURE_LOST]++;
		count_captured(wanted.captures, 0);
		return 0;
	}
	captured->seen_ns = bpf_ktime_get_ns();
	captured->captures = wanted.captures;
	captured->length = packet->length;
	captured->direction = packet->direction;
	__builtin_memset(captured->padding, 0, sizeof(captured->padding));
	if (length > TG_CAPTURE_BYTES)
		length = TG_CAPTURE_BYTES;
	captured->captured = length;
	barrier_var(length); /* or the verifier loses sight of what is compared */
	if (!length || bpf_xdp_load_bytes(ctx, 0, captured->bytes, FROM_ONE(length)))
		captured->captured = 0;
	bpf_ringbuf_submit(captured, BPF_RB_NO_WAKEUP);
	count_captured(wanted.captures, 1);
	return 0;
}

#endif
