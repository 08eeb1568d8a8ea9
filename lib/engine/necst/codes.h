// SPDX-License-Identifier: BSD-3-Clause
// codes: the numbers that condition the sequence model, as a few dozen classes each: exact where they are small, half
// octaves where they are large. Training and generation must agree on them to the bit, so they are exact arithmetic.
#pragma once

#include <stdint.h>
#include <string.h>

enum {
	NECST_CODES_COUNT = 50, // packets: 0..8, then half octaves up to 2^23
	NECST_CODES_SHARE = 26, // packets: 0, 1, then octaves
	NECST_CODES_BYTES = 72, // 0, then half octaves up to 2^35
	NECST_CODES_TIME = 84,  // 0 (below 1 us), then half octaves from 1 us to 2^51 ns, 26 days
};

/**
 * The binary logarithm of n >= 1 and the n_bits bits behind the highest one, as one number: they stand so in a double,
 * which holds n exactly below 2^53; what is above counts as that.
 */
static inline uint32_t necst_octave(uint64_t n, unsigned n_bits)
{
	const double exact = (double)(int64_t)(n < UINT64_C(1) << 53 ? n : UINT64_C(1) << 53);
	uint64_t bits;

	memcpy(&bits, &exact, sizeof(bits));
	return (uint32_t)(bits >> (52 - n_bits)) - (1023u << n_bits);
}

// Twice the binary logarithm, rounded down to a half octave as the next lower bit tells; n >= 2.
static inline uint32_t necst_half_octave(uint64_t n)
{
	return necst_octave(n, 1);
}

static inline uint32_t necst_clamp(uint32_t code, uint32_t n)
{
	return code < n ? code : n - 1;
}

static inline uint32_t necst_code_count(uint64_t n)
{
	return n <= 8 ? (uint32_t)n : necst_clamp(9 + necst_half_octave(n) - 6, NECST_CODES_COUNT);
}

// Coarse on purpose: a flow that is a packet off its plan is to look like one that is not.
static inline uint32_t necst_code_share(uint64_t n)
{
	return n <= 1 ? (uint32_t)n : necst_clamp(1 + necst_half_octave(n) / 2, NECST_CODES_SHARE);
}

static inline uint32_t necst_code_bytes(uint64_t n)
{
	return n <= 1 ? (uint32_t)n : necst_clamp(necst_half_octave(n), NECST_CODES_BYTES);
}

static inline uint32_t necst_code_time(uint64_t ns)
{
	return ns < 1024 ? 0 : necst_clamp(1 + necst_half_octave(ns) - 20, NECST_CODES_TIME);
}
