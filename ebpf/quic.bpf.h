/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RTTs of QUIC by its spin bit (RFC 9000, section 17.4; RFC 9312, section 3.8).
 *
 * The client turns over what it last saw, the server sends it back, so the bit's edges go round the
 * path once a round trip. An edge in one direction answers the last edge in the other. Endpoints
 * may send noise instead. Edges are samples only after SPINS_MIN of a direction have each answered a
 * later edge of the other than the one before; two in a row with none between start that count
 * again. A sender that was silent for more than half of the time waited for something else than the
 * path: no sample.
 */
#ifndef TIDEGATE_QUIC_BPF_H
#define TIDEGATE_QUIC_BPF_H

#include "flow.bpf.h"
#include "parse.bpf.h"
#include "quality.bpf.h"

#define QUIC_PORT bpf_htons(443)
/* Of the first byte: header form and fixed bit; then the spin bit (RFC 9000, section 17.3.1). */
#define QUIC_FORM_MASK 0xc0
#define QUIC_SHORT_HEADER 0x40
#define QUIC_SPIN 0x20

#define SPINS_MIN 8
/* Two timer ticks of a slow kernel: what times seen to a tick may be off by. */
#define TICKS_NS 20000000ull

/* Which of a stream's fields hold something. */
#define MARK_SPIN_SEEN 0x20
#define MARK_SPIN 0x40
#define MARK_SPUN 0x80

/* Takes the edge that this packet is. `silent_ns` is the time since the packet before it. */
static __always_inline void take_edge(struct half own, struct half other, enum tg_direction direction,
				      __u64 silent_ns)
{
	__u32 now = rtt_clock(), awaited = other.history->noted;
	int answers = (other.stream->marks & MARK_SPUN) &&
		      (!(own.stream->marks & MARK_SPUN) ||
		       (__s32)(awaited - own.history->noted) > 0);

	own.stream->marks |= MARK_SPUN;
	own.history->noted = now;
	if (!answers) {
		own.stream->spins = 0;
		return;
	}
	if (own.stream->spins < SPINS_MIN)
		own.stream->spins++;
	else if (silent_ns <= (__u64)(now - awaited) * TG_RTT_UNIT_NS / 2 + TICKS_NS)
		take_rtt(own.history, own.stream->target, answered_segment(direction), awaited);
}

/* Takes in one datagram whose payload begins with `first`. */
static __always_inline void track_quic(struct tg_flow *flow, struct tg_flow_history *history,
				       enum tg_direction direction, __u8 first, __u64 silent_ns)
{
	struct half own = half_of(flow, history, direction);
	struct half other = half_of(flow, history, !direction);
	__u8 spin = first & QUIC_SPIN ? MARK_SPIN : 0;

	if ((first & QUIC_FORM_MASK) != QUIC_SHORT_HEADER)
		return;
	if (!(own.stream->marks & MARK_SPIN_SEEN)) {
		own.stream->marks |= MARK_SPIN_SEEN | spin;
		return;
	}
	if ((own.stream->marks & MARK_SPIN) == spin)
		return;
	own.stream->marks ^= MARK_SPIN;
	take_edge(own, other, direction, silent_ns);
}

#endif
