/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Every map: its key and value, who writes and reads it, and what bounds it. Bounds written here
 * are placeholders; userspace sets them from [limits] and the number of CPUs before loading.
 *
 * Arrays that userspace polls are mmapable, so a poll is a memory read. What a CPU counts is in rows of
 * its own; flows have a writer for each direction.
 */
#ifndef TIDEGATE_MAPS_BPF_H
#define TIDEGATE_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "include/abi.h"

/* 0 -> control. Writer: userspace. Readers: all programs. Bound: 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_control);
} tg_control SEC(".maps");

/* slot -> place. Writer: userspace. Readers: all programs. Bound: [limits] circuits. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_circuit);
} tg_circuits SEC(".maps");

/*
 * hash of an IPv4 address -> the hosts that it may be. Writer: userspace. Readers: all programs.
 * Bound: a fourth of [limits] hosts. One cache line tells, where a hash map takes three.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_bucket);
} tg_ipv4_hosts SEC(".maps");

/*
 * address -> slot or target: IPv6, and IPv4 of which a bucket is full. Writer: userspace. Readers:
 * all programs. Bound: [limits] hosts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tg_address);
	__type(value, __u32);
} tg_hosts SEC(".maps");

/* prefix -> slot or target. Writer: userspace. Readers: all programs. Bound: [limits] prefixes. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tg_prefix);
	__type(value, __u32);
} tg_prefixes SEC(".maps");

/*
 * ((cpu * directions + direction) * protocols + protocol) * circuits + slot -> count.
 * Writer: xdp_ingress on that CPU. Reader: userspace. Bound: eight times [limits] circuits times the
 * possible CPUs. Counters that are seldom used lie apart from the others, not between them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_count);
} tg_traffic SEC(".maps");

/* cpu -> box. Writer: the programs on that CPU. Reader: userspace. Bound: the possible CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_totals);
} tg_totals SEC(".maps");

/*
 * address -> unknown host. Writers: xdp_ingress adds and counts, userspace removes the idle.
 * Reader: userspace. Bound: [limits] unknown_hosts; a host that finds no room is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct tg_address);
	__type(value, struct tg_unknown_host);
} tg_unknown SEC(".maps");

/*
 * hash of a flow's ends -> the rows that it may have. Writers: xdp_ingress claims places and fills
 * them, userspace takes flows out. Readers: both. Bound: half as many places again as
 * [limits] flows.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_flow_bucket);
} tg_flow_index SEC(".maps");

/*
 * row -> flow. Writer: xdp_ingress. Reader: userspace. Bound: [limits] flows; a flow that finds no
 * row is counted, and its packets find their circuit by address.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_flow);
} tg_flows SEC(".maps");

/*
 * row -> what is remembered of the flow besides. Writer: xdp_ingress. Reader: userspace.
 * Bound: [limits] flows. Apart from tg_flows, so that what each packet needs lies on few pages.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_flow_history);
} tg_histories SEC(".maps");

/*
 * row -> the flow's ends; protocol is 0 where there is none. Writers: xdp_ingress, userspace clears.
 * Readers: both. Bound: [limits] flows.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_flow_key);
} tg_flow_keys SEC(".maps");

/* A stack of rows that no flow has. Writer: userspace. Reader: xdp_ingress. Bound: [limits] flows. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} tg_free_rows SEC(".maps");

/* 0 -> how many those are. Writers: xdp_ingress takes, userspace adds. Bound: 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_stock);
} tg_stock SEC(".maps");

/*
 * slot -> quality. Writers: xdp_ingress adds, atomically; userspace takes the bins, atomically.
 * Reader: userspace. Bound: [limits] circuits.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tg_quality);
} tg_quality SEC(".maps");

/* TCP segments that were sent again. Writer: xdp_ingress. Reader: userspace. Bound: 4,096 of them. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} tg_retransmits SEC(".maps");

/* bit -> capture. Writers: userspace, xdp_ingress counts atomically. Bound: TG_CAPTURES_MAX. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TG_CAPTURES_MAX);
	__type(key, __u32);
	__type(value, struct tg_capture);
} tg_captures SEC(".maps");

/* Captured headers. Writer: xdp_ingress. Reader: userspace. Bound: some 7,000 of them. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} tg_captured SEC(".maps");

/* cpu -> its queue of steered packets. Writer: userspace. Reader: xdp_ingress. Bound: the possible CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} tg_cpus SEC(".maps");

#endif
