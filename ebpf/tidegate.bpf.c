// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The datapath. One object serves every NIC; a packet's direction follows from the interface, or on
 * a stick from the VLAN, that it came in by.
 *
 * xdp_ingress (every NIC):
 *   1. Parse once. What is not IP, or contradicts itself, passes untouched and is counted.
 *   2. Find the flow, which remembers its circuit. For a new one, or one from before the address
 *      maps changed, find the circuit by the customer's address: the destination of downloads, the
 *      source of uploads.
 *   3. Count: for the flow, and what its headers tell of the path; for the circuit and the box, in
 *      rows that only this CPU writes.
 *   4. Leave the slot in the packet's metadata and hand the packet to the circuit's CPU.
 *
 * tc_egress (every NIC): the slot from the metadata, if the address maps have not changed since, or
 * from a second look; then the class into skb->priority and the queue into skb->queue_mapping, so
 * HTB classifies with no filters at all. What no circuit claims is spread over the direction's
 * queues, where it falls into their default class.
 *
 * tc_ingress (XDP bridge and stick): forwards to the other NIC, or back out in the other VLAN,
 * by way of that NIC's queues. Runs behind the cpumap hop, on the circuit's CPU. What it forwards
 * tc_egress counts.
 *
 * read_clock (on demand): tells userspace the time by which packets are dated.
 *
 * No path drops a packet, and each is counted.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "egress.bpf.h"
#include "forward.bpf.h"
#include "ingress.bpf.h"

/* Both clocks at one time. */
SEC("syscall")
int read_clock(struct tg_clock *clock)
{
	clock->jiffies = bpf_jiffies64();
	clock->ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
