// SPDX-License-Identifier: BSD-3-Clause
// mark: what a packet is known by when it comes back: 64 bits of what bridges and routers leave alone. Packets stay as
// they are.
//
//	IPv4   addresses, protocol, id, fragment, total length
//	IPv6   addresses, next header, flow label, payload length
//	both   TCP: ports, sequence numbers, flags; otherwise the first 8 bytes behind the IP header
//	other  ethertype, the first 32 bytes behind it
//
// MAC addresses, VLAN tags, TTL, DSCP, ECN and padding may change on the way. What translates addresses or ports makes
// other packets of them.
#pragma once

#include <base/bytes.h>

#include <stdint.h>
#include <string.h>

// Multiply and fold: both halves of the product depend on all bits of both.
static inline uint64_t wm_mark_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xC2B2AE3D27D4EB4F));

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t wm_mark_load(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n < sizeof(v) ? n : sizeof(v));
	return v;
}

// @param room Bytes from l4 on.
static inline uint64_t wm_mark_l4(uint64_t mark, uint8_t proto, const uint8_t *l4, uint32_t room)
{
	enum { TCP = 6, TCP_FLAGS = 13, TCP_LEN = 20 };
	uint64_t ack_flags = 0;

	if (proto == TCP && room >= TCP_LEN)
		ack_flags = wm_mark_load(l4 + 8, 4) | (uint64_t)l4[TCP_FLAGS] << 32;
	return wm_mark_mix(mark ^ wm_mark_load(l4, room), ack_flags);
}

static inline uint64_t wm_mark_ipv4(const uint8_t *ip, uint32_t room)
{
	uint32_t head = (ip[0] & 15) * 4u, total = wm_be16(ip + 2), fragment = wm_be16(ip + 6) & 0x3fff;
	uint64_t own =
		(uint64_t)wm_be16(ip + 4) | (uint64_t)fragment << 16 | (uint64_t)total << 32 | (uint64_t)ip[9] << 48;
	uint64_t mark = wm_mark_mix(wm_mark_load(ip + 12, 8), own);

	room = total < room ? total : room;
	return head < room ? wm_mark_l4(mark, fragment & 0x1fff ? 0 : ip[9], ip + head, room - head) : mark;
}

static inline uint64_t wm_mark_ipv6(const uint8_t *ip, uint32_t room)
{
	enum { HEAD = 40 };
	uint32_t total = HEAD + (uint32_t)wm_be16(ip + 4);
	uint64_t own = (uint64_t)(wm_be32(ip) & 0xfffff) | (uint64_t)total << 32 | (uint64_t)ip[6] << 56;
	uint64_t mark = wm_mark_mix(wm_mark_load(ip + 8, 8) ^ own, wm_mark_load(ip + 16, 8));

	mark = wm_mark_mix(mark ^ wm_mark_load(ip + 24, 8), wm_mark_load(ip + 32, 8));
	room = total < room ? total : room;
	return wm_mark_l4(mark, ip[6], ip + HEAD, room - HEAD);
}

static inline uint64_t wm_mark_other(uint16_t type, const uint8_t *p, uint32_t room)
{
	uint64_t mark = type;

	for (uint32_t at = 0; at < 32; at += 8)
		mark = wm_mark_mix(mark, at < room ? wm_mark_load(p + at, room - at) : 0);
	return mark;
}

/** @param frame Its first bytes, with all headers that count. @return 0 only for less than an Ethernet header. */
static inline uint64_t wm_mark(const uint8_t *frame, uint32_t len)
{
	enum { TYPE = 12, IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100, SERVICE_VLAN = 0x88a8 };
	uint32_t at = TYPE + 2;
	uint16_t type;

	if (len < at)
		return 0;
	type = wm_be16(frame + TYPE);
	for (; (type == VLAN || type == SERVICE_VLAN) && at + 4 <= len; at += 4)
		type = wm_be16(frame + at + 2);
	if (type == IPV4 && len - at >= 20)
		return wm_mark_ipv4(frame + at, len - at) | 1;
	if (type == IPV6 && len - at >= 40)
		return wm_mark_ipv6(frame + at, len - at) | 1;
	return wm_mark_other(type, frame + at, len - at) | 1;
}
