/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * From bytes to addresses and protocol. Reads only; every read is preceded by its bound.
 *
 * Understood: up to two VLAN tags, then PPPoE session, MPLS or neither, then IPv4 or IPv6. All
 * else is "not IP". Multi-byte fields leave these functions in host order, addresses in network
 * order.
 */
#ifndef TIDEGATE_PARSE_BPF_H
#define TIDEGATE_PARSE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "include/abi.h"

#define VLAN_TAGS_MAX 2
#define VLAN_ID_MASK 0x0fff
#define MPLS_LABELS_MAX 8
#define IPV6_EXTENSIONS_MAX 8

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_MPLS_UPSTREAM 0x8848
#define ETHERTYPE_PPPOE_SESSION 0x8864
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

/* Protocol numbers of IANA's registry. */
#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_AH 51
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_NONE 59
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_MOBILITY 135
#define PROTOCOL_HIP 139
#define PROTOCOL_SHIM6 140

enum parsed {
	PARSED_IP,
	PARSED_NOT_IP,
	PARSED_MALFORMED,
};

struct packet {
	struct tg_address source;
	struct tg_address destination;
	__u32 payload;	/* offset in the frame of what follows the IP header */
	__u32 end;	/* offset in the frame at which the IP packet says that it ends */
	__u16 vlan;	/* outer tag's id; 0 without one */
	__u8 protocol;	/* of the payload; of the first extension header if there is one */
	__u8 is_ipv6;
	__u8 later_fragment; /* has no transport header */
	__u8 tos;	     /* DSCP and ECN */
} __attribute__((aligned(8))); /* as addresses are accessed by halves */

static __always_inline __u16 load16(const void *at)
{
	return bpf_ntohs(*(const __u16 *)at);
}

static __always_inline __u32 load32(const void *at)
{
	return bpf_ntohl(*(const __u32 *)at);
}

static __always_inline int is_vlan(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
	       ethertype == ETHERTYPE_QINQ_OLD;
}

/*
 * Skips the label stack; the first nibble behind it tells the IP version (RFC 4928, section 3). A
 * stack that goes on beyond the bound is not understood; one that the frame cuts off is NULL.
 */
static __always_inline void *skip_mpls(void *at, void *data_end, __u16 *ethertype)
{
	int label;

	for (label = 0; label < MPLS_LABELS_MAX; label++) {
		__u8 *bytes = at;

		if (bytes + 5 > (__u8 *)data_end)
			return NULL;
		at = bytes + 4;
		if (bytes[2] & 1) { /* bottom of stack */
			*ethertype = bytes[4] >> 4 == 4 ? ETHERTYPE_IPV4 :
				     bytes[4] >> 4 == 6 ? ETHERTYPE_IPV6 : 0;
			return at;
		}
	}
	*ethertype = 0;
	return at;
}

/* RFC 2516, section 4: version and type 1, code 0, session, length, then the PPP protocol. */
static __always_inline void *skip_pppoe(void *at, void *data_end, __u16 *ethertype)
{
	__u8 *bytes = at;
	__u16 ppp;

	if (bytes + 8 > (__u8 *)data_end || bytes[0] != 0x11 || bytes[1] != 0)
		return NULL;
	ppp = load16(bytes + 6);
	*ethertype = ppp == PPP_IPV4 ? ETHERTYPE_IPV4 : ppp == PPP_IPV6 ? ETHERTYPE_IPV6 : 0;
	return bytes + 8;
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "addresses are put together as on little-endian machines"
#endif
/* The upper half of an address in ::ffff:0:0/96, without its last four bytes. */
#define MAPPED_PREFIX 0xffff0000ull

/* Addresses are written and read by halves: a read that spans several writes makes the CPU wait. */
static __always_inline __u64 *halves(struct tg_address *address)
{
	return (__u64 *)address->bytes;
}

static __always_inline void map_ipv4(struct tg_address *address, const void *at)
{
	halves(address)[0] = 0;
	halves(address)[1] = (__u64)*(const __u32 *)at << 32 | MAPPED_PREFIX;
}

static __always_inline void copy_address(struct tg_address *to, const void *from)
{
	halves(to)[0] = ((const __u64 *)from)[0];
	halves(to)[1] = ((const __u64 *)from)[1];
}

/* RFC 791, section 3.1. */
static __always_inline enum parsed parse_ipv4(void *data, void *at, void *data_end, struct packet *packet)
{
	__u8 *bytes = at;
	__u32 header_length, total_length;
	__u16 fragment;

	if (bytes + 20 > (__u8 *)data_end || bytes[0] >> 4 != 4)
		return PARSED_MALFORMED;
	header_length = (bytes[0] & 0xf) * 4;
	total_length = load16(bytes + 2);
	if (header_length < 20 || total_length < header_length ||
	    bytes + header_length > (__u8 *)data_end)
		return PARSED_MALFORMED;
	fragment = load16(bytes + 6);
	packet->later_fragment = (fragment & 0x1fff) != 0;
	packet->tos = bytes[1];
	packet->protocol = bytes[9];
	map_ipv4(&packet->source, bytes + 12);
	map_ipv4(&packet->destination, bytes + 16);
	packet->is_ipv6 = 0;
	packet->payload = at - data + header_length;
	packet->end = at - data + total_length;
	return PARSED_IP;
}

/*
 * Whether an IPv6 header holds an IPv4-mapped address. Those never travel (RFC 4291, section
 * 2.5.5.2, is about how hosts write IPv4 down), and our tables write IPv4 down in the same way.
 */
static __always_inline int is_mapped(const struct tg_address *address)
{
	const __u64 *halves = (const __u64 *)address->bytes;

	return !halves[0] && (__u32)halves[1] == MAPPED_PREFIX;
}

/* RFC 8200, section 3. A payload length of 0 is a jumbogram's (RFC 2675): taken to end at once. */
static __always_inline enum parsed parse_ipv6(void *data, void *at, void *data_end, struct packet *packet)
{
	__u8 *bytes = at;

	if (bytes + 40 > (__u8 *)data_end || bytes[0] >> 4 != 6)
		return PARSED_MALFORMED;
	packet->later_fragment = 0;
	packet->tos = load16(bytes) >> 4;
	packet->protocol = bytes[6];
	copy_address(&packet->source, bytes + 8);
	copy_address(&packet->destination, bytes + 24);
	if (is_mapped(&packet->source) || is_mapped(&packet->destination))
		return PARSED_MALFORMED;
	packet->is_ipv6 = 1;
	packet->payload = at - data + 40;
	packet->end = packet->payload + load16(bytes + 4);
	return PARSED_IP;
}

/* Fills `packet` from the frame in [data, data_end). */
static __always_inline enum parsed parse_packet(void *data, void *data_end, struct packet *packet)
{
	void *at = data + 14;
	__u16 ethertype;
	int tag;

	if (at > data_end)
		return PARSED_NOT_IP;
	ethertype = load16(data + 12);
	packet->vlan = 0;
	for (tag = 0; tag < VLAN_TAGS_MAX && is_vlan(ethertype); tag++) {
		if (at + 4 > data_end)
			return PARSED_MALFORMED;
		if (tag == 0)
			packet->vlan = load16(at) & VLAN_ID_MASK;
		ethertype = load16(at + 2);
		at += 4;
	}
	if (ethertype == ETHERTYPE_PPPOE_SESSION)
		at = skip_pppoe(at, data_end, &ethertype);
	else if (ethertype == ETHERTYPE_MPLS || ethertype == ETHERTYPE_MPLS_UPSTREAM)
		at = skip_mpls(at, data_end, &ethertype);
	if (!at)
		return PARSED_MALFORMED;
	if (ethertype == ETHERTYPE_IPV4)
		return parse_ipv4(data, at, data_end, packet);
	if (ethertype == ETHERTYPE_IPV6)
		return parse_ipv6(data, at, data_end, packet);
	return PARSED_NOT_IP;
}

/* How an IPv6 extension header tells its length. */
enum extension {
	EXTENSION_NOT,	    /* an upper-layer protocol */
	EXTENSION_FRAGMENT, /* 8 bytes */
	EXTENSION_AH = 4,   /* in units of 4 bytes, less two (RFC 4302, section 2.2) */
	EXTENSION_PLAIN = 8, /* in units of 8 bytes, less one (RFC 8200, section 4) */
};

const volatile __u8 extensions[256] = {
	[PROTOCOL_HOP_BY_HOP] = EXTENSION_PLAIN,
	[PROTOCOL_ROUTING] = EXTENSION_PLAIN,
	[PROTOCOL_FRAGMENT] = EXTENSION_FRAGMENT,
	[PROTOCOL_AH] = EXTENSION_AH,
	[PROTOCOL_DESTINATION] = EXTENSION_PLAIN,
	[PROTOCOL_MOBILITY] = EXTENSION_PLAIN,
	[PROTOCOL_HIP] = EXTENSION_PLAIN,
	[PROTOCOL_SHIM6] = EXTENSION_PLAIN,
};

#define FRAME_OFFSET_MAX 0x3fff
#define UPPER_OFFSET(upper) ((upper) & FRAME_OFFSET_MAX)
#define UPPER_PROTOCOL(upper) ((upper) >> 16 & 0xff)
#define UPPER_LATER_FRAGMENT (1 << 24)
#define UPPER_CUT_OFF (1 << 25)

/*
 * Walks the extension headers that begin at `offset` with type `protocol`, at most
 * IPV6_EXTENSIONS_MAX of them, and tells where the upper layer begins and what it is. A chain that
 * is too long, or that frame or packet (which ends at `end`) cuts off, is UPPER_CUT_OFF. A global
 * function: the verifier looks at it once.
 */
__noinline int find_upper_layer(struct xdp_md *ctx, __u32 offset, __u32 protocol, __u32 end)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u32 later_fragment = 0;
	int header;

	for (header = 0; header <= IPV6_EXTENSIONS_MAX; header++) {
		__u8 kind = extensions[protocol & 0xff];
		__u8 *at = data + (offset & FRAME_OFFSET_MAX);

		if (kind == EXTENSION_NOT || later_fragment)
			return offset | (protocol & 0xff) << 16 | later_fragment;
		if (header == IPV6_EXTENSIONS_MAX || at + 8 > (__u8 *)data_end)
			break;
		if (kind == EXTENSION_FRAGMENT && load16(at + 2) & 0xfff8)
			later_fragment = UPPER_LATER_FRAGMENT;
		protocol = at[0];
		offset += 8 + at[1] * (kind & (EXTENSION_AH | EXTENSION_PLAIN));
		if (offset > FRAME_OFFSET_MAX || offset > end)
			break;
	}
	return UPPER_CUT_OFF;
}

/*
 * Which protocol the packet is counted as. `valid` becomes 0 when the transport header is cut off
 * or contradicts itself; the packet is still its circuit's. Later fragments have no such header.
 */
static __always_inline enum tg_protocol parse_transport(const struct packet *packet, void *data,
							void *data_end, int *valid)
{
	__u8 *at = data + (packet->payload & FRAME_OFFSET_MAX);
	enum tg_protocol protocol = packet->protocol == PROTOCOL_TCP	? TG_TCP :
				    packet->protocol == PROTOCOL_UDP	? TG_UDP :
				    packet->protocol == PROTOCOL_ICMP ||
				    packet->protocol == PROTOCOL_ICMPV6 ? TG_ICMP :
									  TG_OTHER;

	if (protocol == TG_OTHER || packet->later_fragment)
		return protocol;
	if (at + 8 <= (__u8 *)data_end && packet->payload + 8 <= packet->end) {
		if (protocol == TG_ICMP)
			return protocol;
		/* Its length counts its header (RFC 768). */
		if (protocol == TG_UDP && load16(at + 4) >= 8)
			return protocol;
		/* The data offset, in words, is at least the header's five (RFC 9293, section 3.1). */
		if (protocol == TG_TCP && at + 20 <= (__u8 *)data_end && at[12] >> 4 >= 5 &&
		    packet->payload + (at[12] >> 4) * 4 <= packet->end)
			return protocol;
	}
	*valid = 0;
	return TG_OTHER;
}

#endif
