// SPDX-License-Identifier: BSD-3-Clause
// checksum: the Internet checksum (RFC 1071). Sums are taken of words in memory order, 32 bits at a time into 64 (2^16
// is 1 modulo 65535); a sum can be put together from parts that start at even offsets, and is folded once at the end.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t wm_load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t wm_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/** Add len bytes; an odd last byte counts as if a zero followed. At most 2^32 words fit. */
static inline uint64_t wm_sum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len >= 4; len -= 4, p += 4)
		sum += wm_load32(p);
	if (len >= 2)
		sum += wm_load16(p);
	if (len & 1) {
		uint8_t last[2] = {p[len - 1], 0};

		sum += wm_load16(last);
	}
	return sum;
}

static inline void wm_store16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void wm_store32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/** The sum in 16 bits; memory order, like the words. A half added to the other, in both orders side by side, leaves
 *  the sum with its carry in the upper one. */
static inline uint16_t wm_sum_fold(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum >> 32 | sum << 32)) >> 32);

	return (uint16_t)((half + (half >> 16 | half << 16)) >> 16);
}

/** Write the checksum of a sum: its complement. */
static inline void wm_sum_put(void *p, uint64_t sum)
{
	wm_store16(p, (uint16_t)~wm_sum_fold(sum));
}

/** The same of a UDP datagram, where 0 says that there is none (RFC 768). */
static inline void wm_udp_sum_put(void *p, uint64_t sum)
{
	uint16_t v = (uint16_t)~wm_sum_fold(sum);

	wm_store16(p, v > 0 ? v : UINT16_MAX);
}
