/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Which way a packet travels, and what an address leads to. */
#ifndef TIDEGATE_DIRECTION_BPF_H
#define TIDEGATE_DIRECTION_BPF_H

#include "config.bpf.h"

#define DIRECTION_NONE TG_DIRECTION_COUNT

/* A packet on its way into the box, or out of it. */
enum way {
	WAY_IN,
	WAY_OUT,
};

/* Which way a packet travels that crosses `ifindex` in `vlan`; DIRECTION_NONE if it is not ours. */
static __always_inline enum tg_direction direction_of(__u32 ifindex, __u16 vlan, enum way way)
{
	int internet = ifindex == settings.internet_ifindex;
	int customers = ifindex == settings.customers_ifindex;

	if (settings.mode == TG_MODE_STICK) {
		internet = internet && vlan == settings.internet_vlan;
		customers = customers && vlan == settings.customers_vlan;
	}
	if (internet)
		return way == WAY_IN ? TG_DOWNLOAD : TG_UPLOAD;
	if (customers)
		return way == WAY_IN ? TG_UPLOAD : TG_DOWNLOAD;
	return DIRECTION_NONE;
}

static __always_inline int is_slot(__u32 target)
{
	return target < settings.circuits;
}

#endif
