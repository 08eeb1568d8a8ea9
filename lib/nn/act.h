// SPDX-License-Identifier: BSD-3-Clause
// nn: activations between dense layers.
#pragma once

#include <stddef.h>

/** y[i] = x[i] if positive, else slope * x[i]. y may be x if 0 < slope and backward is given y instead of x. */
void wm_lrelu_forward(float *y, const float *x, size_t n, float slope);

/** dx[i] = dy[i] where x[i] is positive, else slope * dy[i]; dx may be dy. */
void wm_lrelu_backward(float *dx, const float *dy, const float *x, size_t n, float slope);
