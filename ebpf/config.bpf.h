/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is fixed when the programs are loaded, and what may change while they run. */
#ifndef TIDEGATE_CONFIG_BPF_H
#define TIDEGATE_CONFIG_BPF_H

#include "maps.bpf.h"

const volatile struct tg_settings settings = {};

static __always_inline struct tg_control *control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&tg_control, &zero);
}

#endif
