/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the headers of TCP tell about a path: RTTs, retransmissions, reordering.
 *
 * RTT. A segment that must be answered (it has payload, SYN or FIN, and is not a repetition) is made
 * outstanding: its timestamp (RFC 7323, TSval) or, without timestamps and for SYNs, the sequence
 * number behind it, with the time. The other direction's packet that first echoes that timestamp,
 * or acknowledges that number, makes a sample. Pure acknowledgements are never made outstanding:
 * nothing has to answer them, so the next packet with their echo may come much later.
 * - At most one segment a timer tick and direction is made outstanding, TG_OUTSTANDING at once, so
 *   the precise clock is read seldom. One is free again when a later value was answered.
 * - A timestamp is made outstanding only with the first packet that carries it.
 * - Sequence numbers obey Karn's rule: a repetition in their direction makes all of them void.
 * - A value that the other side cannot have seen is no answer. Where the other direction was not seen
 *   at all, the value is remembered, so that it is not looked at again for each packet.
 * Each direction writes its own stream and reads the other's, so there is no lock.
 *
 * Retransmission or reordering. A segment that ends at or before the highest byte seen so far is
 * either. With timestamps, one that is older than the newest was sent earlier, so it was
 * overtaken; a newer one was sent later, so it was sent again. Otherwise (no timestamps, or both in
 * one tick of the sender's clock) it was overtaken if it fills a hole that is younger than a
 * quarter of the path's least RTT (the window of RFC 8985, section 6.2), 3 ms when that is not known.
 * Keep-alives (RFC 9293, section 3.8.4) are neither.
 */
#ifndef TIDEGATE_TCP_BPF_H
#define TIDEGATE_TCP_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"
#include "quality.bpf.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_TIMESTAMPS 8
#define TCP_OPTIONS_MAX 40
/* Two NOPs, then the timestamps option's kind and length: RFC 7323, appendix A. */
#define TCP_ALIGNED_TIMESTAMPS 0x0101080a

/* Which of a stream's fields hold something. */
#define MARK_SEQUENCE 0x01
#define MARK_ACKNOWLEDGED 0x02
#define MARK_TIMESTAMP 0x04
#define MARK_ECHOED 0x08
/* outstanding holds timestamps, not sequence numbers */
#define MARK_BY_TIMESTAMP 0x10

/* Outstanding for this many RTT units (17 s): given up. */
#define OUTSTANDING_MAX (1u << 24)
/* How long no place is looked for after there was none. */
#define OUTSTANDING_RETRY_JIFFIES 16
/* The reordering window when the RTT is not known: 3 ms. */
#define REORDERING_RTT_UNITS 2930u

/* What one TCP header says, in host order. */
struct segment {
	__u64 jiffies; /* when it came */
	__u32 sequence;
	__u32 end; /* behind the last byte; SYN and FIN count as one each */
	__u32 acknowledgement;
	__u32 timestamp;
	__u32 echo;
	__u16 payload;
	__u8 flags;
	__u8 has_timestamps;
	__u8 direction;
};

/* Whether `a` comes after `b` in a space that wraps (RFC 1982). */
static __always_inline int is_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

/*
 * The offset in the frame of the timestamps option's values, for option lists that are not laid out
 * as usual; 0 without one. Options lie in [offset, end). A global function: the verifier looks at
 * it once.
 */
__noinline int find_timestamps(struct xdp_md *ctx, __u32 offset, __u32 end)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	int option;

	for (option = 0; option < TCP_OPTIONS_MAX; option++) {
		__u8 *at = data + (offset & FRAME_OFFSET_MAX);

		if (offset + 2 > end || at + 2 > (__u8 *)data_end || at[0] == TCP_OPTION_END)
			break;
		if (at[0] == TCP_OPTION_NOP) {
			offset++;
			continue;
		}
		if (at[0] == TCP_OPTION_TIMESTAMPS)
			return at[1] == 10 && offset + 10 <= end ? offset + 2 : 0;
		if (at[1] < 2)
			break;
		offset += at[1];
	}
	return 0;
}

static __always_inline void read_timestamps(struct segment *segment, const __u8 *at)
{
	segment->has_timestamps = 1;
	segment->timestamp = load32(at);
	segment->echo = load32(at + 4);
}

/* Reads the header at `packet->payload`, which parse_transport found to be whole. */
static __always_inline int read_segment(struct xdp_md *ctx, const struct packet *packet,
					struct segment *segment)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u8 *at = data + (packet->payload & FRAME_OFFSET_MAX);
	__u32 header, offset;

	if (at + 20 > (__u8 *)data_end)
		return 0;
	header = (at[12] >> 4) * 4;
	segment->sequence = load32(at + 4);
	segment->acknowledgement = load32(at + 8);
	segment->flags = at[13];
	segment->payload = packet->end - packet->payload - header;
	segment->end = segment->sequence + segment->payload + !!(segment->flags & TCP_SYN) +
		       !!(segment->flags & TCP_FIN);
	segment->has_timestamps = 0;
	if (header < 32)
		return 1;
	if (at + 32 <= (__u8 *)data_end && load32(at + 20) == TCP_ALIGNED_TIMESTAMPS) {
		read_timestamps(segment, at + 24);
		return 1;
	}
	offset = find_timestamps(ctx, packet->payload + 20, packet->payload + header);
	/* the call made all pointers into the packet void */
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	at = data + (offset & FRAME_OFFSET_MAX);
	if (offset && at + 8 <= (__u8 *)data_end)
		read_timestamps(segment, at);
	return 1;
}

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

/*
 * Makes a new segment outstanding, if it is this tick's first and there is a place. With none, the
 * next look is some ticks away: where nothing is ever answered, looking would be all for nothing.
 */
static __always_inline void await_answer(struct tg_stream *own, const struct tg_stream *other,
					 const struct segment *segment)
{
	__u8 by_timestamp = segment->has_timestamps && !(segment->flags & TCP_SYN) ?
				    MARK_BY_TIMESTAMP : 0;
	__u32 value = by_timestamp ? segment->timestamp : segment->end, jiffies = segment->jiffies;
	__u32 i, now;

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
			own->outstanding[i] = (__u64)rtt_clock() << 32 | value;
			return;
		}
	}
	own->not_before = jiffies + OUTSTANDING_RETRY_JIFFIES;
	now = rtt_clock();
	for (i = 0; i < TG_OUTSTANDING; i++)
		if (now - (__u32)(own->outstanding[i] >> 32) > OUTSTANDING_MAX)
			own->outstanding[i] = 0;
}

/* Within what time after the hole was seen a segment that fills it counts as overtaken, in RTT units. */
static __always_inline __u32 reordering_window(const struct tg_flow *flow)
{
	const struct tg_stream *download = &flow->streams[TG_DOWNLOAD], *upload = &flow->streams[TG_UPLOAD];

	if (!download->rtt_samples || !upload->rtt_samples)
		return REORDERING_RTT_UNITS;
	return (download->rtt_min + upload->rtt_min) / 4;
}

static __always_inline int is_overtaken(const struct tg_flow *flow, const struct tg_stream *own,
					const struct segment *segment)
{
	if (segment->flags & TCP_SYN)
		return 0;
	if (segment->has_timestamps && (own->marks & MARK_TIMESTAMP) &&
	    segment->timestamp != own->timestamp)
		return is_after(own->timestamp, segment->timestamp);
	return !is_after(own->hole_begin, segment->sequence) && !is_after(segment->end, own->hole_end) &&
	       own->hole_begin != own->hole_end &&
	       rtt_clock() - own->noted < reordering_window(flow);
}

/* The segment is in a hole at its begin or its end: makes the hole smaller. */
static __always_inline void fill_hole(struct tg_stream *own, const struct segment *segment)
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
__noinline int judge_old_segment(struct tg_flow *flow, struct tg_flow_key *key, struct segment *segment)
{
	struct tg_totals *totals = this_totals();
	struct tg_quality *quality;
	struct tg_stream *own;
	__u8 direction;

	if (!flow || !key || !segment || !totals)
		return 0;
	direction = segment->direction & 1;
	own = &flow->streams[direction];
	if (segment->payload <= 1 && !(segment->flags & (TCP_SYN | TCP_FIN)) &&
	    segment->sequence == own->next_sequence - 1)
		return 0;
	quality = circuit_quality(own->target);
	if (is_overtaken(flow, own, segment)) {
		own->reordered++;
		totals->reordered[direction]++;
		if (quality)
			__sync_fetch_and_add(&quality->reordered[direction], 1);
	} else {
		/* Karn: an acknowledgement no longer tells which of the two it answers */
		if (!(own->marks & MARK_BY_TIMESTAMP))
			void_outstanding(own);
		own->retransmits++;
		totals->retransmits[direction]++;
		if (quality)
			__sync_fetch_and_add(&quality->retransmits[direction], 1);
		tell_retransmit(totals, flow, key, segment);
	}
	fill_hole(own, segment);
	return 0;
}

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
					  struct tg_stream *own, const struct tg_stream *other,
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
	const struct tg_stream *other = &flow->streams[!(segment->direction & 1)];

	if ((segment->flags & TCP_SYN) && segment->end != own->next_sequence)
		forget_connection(own);
	if (segment->flags & TCP_ACK) {
		if (segment->has_timestamps)
			answer_timestamp(own, other, segment);
		answer_sequence(own, other, segment);
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
