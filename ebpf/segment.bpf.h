/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What one TCP header says. */
#ifndef TIDEGATE_SEGMENT_BPF_H
#define TIDEGATE_SEGMENT_BPF_H

#include "parse.bpf.h"

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

#endif
