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
 * Each direction writes its own stream and reads the other's, so there is no lock. What asks counts
 * in `awaited` of the stream that is to answer, after it has written what it asks; what answers notes
 * in `looked` up to which count all is answered. So a stream of which no answer is awaited (all that
 * goes one way only) looks at nothing but itself.
 */
#ifndef TIDEGATE_RTT_BPF_H
#define TIDEGATE_RTT_BPF_H

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

static __always_inline void void_outstanding(struct tg_stream *stream)
{
	stream->outstanding[0] = 0;
	stream->outstanding[1] = 0;
	stream->outstanding[2] = 0;
}

/* Takes the sample of the packet that first echoes an outstanding timestamp of `other`. */
static __always_inline void answer_timestamp(struct tg_stream *own, const struct tg_stream *other,
					     const struct segment *segment)
{
	__u32 i;

	if ((own->marks & MARK_ECHOED) && !is_after(segment->echo, own->echoed))
		return;
	if ((other->marks & MARK_TIMESTAMP) && is_after(segment->echo, other->timestamp))
		return;
	own->marks |= MARK_ECHOED;
	own->echoed = segment->echo;
	if (!(other->marks & MARK_BY_TIMESTAMP))
		return;
	for (i = 0; i < TG_OUTSTANDING; i++) {
		__u64 awaited = other->outstanding[i];

		if (awaited && (__u32)awaited == segment->echo) {
			take_rtt(own, own->target, answered_segment(segment->direction), awaited >> 32);
			return;
		}
	}
}

/* Takes the sample of the newest segment of `other` that this packet is the first to acknowledge. */
static __always_inline void answer_sequence(struct tg_stream *own, const struct tg_stream *other,
					    const struct segment *segment)
{
	__u64 newest = 0;
	__u32 i;

	if ((own->marks & MARK_ACKNOWLEDGED) && !is_after(segment->acknowledgement, own->acknowledged))
		return;
	if ((other->marks & MARK_SEQUENCE) && is_after(segment->acknowledgement, other->next_sequence))
		return;
	for (i = 0; i < TG_OUTSTANDING && !(other->marks & MARK_BY_TIMESTAMP); i++) {
		__u64 awaited = other->outstanding[i];

		if (!awaited || is_after(awaited, segment->acknowledgement))
			continue;
		if ((own->marks & MARK_ACKNOWLEDGED) && !is_after(awaited, own->acknowledged))
			continue; /* answered before, and not yet taken away */
		if (!newest || is_after(awaited, newest))
			newest = awaited;
	}
	own->marks |= MARK_ACKNOWLEDGED;
	own->acknowledged = segment->acknowledgement;
	if (newest)
		take_rtt(own, own->target, answered_segment(segment->direction), newest >> 32);
}

/* Whether what is in this place was answered, or there is nothing. */
static __always_inline int is_free(__u64 awaited, const struct tg_stream *other, __u8 marks)
{
	__u32 answered = marks & MARK_BY_TIMESTAMP ? other->echoed : other->acknowledged;
	__u8 known = marks & MARK_BY_TIMESTAMP ? MARK_ECHOED : MARK_ACKNOWLEDGED;

	return !awaited || ((other->marks & known) && !is_after(awaited, answered));
}

/* Whether any of what `asking` sent is still to be answered by `answering`. */
static __always_inline int is_awaiting(const struct tg_stream *asking, const struct tg_stream *answering)
{
	__u32 i;

	for (i = 0; i < TG_OUTSTANDING; i++)
		if (!is_free(asking->outstanding[i], answering, asking->marks))
			return 1;
	return 0;
}

/*
 * No place is free: gives up what is too old, and puts off the next look by half the time that the
 * oldest has waited. Where nothing is ever answered, looking would be all for nothing.
 */
static __always_inline void put_off(struct tg_stream *own, __u32 jiffies)
{
	__u32 now = rtt_clock(), oldest = 0, i, wait;

	for (i = 0; i < TG_OUTSTANDING; i++) {
		__u32 age = now - (__u32)(own->outstanding[i] >> 32);

		if (age > OUTSTANDING_MAX)
			own->outstanding[i] = 0;
		else if (age > oldest)
			oldest = age;
	}
	wait = (__u64)oldest * (TG_RTT_UNIT_NS / 2) / settings.tick_ns;
	own->not_before = jiffies + (wait < OUTSTANDING_RETRY_JIFFIES ? OUTSTANDING_RETRY_JIFFIES : wait);
}

/* Makes a new segment outstanding, if it is this tick's first and there is a place. */
static __always_inline void await_answer(struct tg_stream *own, struct tg_stream *other,
					 const struct segment *segment)
{
	__u8 by_timestamp = segment->has_timestamps && !(segment->flags & TCP_SYN) ?
				    MARK_BY_TIMESTAMP : 0;
	__u32 value = by_timestamp ? segment->timestamp : segment->end, jiffies = segment->jiffies;
	__u32 i;

	if (is_after(own->not_before, jiffies))
		return;
	if (by_timestamp && (own->marks & MARK_TIMESTAMP) && !is_after(value, own->timestamp))
		return;
	if ((own->marks ^ by_timestamp) & MARK_BY_TIMESTAMP) {
		own->marks ^= MARK_BY_TIMESTAMP;
		void_outstanding(own);
	}
	own->not_before = jiffies + 1;
	for (i = 0; i < TG_OUTSTANDING; i++) {
		if (is_free(own->outstanding[i], other, own->marks)) {
			/* a whole barrier: who sees the count sees what it counts */
			__sync_lock_test_and_set(&own->outstanding[i], (__u64)rtt_clock() << 32 | value);
			*(volatile __u8 *)&other->awaited = other->awaited + 1;
			return;
		}
	}
	put_off(own, jiffies);
}

#endif
