// SPDX-License-Identifier: BSD-3-Clause
// What OpenBLAS multiplies a second on one core, and what the kernels of inference do, in 8 bits: the bounds that
// generation is measured against. The environment's OPENBLAS_CORETYPE and WIREMILL_KERNELS choose them. The last line
// is a JSON object.
#include <base/clock.h>
#include <nn/blas.h>
#include <tensor/fixed.h>
#include <tensor/tensor.h>

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// Gop/s of the fastest of several rounds: a tile of flows by a matrix that stays in the first cache.
static double products(const struct wm_kernels *k)
{
	enum { M = 64, K = 64, N = 256, REPEAT = 100 };
	static float w[K * N], bias[N];
	static int16_t y[M * N];
	static uint8_t x[M * K];
	struct wm_fixed f;
	double best = (double)INFINITY;

	for (int i = 0; i < K * N; i++)
		w[i] = (float)(i % 13) * 0.1f;
	memset(x, WM_STATE_ZERO + 5, sizeof(x));
	if (wm_fixed_create(&f, w, bias, K, N, 0, WM_GATE_BITS) < 0)
		abort();
	for (int r = 0; r < 10 * ROUNDS; r++) {
		double began = wm_now_s();

		for (int i = 0; i < REPEAT; i++)
			k->affine(y, N, &f, NULL, 0, x, K, M);
		best = fmin(best, (wm_now_s() - began) / REPEAT);
	}
	wm_fixed_free(&f);
	return 1e-9 * 2 * M * K * N / best;
}

int main(void)
{
	const struct wm_kernels *k = wm_kernels_best();

	wm_blas_single_thread();
	printf("{\"kernel\": \"%s\", \"gflops_step\": %.1f, \"gflops_square\": %.1f, \"kernels\": \"%s\", "
	       "\"gops_8_bits\": %.1f}\n",
		wm_blas_core(), rate(256, 64, 256), rate(512, 512, 512), k->name, products(k));
	return 0;
}
