// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Drives the datapath's programs for measuring. Before each repeat of a test run it rewrites the
 * packet, as the packets of many flows would differ, and then tail-calls the program under test.
 * The same driver before an empty program is what is subtracted from the figure.
 *
 * Flows come in the order of a linear congruential generator that meets each once a round (Hull
 * and Dobell, "Random number generators", 1962: the modulus has no prime factors but 2 and 5). So
 * the packet of round n is its flow's n-th, and sequence numbers and timestamps advance with nothing
 * remembered of any flow.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Packets have just this many bytes. */
#define FRAME_BYTES 128

/* One more than a multiple of 20, and prime to 10: a whole period for 2^a * 5^b flows. */
#define MULTIPLIER 4021
#define INCREMENT 7919

/* Where the two directions' TCP timestamps begin. */
#define DOWNLOAD_CLOCK 0x10000000u
#define UPLOAD_CLOCK 0x20000000u

/* Which packets are made. Offsets are into the frame. Mirrored by the rehearsal in crates/kernel. */
struct course {
	__u32 flows;          /* in rotation; 0: each packet begins another */
	__u32 customer;       /* last 32 bits of the first flow's addresses */
	__u32 internet;
	__u32 customer_step;  /* from one flow to the next */
	__u32 internet_step;
	__u32 alternates;     /* every other packet goes up */
	__u16 source_at;      /* last 32 bits of the addresses */
	__u16 destination_at;
	__u16 ports_at;
	__u16 sequence_at;    /* 0: not TCP */
	__u16 timestamps_at;  /* likewise */
	__u16 payload;        /* bytes of a segment */
	__u16 vlan_at;        /* 0: no tag */
	__u16 download_vlan;
	__u16 upload_vlan;
	__u16 padding;
};
_Static_assert(sizeof(struct course) == 44, "course");

const volatile struct course course SEC(".rodata.course") = {};

/* Which packet is next. */
struct progress {
	__u32 flow;
	__u32 round;
} progress;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_subject SEC(".maps"), tc_subject SEC(".maps");

static __always_inline void put16(void *at, __u16 value)
{
	*(__u16 *)at = bpf_htons(value);
}

static __always_inline void put32(void *at, __u32 value)
{
	*(__u32 *)at = bpf_htonl(value);
}

static __always_inline void advance(void)
{
	if (!course.flows) {
		progress.flow++;
		return;
	}
	progress.flow = (progress.flow * MULTIPLIER + INCREMENT) % course.flows;
	if (!progress.flow)
		progress.round++;
}

/* Each direction echoes the timestamp, and acknowledges the bytes, that the other sent last. */
static __always_inline void write_numbers(void *data, __u32 round, int upload)
{
	__u32 sent = course.alternates ? round / 2 : round;
	__u32 clock = upload ? UPLOAD_CLOCK : DOWNLOAD_CLOCK;
	__u32 other_clock = upload ? DOWNLOAD_CLOCK : UPLOAD_CLOCK;

	put32(data + course.sequence_at, sent * course.payload);
	put32(data + course.sequence_at + 4, (sent + upload) * course.payload);
	put32(data + course.timestamps_at, clock + round);
	put32(data + course.timestamps_at + 4, other_clock + round - 1);
}

/* Makes the next packet. `data` has FRAME_BYTES. */
static __always_inline void rewrite(void *data)
{
	__u32 flow = progress.flow, round = progress.round;
	__u32 customer = course.customer + flow * course.customer_step;
	__u32 internet = course.internet + flow * course.internet_step;
	__u16 customer_port = 0x8000 | flow;
	int upload = course.alternates && (round & 1);

	put32(data + course.source_at, upload ? customer : internet);
	put32(data + course.destination_at, upload ? internet : customer);
	put16(data + course.ports_at, upload ? customer_port : 443);
	put16(data + course.ports_at + 2, upload ? 443 : customer_port);
	if (course.sequence_at)
		write_numbers(data, round, upload);
	if (course.vlan_at)
		put16(data + course.vlan_at, upload ? course.upload_vlan : course.download_vlan);
	advance();
}

SEC("xdp.frags")
int drive_xdp(struct xdp_md *ctx)
{
	void *data, *data_end;

	/* Takes away what the last repeat left in front, and costs as much where it left nothing. */
	bpf_xdp_adjust_meta(ctx, ctx->data - ctx->data_meta);
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	if (data + FRAME_BYTES > data_end)
		return XDP_ABORTED;
	rewrite(data);
	bpf_tail_call(ctx, &xdp_subject, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int empty_xdp(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("tc")
int drive_tc(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;

	if (data + FRAME_BYTES > data_end)
		return TC_ACT_SHOT;
	rewrite(data);
	bpf_tail_call(skb, &tc_subject, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
