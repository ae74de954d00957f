/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the headers of TCP tell about a path: round trips, and what came again. */
#ifndef TIDEGATE_TCP_BPF_H
#define TIDEGATE_TCP_BPF_H

#include "resent.bpf.h"
#include "rtt.bpf.h"
#include "segment.bpf.h"

/* A new connection between the same ends: what is known of the one before says nothing about it. */
static __always_inline void forget_connection(struct tg_stream *own)
{
	void_outstanding(own);
	own->marks = 0;
	own->tcp_flags = 0;
	own->hole_begin = 0;
	own->hole_end = 0;
}

/* Takes a segment that takes up sequence numbers. */
static __always_inline void take_sequence(struct tg_flow *flow, struct tg_flow_key *key,
					  struct tg_stream *own, struct tg_stream *other,
					  struct segment *segment)
{
	if (own->marks & MARK_SEQUENCE) {
		if (!is_after(segment->end, own->next_sequence)) {
			judge_old_segment(flow, key, segment);
			return;
		} else if (is_after(segment->sequence, own->next_sequence)) {
			own->hole_begin = own->next_sequence;
			own->hole_end = segment->sequence;
			own->noted = rtt_clock();
		}
	}
	own->marks |= MARK_SEQUENCE;
	own->next_sequence = segment->end;
	await_answer(own, other, segment);
}

/* Takes in one segment of the flow. */
static __always_inline void track_tcp(struct tg_flow *flow, struct tg_flow_key *key,
				      struct segment *segment)
{
	struct tg_stream *own = &flow->streams[segment->direction & 1];
	struct tg_stream *other = &flow->streams[!(segment->direction & 1)];
	__u8 awaited = *(volatile __u8 *)&own->awaited;

	if ((segment->flags & TCP_SYN) && segment->end != own->next_sequence)
		forget_connection(own);
	if (awaited != own->looked && (segment->flags & TCP_ACK)) {
		if (segment->has_timestamps)
			answer_timestamp(own, other, segment);
		answer_sequence(own, other, segment);
		if (!is_awaiting(other, own))
			own->looked = awaited;
	}
	if (segment->end != segment->sequence)
		take_sequence(flow, key, own, other, segment);
	else if (!(own->marks & MARK_SEQUENCE)) {
		own->marks |= MARK_SEQUENCE;
		own->next_sequence = segment->end;
	}
	if (segment->has_timestamps && segment->end != segment->sequence &&
	    (!(own->marks & MARK_TIMESTAMP) || is_after(segment->timestamp, own->timestamp))) {
		own->marks |= MARK_TIMESTAMP;
		own->timestamp = segment->timestamp;
	}
	own->tcp_flags |= segment->flags;
}

#endif
