/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * report_flows: tells userspace of the flows that changed, in one pass over their map.
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

static __always_inline void report_stream(struct tg_stream_report *report, const struct tg_stream *stream,
					  __u64 jiffies)
{
	report->bytes = stream->bytes;
	report->packets = stream->packets;
	report->last_seen = stream->packets ? jiffies - ((__u32)jiffies - stream->last_seen) : 0;
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

SEC("iter/bpf_map_elem")
int report_flows(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tg_flow_key *key = ctx->key;
	struct tg_flow *flow = ctx->value;
	const struct tg_stream *download, *upload;
	struct tg_flow_report report;
	__u64 packets, jiffies;

	if (!key || !flow)
		return 0;
	download = &flow->streams[TG_DOWNLOAD];
	upload = &flow->streams[TG_UPLOAD];
	packets = download->packets + upload->packets;
	if (packets == flow->reported)
		return 0;
	flow->reported = packets;
	report.key = *key;
	/* as the direction that was here last has found it */
	jiffies = bpf_jiffies64();
	report_stream(&report.streams[TG_DOWNLOAD], download, jiffies);
	report_stream(&report.streams[TG_UPLOAD], upload, jiffies);
	report.target = report.streams[TG_DOWNLOAD].last_seen > report.streams[TG_UPLOAD].last_seen ?
				download->target : upload->target;
	report.reserved = 0;
	report.first_seen = flow->first_seen;
	bpf_seq_write(ctx->meta->seq, &report, sizeof(report));
	return 0;
}

#endif
