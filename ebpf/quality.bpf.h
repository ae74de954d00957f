/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is known of a circuit's connections: RTT histograms, retransmissions. */
#ifndef TIDEGATE_QUALITY_BPF_H
#define TIDEGATE_QUALITY_BPF_H

#include "config.bpf.h"

/* Samples above this many RTT units (69 s) are no RTTs. */
#define RTT_MAX (1u << 26)

static __always_inline struct tg_quality *circuit_quality(__u32 slot)
{
	return bpf_map_lookup_elem(&tg_quality, &slot);
}

/* CLOCK_MONOTONIC in RTT units. This reads the precise clock, which costs more than all else. */
static __always_inline __u32 rtt_clock(void)
{
	return bpf_ktime_get_ns() / TG_RTT_UNIT_NS;
}

/* The place of the highest bit that is set in `value`, which is not 0. */
static __always_inline __u32 highest_bit(__u32 value)
{
	__u32 place = 0;

	if (value >> 16) {
		value >>= 16;
		place += 16;
	}
	if (value >> 8) {
		value >>= 8;
		place += 8;
	}
	if (value >> 4) {
		value >>= 4;
		place += 4;
	}
	if (value >> 2) {
		value >>= 2;
		place += 2;
	}
	return place + (value >> 1);
}

/* Eight bins an octave: the three bits below the highest one choose among them. */
static __always_inline __u32 rtt_bin(__u32 rtt)
{
	__u32 octave;

	if (rtt < 1u << TG_RTT_OCTAVE_MIN)
		return 0;
	if (rtt >= 1u << TG_RTT_OCTAVE_MAX)
		return TG_RTT_BINS - 1;
	octave = highest_bit(rtt);
	return 1 + (octave - TG_RTT_OCTAVE_MIN) * 8 + ((rtt >> (octave - 3)) & 7);
}

/*
 * Takes the time from `sent` until now as an RTT sample of the stream that answered, and of its
 * circuit. A global function: the verifier looks at it once.
 */
__noinline int take_rtt(struct tg_history *history, __u32 slot, __u32 segment, __u32 sent)
{
	struct tg_quality *quality;
	__u32 rtt = rtt_clock() - sent, bin;

	if (!history || rtt >= RTT_MAX)
		return 0;
	history->rtt_last = rtt;
	if (!history->rtt_samples) {
		history->rtt_min = rtt;
		history->rtt_smoothed = rtt;
	}
	if (rtt < history->rtt_min)
		history->rtt_min = rtt;
	if (rtt > history->rtt_smoothed)
		history->rtt_smoothed += (rtt - history->rtt_smoothed) / 8;
	else
		history->rtt_smoothed -= (history->rtt_smoothed - rtt) / 8;
	history->rtt_samples++;
	quality = circuit_quality(slot);
	if (!quality)
		return 0;
	segment &= 1;
	bin = segment * TG_RTT_BINS + rtt_bin(rtt);
	if (bin >= TG_SEGMENT_COUNT * TG_RTT_BINS)
		return 0;
	__sync_fetch_and_add(&quality->bins[bin], 1);
	__sync_fetch_and_add(&quality->samples[segment], 1);
	return 0;
}

/* The segment that packets of a direction answer for. */
static __always_inline enum tg_segment answered_segment(enum tg_direction direction)
{
	return direction == TG_UPLOAD ? TG_CUSTOMER_SIDE : TG_INTERNET_SIDE;
}

#endif
