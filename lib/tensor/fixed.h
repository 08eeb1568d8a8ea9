// SPDX-License-Identifier: BSD-3-Clause
// fixed: a matrix in fixed point: weights of 8 bits, each column with a power of two of its own, and sums of 32 bits
// that cannot overflow.
//
// States are 0 .. 127 around WM_STATE_ZERO, weights -127 .. 127: two products fit in 16 bits, so that CPUs without
// instructions for sums of four (VNNI) come to the same numbers by sums of two. What that costs against binary32 is
// 2e-4 nats a packet of the shipped models; tests/unit/test_engine_parts.c measures it.
#pragma once

#include <tensor/tensor.h>

#include <stddef.h>
#include <stdint.h>

struct wm_fixed {
	int8_t *w;      // (k / 4, n, 4): w[i][j] in fours of rows, on 64-byte lines
	int32_t *start; // (n) what is added to all rows, what states' zero takes off and a half for rounding
	int32_t *up;    // (n) from b's bits behind the point to those of the sums
	int32_t *down;  // (n) from those, after lift, to those of y
	size_t k, n;    // k a multiple of 4, n of WM_WIDE
	unsigned lift;  // 0 unless weights are large
	int b_bits;     // behind the point of b, the numbers that are added to each row
};

/**
 * Choose the bits and pack a matrix. Weights beyond +-127 become that, and numbers in bias beyond +-1000.
 *
 * @param w      (k, n), finite; k a multiple of 4 up to 1024, n of WM_WIDE.
 * @param bias   (n), added to all rows.
 * @param b_most The sum of the magnitudes of up to 16 numbers that are rounded with b_bits and make up b is not larger;
 *               up to 1000.
 * @param y_bits Behind the point of y; up to 12.
 * @return 0 or -ENOMEM. Freed by wm_fixed_free().
 */
int wm_fixed_create(
	struct wm_fixed *f, const float *w, const float *bias, size_t k, size_t n, double b_most, int y_bits);
void wm_fixed_free(struct wm_fixed *f);

/** to[j] = from[j] 2^bits, rounded, or the nearest that an int16_t holds. */
void wm_fixed_round(int16_t *to, const float *from, size_t n, int bits);
