/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RTTs of TCP.
 *
 * A segment that must be answered (it has payload, SYN or FIN, and is not a repetition) is made
 * outstanding: its timestamp (RFC 7323, TSval) or, without timestamps and for SYNs, the sequence
 * number behind it, with the time. The other direction's packet that first echoes that timestamp,
 * or acknowledges that number, makes a sample. Pure acknowledgements are never made outstanding:
 * nothing has to answer them, so the next packet with their echo may come much later.
 * - At most one segment a timer tick and direction is made outstanding, TG_OUTSTANDING at once, so
 *   the precise clock is read seldom. One is free again when a later value was answered.
 * - A timestamp is made outstanding only with the first packet that carries it.
 * - Sequence numbers obey Karn's rule: a repetition in their direction makes all of them void.
 * - A value that the other side cannot have seen is no answer.
 * Each direction writes its own half of the flow and reads the other's, so there is no lock. What asks counts
 * in `awaited` of the stream that is to answer, after it has written what it asks; what answers notes
 * in `looked` up to which count all is answered. So a stream of which no answer is awaited (all that
 * goes one way only) looks at nothing but itself.
 */
#ifndef TIDEGATE_RTT_BPF_H
#define TIDEGATE_RTT_BPF_H

#include "flow.bpf.h"
#include "quality.bpf.h"
#include "segment.bpf.h"

/* Which of a stream's fields hold something. */
#define MARK_SEQUENCE 0x01
#define MARK_ACKNOWLEDGED 0x02
#define MARK_TIMESTAMP 0x04
#define MARK_ECHOED 0x08
/* outstanding holds timestamps, not sequence numbers */
#define MARK_BY_TIMESTAMP 0x10

/* Outstanding for this many RTT units (17 s): given up. */
#define OUTSTANDING_MAX (1u << 24)
/* How long no place is looked for after there was none, at least. */
#define OUTSTANDING_RETRY_JIFFIES 16

static __always_inline void void_outstanding(struct tg_history *history)
{
	history->outstanding[0] = 0;
	history->outstanding[1] = 0;
	history->outstanding[2] = 0;
}

/* Takes the sample of the packet that first echoes an outstanding timestamp of `other`. */
static __always_inline void answer_timestamp(struct half own, struct half other,
					     const struct segment *segment)
{
	__u32 i;

	if ((own.stream->marks & MARK_ECHOED) && !is_after(segment->echo, own.history->echoed))
		return;
	if ((other.stream->marks & MARK_TIMESTAMP) && is_after(segment->echo, other.stream->timestamp))
		return;
	own.stream->marks |= MARK_ECHOED;
	own.history->echoed = segment->echo;
	if (!(other.stream->marks & MARK_BY_TIMESTAMP))
		return;
	for (i = 0; i < TG_OUTSTANDING; i++) {
		__u64 awaited = other.history->outstanding[i];

		if (awaited && (__u32)awaited == segment->echo) {
			take_rtt(own.history, own.stream->target, answered_segment(segment->direction),
				 awaited >> 32);
			return;
		}
	}
}

/* Takes the sample of the newest segment of `other` that this packet is the first to acknowledge. */
static __always_inline void answer_sequence(struct half own, struct half other,
					    const struct segment *segment)
{
	__u32 i, acknowledged = own.history->acknowledged;
	int known = own.stream->marks & MARK_ACKNOWLEDGED;
	__u64 newest = 0;

	if (known && !is_after(segment->acknowledgement, acknowledged))
		return;
	if ((other.stream->marks & MARK_SEQUENCE) &&
	    is_after(segment->acknowledgement, other.stream->next_sequence))
		return;
	for (i = 0; i < TG_OUTSTANDING && !(other.stream->marks & MARK_BY_TIMESTAMP); i++) {
		__u64 awaited = other.history->outstanding[i];

		if (!awaited || is_after(awaited, segment->acknowledgement))
			continue;
		if (known && !is_after(awaited, acknowledged))
			continue; /* answered before, and not yet taken away */
		if (!newest || is_after(awaited, newest))
			newest = awaited;
	}
	own.stream->marks |= MARK_ACKNOWLEDGED;
	own.history->acknowledged = segment->acknowledgement;
	if (newest)
		take_rtt(own.history, own.stream->target, answered_segment(segment->direction),
			 newest >> 32);
}

/* Whether what one half has in this place was answered by `other`, or there is nothing. */
static __always_inline int is_free(__u64 awaited, struct half other, __u8 marks)
{
	__u32 answered = marks & MARK_BY_TIMESTAMP ? other.history->echoed : other.history->acknowledged;
	__u8 known = marks & MARK_BY_TIMESTAMP ? MARK_ECHOED : MARK_ACKNOWLEDGED;

	return !awaited || ((other.stream->marks & known) && !is_after(awaited, answered));
}

/* Whether any of what `asking` sent is still to be answered by `answering`. */
static __always_inline int is_awaiting(struct half asking, struct half answering)
{
	__u32 i;

	for (i = 0; i < TG_OUTSTANDING; i++)
		if (!is_free(asking.history->outstanding[i], answering, asking.stream->marks))
			return 1;
	return 0;
}

/*
 * No place is free: gives up what is too old, and puts off the next look by half the time that the
 * oldest has waited. Where nothing is ever answered, looking would be all for nothing.
 */
static __always_inline void put_off(struct half own, __u32 jiffies)
{
	__u32 now = rtt_clock(), oldest = 0, i, wait;

	for (i = 0; i < TG_OUTSTANDING; i++) {
		__u32 age = now - (__u32)(own.history->outstanding[i] >> 32);

		if (age > OUTSTANDING_MAX)
			own.history->outstanding[i] = 0;
		else if (age > oldest)
			oldest = age;
	}
	wait = (__u64)oldest * (TG_RTT_UNIT_NS / 2) / settings.tick_ns;
	own.stream->not_before =
		jiffies + (wait < OUTSTANDING_RETRY_JIFFIES ? OUTSTANDING_RETRY_JIFFIES : wait);
}

/* Makes a new segment outstanding, if it is this tick's first and there is a place. */
static __always_inline void await_answer(struct half own, struct half other, const struct segment *segment)
{
	struct tg_stream *stream = own.stream;
	__u8 by_timestamp = segment->has_timestamps && !(segment->flags & TCP_SYN) ?
				    MARK_BY_TIMESTAMP : 0;
	__u32 value = by_timestamp ? segment->timestamp : segment->end, jiffies = segment->jiffies;
	__u32 i;

	if (is_after(stream->not_before, jiffies))
		return;
	if (by_timestamp && (stream->marks & MARK_TIMESTAMP) && !is_after(value, stream->timestamp))
		return;
	if ((stream->marks ^ by_timestamp) & MARK_BY_TIMESTAMP) {
		stream->marks ^= MARK_BY_TIMESTAMP;
		void_outstanding(own.history);
	}
	stream->not_before = jiffies + 1;
	for (i = 0; i < TG_OUTSTANDING; i++) {
		__u64 *outstanding = &own.history->outstanding[i];

		if (is_free(*outstanding, other, stream->marks)) {
			/* a whole barrier: who sees the count sees what it counts */
			__sync_lock_test_and_set(outstanding, (__u64)rtt_clock() << 32 | value);
			*(volatile __u8 *)&other.stream->awaited = other.stream->awaited + 1;
			return;
		}
	}
	put_off(own, jiffies);
}

#endif
