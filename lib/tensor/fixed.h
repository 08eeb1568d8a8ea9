// SPDX-License-Identifier: BSD-3-Clause
// fixed: weights as 16-bit fixed point numbers, with as many bits behind the point as sums of 32 bits allow.
//
// Products of two 16-bit integers in sums of 32 bits run at the speed of bfloat16's on CPUs that have both, are exact
// in any order, whichever instructions form them, and keep 12 to 15 bits of a number where bfloat16 keeps 8.
#pragma once

#include <tensor/tensor.h>

#include <stddef.h>
#include <stdint.h>

struct wm_fixed {
	int16_t *w;     // (k / 2, n, 2): w[i][j] in pairs of rows, on 64-byte lines
	size_t k, n;    // k even, n a multiple of WM_LANES
	unsigned shift; // from b's bits behind the point to those of the sums
	float scale;    // of the sums
	int b_bits;     // behind the point of what is added: b
};

/**
 * Choose the bits and pack a matrix, so that no sum overflows.
 *
 * @param w      (k, n), finite; k even, n a multiple of WM_LANES.
 * @param b_most The sum of the magnitudes of up to 16 numbers that are rounded with b_bits and make up b is not larger.
 * @return 0 or -ENOMEM. Freed by wm_fixed_free().
 */
int wm_fixed_create(struct wm_fixed *f, const float *w, size_t k, size_t n, double b_most);
void wm_fixed_free(struct wm_fixed *f);

/** to[j] = from[j] 2^bits, rounded. */
void wm_fixed_round(int16_t *to, const float *from, size_t n, int bits);
