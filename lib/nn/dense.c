// SPDX-License-Identifier: BSD-3-Clause
#include <nn/dense.h>

#include <cblas.h>
#include <string.h>

void wm_dense_forward(float *y, const float *x, const float *w, const float *b, size_t m, size_t k, size_t n)
{
	const int rows = (int)m, in = (int)k, out = (int)n;

	for (size_t r = 0; r < m; r++)
		memcpy(y + r * n, b, n * sizeof(*y));
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, out, in, 1, x, in, w, out, 1, y, out);
}

void wm_dense_backward(
	float *dx, float *gw, float *gb, const float *dy, const float *x, const float *w, size_t m, size_t k, size_t n)
{
	const int rows = (int)m, in = (int)k, out = (int)n;

	if (dx != NULL)
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, in, out, 1, dy, out, w, out, 0, dx, in);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, 1, x, in, dy, out, 1, gw, out);
	for (size_t r = 0; r < m; r++)
		for (size_t j = 0; j < n; j++)
			gb[j] += dy[r * n + j];
}
