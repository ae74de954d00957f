/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The reporters: tell userspace of the flows that changed, in one pass over each of their maps.
 *
 * A flow is told of when a packet of it came since it was last told of, so one that a pass misses,
 * as the map changes under it, is told of by the next.
 */
#ifndef TIDEGATE_REPORT_BPF_H
#define TIDEGATE_REPORT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "include/abi.h"
#include "parse.bpf.h"

/* The parts that are used of the kernel's types. */
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));
struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

/* The time whose lower half is `lower`: the last that was. */
static __always_inline __u64 whole_jiffies(__u32 lower, __u64 now)
{
	return now - ((__u32)now - lower);
}

static __always_inline void report_stream(struct tg_stream_report *report, struct tg_stream *stream,
					  __u64 jiffies)
{
	stream->reported = stream->packets;
	report->bytes = stream->bytes;
	report->packets = stream->packets;
	report->last_seen = stream->packets ? whole_jiffies(stream->last_seen, jiffies) : 0;
	report->retransmits = stream->retransmits;
	report->reordered = stream->reordered;
	report->ect_packets = stream->ect_packets;
	report->ce_packets = stream->ce_packets;
	report->rtt_last = stream->rtt_last;
	report->rtt_min = stream->rtt_min;
	report->rtt_smoothed = stream->rtt_smoothed;
	report->rtt_samples = stream->rtt_samples;
	report->tcp_flags = stream->tcp_flags;
	report->tos = stream->tos;
	__builtin_memset(report->padding, 0, sizeof(report->padding));
}

static __always_inline int has_changed(const struct tg_stream *stream)
{
	return (__u32)stream->packets != stream->reported;
}

/* When the first packet of either direction came. */
static __always_inline __u64 first_seen(const struct tg_flow *flow, __u64 jiffies)
{
	const struct tg_stream *download = &flow->streams[TG_DOWNLOAD], *upload = &flow->streams[TG_UPLOAD];
	__u64 down = whole_jiffies(download->first_seen, jiffies);
	__u64 up = whole_jiffies(upload->first_seen, jiffies);

	if (!download->packets)
		return up;
	if (!upload->packets)
		return down;
	return down < up ? down : up;
}

/* All of the report but its key. */
static __always_inline void report_flow(struct tg_flow_report *report, struct tg_flow *flow)
{
	struct tg_stream *download = &flow->streams[TG_DOWNLOAD], *upload = &flow->streams[TG_UPLOAD];
	__u64 jiffies = bpf_jiffies64();

	report_stream(&report->streams[TG_DOWNLOAD], download, jiffies);
	report_stream(&report->streams[TG_UPLOAD], upload, jiffies);
	report->first_seen = first_seen(flow, jiffies);
	report->reserved = 0;
	/* as the direction that was here last has found it */
	report->target = report->streams[TG_DOWNLOAD].last_seen > report->streams[TG_UPLOAD].last_seen ?
				 download->target : upload->target;
}

SEC("iter/bpf_map_elem")
int report_ipv4_flows(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tg_ipv4_flow_key *key = ctx->key;
	struct tg_flow *flow = ctx->value;
	struct tg_flow_report report;

	if (!key || !flow)
		return 0;
	if (!has_changed(&flow->streams[TG_DOWNLOAD]) && !has_changed(&flow->streams[TG_UPLOAD]))
		return 0;
	map_ipv4(&report.key.customer, &key->customer);
	map_ipv4(&report.key.internet, &key->internet);
	*(__u64 *)&report.key.customer_port = *(__u64 *)&key->customer_port;
	report_flow(&report, flow);
	bpf_seq_write(ctx->meta->seq, &report, sizeof(report));
	return 0;
}

SEC("iter/bpf_map_elem")
int report_ipv6_flows(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tg_flow_key *key = ctx->key;
	struct tg_ipv6_flow *value = ctx->value;
	struct tg_flow_report report;

	if (!key || !value)
		return 0;
	if (!has_changed(&value->flow.streams[TG_DOWNLOAD]) && !has_changed(&value->flow.streams[TG_UPLOAD]))
		return 0;
	report.key = *key;
	report_flow(&report, &value->flow);
	bpf_seq_write(ctx->meta->seq, &report, sizeof(report));
	return 0;
}

#endif
