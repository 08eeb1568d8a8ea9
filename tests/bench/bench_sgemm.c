// SPDX-License-Identifier: BSD-3-Clause
// What OpenBLAS multiplies a second on one core: the bound that generation's matrix products are measured against. The
// environment's OPENBLAS_CORETYPE chooses its kernel. The last line is a JSON object.
#include <base/clock.h>
#include <nn/blas.h>

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 40 };

// GFLOP/s of the fastest of several rounds.
static double rate(int m, int k, int n)
{
	float *a = calloc((size_t)m * (size_t)k, sizeof(*a)), *b = calloc((size_t)k * (size_t)n, sizeof(*b)),
	      *c = calloc((size_t)m * (size_t)n, sizeof(*c));
	const double flops = 2.0 * m * k * n;
	const int repeat = (int)(2e8 / flops) + 1; // about a millisecond
	double best = (double)INFINITY;

	if (a == NULL || b == NULL || c == NULL)
		abort();
	for (int i = 0; i < m * k; i++)
		a[i] = (float)(i % 17) * 0.1f;
	for (int i = 0; i < k * n; i++)
		b[i] = (float)(i % 13) * 0.1f;
	for (int r = 0; r < ROUNDS; r++) {
		double began = wm_now_s();

		for (int i = 0; i < repeat; i++)
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
		best = fmin(best, (wm_now_s() - began) / repeat);
	}
	free(a);
	free(b);
	free(c);
	return 1e-9 * flops / best;
}

int main(void)
{
	wm_blas_single_thread();
	printf("{\"kernel\": \"%s\", \"gflops_step\": %.1f, \"gflops_square\": %.1f}\n", wm_blas_core(),
		rate(256, 64, 256), rate(512, 512, 512));
	return 0;
}
