// SPDX-License-Identifier: BSD-3-Clause
// derive: header fields that neither form nor sample says, made of the sample without state. They shall not look like
// a counter of samples.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WM_IPV4_ID_FACTOR 0x9E3779B1u

enum { WM_TS_SHIFT = 20 }; // 2^20 ns are a tick

/** Spreads two fields over 32 bits. */
static inline uint32_t wm_mix(uint32_t a, uint32_t b)
{
	uint32_t x = a * 0x9E3779B1u ^ b * 0x85EBCA77u;

	x ^= x >> 15;
	x *= 0xC2B2AE3Du;
	return x ^ x >> 16;
}

/** What wm_ipv4_id() takes for a flow. */
static inline uint16_t wm_ipv4_id_key(uint32_t flow)
{
	return (uint16_t)wm_mix(flow, 0);
}

/** IPv4 id of the packet that a flow sends at time_ns: times close to each other give ids far from each other. */
static inline uint32_t wm_ipv4_id(uint16_t key, uint64_t time_ns)
{
	return ((uint32_t)time_ns ^ key) * WM_IPV4_ID_FACTOR >> 16;
}

/** TCP time stamps (RFC 7323): the ticks of a clock of about 1 ms, 2^20 ns. */
static inline uint32_t wm_ts_ticks(uint64_t time_ns)
{
	return (uint32_t)(time_ns >> WM_TS_SHIFT);
}

/** How far the clock of one end of a flow is ahead of that. */
static inline uint32_t wm_ts_clock(uint32_t flow, bool server)
{
	return wm_mix(flow, 1u + server);
}

/** How many ticks ago the clock of the other end showed what one end echoes: the way there and back. */
static inline uint32_t wm_ts_age(uint32_t flow, bool server)
{
	return 1 + (wm_mix(flow, 3u + server) & 31);
}

/** IPv6 flow label of one direction of a flow (RFC 6437): 20 bits, not 0. */
static inline uint32_t wm_ipv6_label(uint32_t flow, bool server)
{
	uint32_t label = wm_mix(flow, server) & 0xfffff;

	return label > 0 ? label : 1;
}
