// SPDX-License-Identifier: BSD-3-Clause
#include <nn/act.h>

void wm_lrelu_forward(float *y, const float *x, size_t n, float slope)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

void wm_lrelu_backward(float *dx, const float *dy, const float *x, size_t n, float slope)
{
	for (size_t i = 0; i < n; i++)
		dx[i] = x[i] > 0 ? dy[i] : slope * dy[i];
}
