// SPDX-License-Identifier: BSD-3-Clause
// nn: the dense layer, y = x w + b. All arrays are row-major and dense; gradients of parameters accumulate.
#pragma once

#include <stddef.h>

/** y (m, n) = x (m, k) w (k, n) + b (n). */
void wm_dense_forward(float *y, const float *x, const float *w, const float *b, size_t m, size_t k, size_t n);

/**
 * From dy (m, n): dx (m, k) is overwritten, NULL = not wanted; gw (k, n) and gb (n) accumulate.
 */
void wm_dense_backward(
	float *dx, float *gw, float *gb, const float *dy, const float *x, const float *w, size_t m, size_t k, size_t n);
