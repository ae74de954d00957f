/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* tc_ingress: across the box where no Linux bridge does it. */
#ifndef TIDEGATE_FORWARD_BPF_H
#define TIDEGATE_FORWARD_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

/* On a stick: back out by the same NIC with the other side's tag, priority bits kept. */
static __always_inline int forward_on_stick(struct __sk_buff *skb)
{
	__u16 tci = skb->vlan_tci, proto = skb->vlan_proto, other;
	struct tg_totals *totals = this_totals();

	if (!skb->vlan_present)
		return TC_ACT_UNSPEC;
	if ((tci & VLAN_ID_MASK) == settings.internet_vlan)
		other = settings.customers_vlan;
	else if ((tci & VLAN_ID_MASK) == settings.customers_vlan)
		other = settings.internet_vlan;
	else
		return TC_ACT_UNSPEC;
	if (bpf_skb_vlan_pop(skb) || bpf_skb_vlan_push(skb, proto, (tci & ~VLAN_ID_MASK) | other)) {
		if (totals)
			totals->events[TG_EVENT_NOT_FORWARDED]++;
		return TC_ACT_UNSPEC;
	}
	return bpf_redirect(settings.internet_ifindex, 0);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	if (settings.mode == TG_MODE_STICK)
		return forward_on_stick(skb);
	if (skb->ifindex == settings.internet_ifindex)
		return bpf_redirect(settings.customers_ifindex, 0);
	if (skb->ifindex == settings.customers_ifindex)
		return bpf_redirect(settings.internet_ifindex, 0);
	return TC_ACT_UNSPEC;
}

#endif
