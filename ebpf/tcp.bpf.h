/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the headers of TCP tell about a path: round trips, and what came again. */
#ifndef TIDEGATE_TCP_BPF_H
#define TIDEGATE_TCP_BPF_H

#include "resent.bpf.h"
#include "rtt.bpf.h"
#include "segment.bpf.h"

/* A new connection between the same ends: what is known of the one before says nothing about it. */
static __always_inline void forget_connection(struct half own)
{
	void_outstanding(own.history);
	own.stream->marks = 0;
	own.stream->tcp_flags = 0;
	own.history->hole_begin = 0;
	own.history->hole_end = 0;
}

/* Takes a segment that brings something new. */
static __always_inline void take_new(struct half own, struct half other, const struct segment *segment)
{
	if ((own.stream->marks & MARK_SEQUENCE) &&
	    is_after(segment->sequence, own.stream->next_sequence)) {
		own.history->hole_begin = own.stream->next_sequence;
		own.history->hole_end = segment->sequence;
		own.history->noted = rtt_clock();
	}
	own.stream->marks |= MARK_SEQUENCE;
	own.stream->next_sequence = segment->end;
	await_answer(own, other, segment);
}

/* Takes in one segment of the flow. */
static __always_inline void track_tcp(struct tg_flow *flow, struct tg_flow_history *history,
				      struct tg_flow_key *key, struct segment *segment)
{
	struct half own = half_of(flow, history, segment->direction);
	struct half other = half_of(flow, history, !segment->direction);
	struct tg_stream *stream = own.stream;
	__u8 awaited = *(volatile __u8 *)&stream->awaited;

	if ((segment->flags & TCP_SYN) && segment->end != stream->next_sequence)
		forget_connection(own);
	if (awaited != stream->looked && (segment->flags & TCP_ACK)) {
		if (segment->has_timestamps)
			answer_timestamp(own, other, segment);
		answer_sequence(own, other, segment);
		if (!is_awaiting(other, own))
			stream->looked = awaited;
	}
	if (segment->end != segment->sequence) {
		if ((stream->marks & MARK_SEQUENCE) && !is_after(segment->end, stream->next_sequence))
			judge_old_segment(flow, history, key, segment);
		else
			take_new(own, other, segment);
	} else if (!(stream->marks & MARK_SEQUENCE)) {
		stream->marks |= MARK_SEQUENCE;
		stream->next_sequence = segment->end;
	}
	if (segment->has_timestamps && segment->end != segment->sequence &&
	    (!(stream->marks & MARK_TIMESTAMP) || is_after(segment->timestamp, stream->timestamp))) {
		stream->marks |= MARK_TIMESTAMP;
		stream->timestamp = segment->timestamp;
	}
	stream->tcp_flags |= segment->flags;
}

#endif
