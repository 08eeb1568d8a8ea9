// SPDX-License-Identifier: BSD-3-Clause
// bench: the kernels of every table that this CPU runs, and OpenBLAS beside them in the same run.
#include <base/philox.h>
#include <nn/adam.h>
#include <nn/blas.h>
#include <nn/loss.h>
#include <nn/lstm.h>
#include <tensor/fixed.h>
#include <tensor/tensor.h>

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { K = 64, N = 256, M = 256, UNITS = 64, DRAWS = 64 };

struct data {
	float x[M * K], w[K * N], y[M * N];
	float h[UNITS], c[UNITS], gates[4 * UNITS];
	float logits[1024];
	const float *rows[6];
	uint8_t q[M * K]; // states
	int16_t sums[M * N], cells[UNITS], out[M * N], scores[1024];
	const int16_t *fixed_rows[6];
	struct wm_fixed fixed;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(float *v, size_t n, float scale, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, 1, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = scale * (2 * wm_rng_f32(&rng) - 1);
}

// Nanoseconds of the fastest of several rounds: what the machine's other work took from the rest is not ours.
static double fastest_ns(void (*job)(const struct wm_kernels *, struct data *, size_t), const struct wm_kernels *k,
	struct data *d, size_t arg)
{
	double best = (double)INFINITY, spent = 0;
	size_t n = 1;

	while (spent < 0.15) {
		double start = now_s(), took;

		for (size_t i = 0; i < n; i++)
			job(k, d, arg);
		took = now_s() - start;
		spent += took;
		if (took < 0.002)
			n *= 2;
		else
			best = fmin(best, took / (double)n);
	}
	return 1e9 * best;
}

static void matmul(const struct wm_kernels *k, struct data *d, size_t m)
{
	k->matmul(d->y, N, d->x, K, d->w, m, K, N);
}

static void sgemm(const struct wm_kernels *k, struct data *d, size_t m)
{
	(void)k;
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, N, K, 1, d->x, K, d->w, N, 1, d->y, N);
}

static void affine(const struct wm_kernels *k, struct data *d, size_t m)
{
	k->affine(d->out, N, &d->fixed, d->sums, N, d->q, K, m);
}

static void lstm(const struct wm_kernels *k, struct data *d, size_t units)
{
	k->lstm(d->q, d->cells, d->sums, units);
}

static void add_fixed(const struct wm_kernels *k, struct data *d, size_t n)
{
	k->add_fixed(d->sums, d->fixed_rows, n, N);
}

static void add_rows(const struct wm_kernels *k, struct data *d, size_t n)
{
	k->add_rows(d->y, d->rows, n, N);
}

static void sample(const struct wm_kernels *k, struct data *d, size_t n)
{
	struct wm_draw draws[DRAWS];
	uint32_t drawn[DRAWS];
	static uint32_t random;

	for (size_t i = 0; i < DRAWS; i++)
		draws[i] = (struct wm_draw){.rows = {d->scores}, .n = (uint32_t)n, .random = random += 0x9E3779B9u};
	k->sample(drawn, draws, DRAWS, 1);
	d->y[0] = (float)drawn[0];
}

// 256 flows take one step: five embedding rows, recurrence, cell, output layer of 64 classes, draw.
static void model_step(const struct wm_kernels *k, struct data *d, size_t m)
{
	struct wm_fixed head = d->fixed;

	head.n = UNITS;
	for (size_t r = 0; r < m; r++)
		k->add_fixed(d->sums + r * N, d->fixed_rows, 5, N);
	k->affine(d->out, N, &d->fixed, d->sums, N, d->q, K, m);
	for (size_t r = 0; r < m; r++)
		k->lstm(d->q + r * UNITS, d->cells, d->out + r * N, UNITS);
	k->affine(d->out, UNITS, &head, NULL, 0, d->q, K, m);
	for (size_t r = 0; r < m; r += DRAWS) {
		struct wm_draw draws[DRAWS];
		uint32_t drawn[DRAWS];

		for (size_t i = 0; i < DRAWS; i++)
			draws[i] = (struct wm_draw){.rows = {d->out + (r + i) * UNITS},
				.n = UNITS,
				.random = (uint32_t)((r + i) * 0x9E3779B9u)};
		k->sample(drawn, draws, DRAWS, 1);
		d->scores[0] = (int16_t)drawn[0];
	}
}

static void bench_table(const struct wm_kernels *k, struct data *d)
{
	static const size_t ms[] = {1, 2, 4, 8, 32, 256};

	printf("%s\n  matmul k=64 n=256, GFLOP/s:", k->name);
	for (size_t i = 0; i < sizeof(ms) / sizeof(*ms); i++)
		printf("  m=%zu %.1f", ms[i], 2.0 * K * N * (double)ms[i] / fastest_ns(matmul, k, d, ms[i]));
	printf("\n  affine k=64 n=256, Gop/s:");
	for (size_t i = 0; i < sizeof(ms) / sizeof(*ms); i++)
		printf("  m=%zu %.1f", ms[i], 2.0 * K * N * (double)ms[i] / fastest_ns(affine, k, d, ms[i]));
	printf("\n  lstm, 64 units: %.1f M/s", 1e3 / fastest_ns(lstm, k, d, UNITS));
	printf("   add_rows, 5 of 256: %.1f M/s", 1e3 / fastest_ns(add_rows, k, d, 5));
	printf("   add_fixed: %.1f M/s\n  sample, M/s:", 1e3 / fastest_ns(add_fixed, k, d, 5));
	for (size_t n = 64; n <= 256; n *= 2)
		printf("  n=%zu %.1f", n, 1e3 * DRAWS / fastest_ns(sample, k, d, n));
	printf("\n  whole step of 256 flows, 64 units, 64 classes: %.2f M steps/s\n",
		1e3 * M / fastest_ns(model_step, k, d, M));
}

static void bench_blas(struct data *d)
{
	static const size_t ms[] = {1, 2, 4, 8, 32, 256};

	wm_blas_single_thread();
	printf("OpenBLAS (%s)\n  sgemm  k=64 n=256, GFLOP/s:", wm_blas_core());
	for (size_t i = 0; i < sizeof(ms) / sizeof(*ms); i++)
		printf("  m=%zu %.1f", ms[i], 2.0 * K * N * (double)ms[i] / fastest_ns(sgemm, NULL, d, ms[i]));
	printf("\n");
}

static void softmax_nll(const struct wm_kernels *k, struct data *d, size_t n)
{
	int32_t target = 5;

	(void)k;
	d->h[0] = (float)wm_softmax_nll(d->y, d->logits, n, &target, 1, n, 1);
}

static void adam(const struct wm_kernels *k, struct data *d, size_t n)
{
	const struct wm_adam o = {.lr = 1e-9f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f};

	(void)k;
	wm_adam_step(&o, d->y, d->x, d->y + 2 * n, d->y + 3 * n, n, 10);
}

// A chunk of training: forward, backward. The matrix products alone are 24 H^2 operations a step and lane.
static void bench_training(size_t units, size_t lanes)
{
	enum { STEPS = 64, IDX = 5, ROWS = 100 };
	const struct wm_lstm l = {.units = units, .n_idx = IDX};
	const size_t n_emb = ROWS * 4 * units, n_u = 4 * units * units, n_param = n_emb + n_u + 4 * units;
	const size_t n_out = STEPS * lanes * units, n_state = lanes * units;
	float *p = calloc(2 * n_param + 2 * n_out + 2 * n_state + wm_lstm_work(&l, STEPS, lanes), sizeof(*p));
	int32_t *idx = calloc(STEPS * lanes * IDX, sizeof(*idx));
	uint8_t *reset = calloc(STEPS * lanes, 1);
	float *g = p + n_param, *hout = g + n_param, *dhout = hout + n_out, *h = dhout + n_out, *c = h + n_state;
	double best = (double)INFINITY;

	if (p == NULL || idx == NULL || reset == NULL)
		abort();
	fill(p, n_param, 0.2f, 1);
	for (size_t i = 0; i < STEPS * lanes * IDX; i++)
		idx[i] = (int32_t)(i * 7 % ROWS);
	for (int round = 0; round < 20; round++) {
		double start = now_s();

		wm_lstm_forward(&l, hout, h, c, p, p + n_emb, p + n_emb + n_u, idx, reset, STEPS, lanes, c + n_state);
		memcpy(dhout, hout, n_out * sizeof(*hout));
		wm_lstm_backward(&l, g, g + n_emb, g + n_emb + n_u, dhout, hout, p + n_emb, idx, reset, STEPS, lanes,
			c + n_state);
		best = fmin(best, now_s() - start);
	}
	printf("  H=%zu B=%zu: %.1f GFLOP/s, %.2f M lane-steps/s\n", units, lanes,
		24e-9 * (double)(units * units * STEPS * lanes) / best, 1e-6 * (double)(STEPS * lanes) / best);
	free(p);
	free(idx);
	free(reset);
}

int main(void)
{
	const struct wm_kernels *const *all;
	struct data *d = aligned_alloc(64, (sizeof(*d) + 63) / 64 * 64);

	if (d == NULL)
		return 1;
	fill(d->x, M * K, 1, 1);
	fill(d->w, K * N, 0.1f, 2);
	fill(d->y, M * N, 1, 3);
	fill(d->gates, 4 * UNITS, 3, 4);
	fill(d->c, UNITS, 1, 5);
	fill(d->logits, 1024, 3, 6);
	if (wm_fixed_create(&d->fixed, d->w, d->y, K, N, 10, WM_GATE_BITS) < 0)
		return 1;
	for (size_t i = 0; i < M * K; i++)
		d->q[i] = (uint8_t)(WM_STATE_ZERO + (int)(d->x[i] * WM_STATE_ONE));
	for (size_t i = 0; i < M * N; i += N)
		wm_fixed_round(d->sums + i, d->y, N, d->fixed.b_bits);
	wm_fixed_round(d->scores, d->logits, 1024, WM_LOGIT_BITS);
	for (size_t r = 0; r < 6; r++) {
		d->rows[r] = d->w + r * N;
		d->fixed_rows[r] = d->sums + r * N;
	}
	for (size_t t = wm_kernels_all(&all); t-- > 0;)
		bench_table(all[t], d);
	bench_blas(d);
	printf("LSTM training, forward and backward, kernels %s\n", wm_kernels_best()->name);
	printf("  softmax_nll, 64 classes: %.1f M rows/s   adam: %.0f M parameters/s\n",
		1e3 / fastest_ns(softmax_nll, NULL, d, 64), 1e3 * 8192 / fastest_ns(adam, NULL, d, 8192));
	bench_training(64, 8);
	bench_training(64, 32);
	bench_training(128, 32);
	wm_fixed_free(&d->fixed);
	free(d);
	return 0;
}
