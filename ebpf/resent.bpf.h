/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * TCP segments that came again: sent again or overtaken on their way here.
 *
 * A segment that ends at or before the highest byte seen so far is
 * either. With timestamps, one that is older than the newest was sent earlier, so it was
 * overtaken; a newer one was sent later, so it was sent again. Otherwise (no timestamps, or both in
 * one tick of the sender's clock) it was overtaken if it fills a hole that is younger than a
 * quarter of the path's least RTT (the window of RFC 8985, section 6.2), 3 ms when that is not known.
 * Keep-alives (RFC 9293, section 3.8.4) are neither.
 */
#ifndef TIDEGATE_RESENT_BPF_H
#define TIDEGATE_RESENT_BPF_H

#include "count.bpf.h"
#include "quality.bpf.h"
#include "rtt.bpf.h"
#include "segment.bpf.h"

/* The reordering window when the RTT is not known: 3 ms. */
#define REORDERING_RTT_UNITS 2930u

/* Within what time after the hole was seen a segment that fills it counts as overtaken, in RTT units. */
static __always_inline __u32 reordering_window(const struct tg_flow_history *history)
{
	const struct tg_history *download = &history->streams[TG_DOWNLOAD];
	const struct tg_history *upload = &history->streams[TG_UPLOAD];

	if (!download->rtt_samples || !upload->rtt_samples)
		return REORDERING_RTT_UNITS;
	return (download->rtt_min + upload->rtt_min) / 4;
}

static __always_inline int is_overtaken(const struct tg_flow_history *history, struct half own,
					const struct segment *segment)
{
	if (segment->flags & TCP_SYN)
		return 0;
	if (segment->has_timestamps && (own.stream->marks & MARK_TIMESTAMP) &&
	    segment->timestamp != own.stream->timestamp)
		return is_after(own.stream->timestamp, segment->timestamp);
	return !is_after(own.history->hole_begin, segment->sequence) &&
	       !is_after(segment->end, own.history->hole_end) &&
	       own.history->hole_begin != own.history->hole_end &&
	       rtt_clock() - own.history->noted < reordering_window(history);
}

/* The segment is in a hole at its begin or its end: makes the hole smaller. */
static __always_inline void fill_hole(struct tg_history *own, const struct segment *segment)
{
	if (segment->sequence == own->hole_begin && !is_after(segment->end, own->hole_end))
		own->hole_begin = segment->end;
	else if (segment->end == own->hole_end && !is_after(own->hole_begin, segment->sequence))
		own->hole_end = segment->sequence;
}

static __always_inline void tell_retransmit(struct tg_totals *totals, const struct tg_flow *flow,
					    const struct tg_flow_key *key, const struct segment *segment)
{
	struct tg_retransmit *event = bpf_ringbuf_reserve(&tg_retransmits, sizeof(*event), 0);

	if (!event) {
		totals->events[TG_EVENT_RETRANSMIT_LOST]++;
		return;
	}
	event->seen_ns = bpf_ktime_get_ns();
	event->key = *key;
	event->target = flow->streams[segment->direction & 1].target;
	event->sequence = segment->sequence;
	event->length = segment->payload;
	event->direction = segment->direction;
	__builtin_memset(event->padding, 0, sizeof(event->padding));
	/* its reader looks by the clock: waking it would cost more than all else here */
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/*
 * A segment that brings nothing new: a keep-alive, overtaken, or sent again. A global function: the
 * verifier looks at it once.
 */
__noinline int judge_old_segment(struct tg_flow *flow, struct tg_flow_history *history,
				 struct tg_flow_key *key, struct segment *segment)
{
	struct tg_totals *totals = this_totals();
	struct tg_quality *quality;
	struct half own;
	__u8 direction;

	if (!flow || !history || !key || !segment || !totals)
		return 0;
	direction = segment->direction & 1;
	own = half_of(flow, history, direction);
	if (segment->payload <= 1 && !(segment->flags & (TCP_SYN | TCP_FIN)) &&
	    segment->sequence == own.stream->next_sequence - 1)
		return 0;
	quality = circuit_quality(own.stream->target);
	if (is_overtaken(history, own, segment)) {
		own.history->reordered++;
		totals->reordered[direction]++;
		if (quality)
			__sync_fetch_and_add(&quality->reordered[direction], 1);
	} else {
		/* Karn: an acknowledgement no longer tells which of the two it answers */
		if (!(own.stream->marks & MARK_BY_TIMESTAMP))
			void_outstanding(own.history);
		own.history->retransmits++;
		totals->retransmits[direction]++;
		if (quality)
			__sync_fetch_and_add(&quality->retransmits[direction], 1);
		tell_retransmit(totals, flow, key, segment);
	}
	fill_hole(own.history, segment);
	return 0;
}

#endif
