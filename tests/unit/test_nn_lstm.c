// SPDX-License-Identifier: BSD-3-Clause
// The LSTM against a re-implementation in double precision, and its gradient against central differences of that.
#include <base/philox.h>
#include <nn/lstm.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { H = 16, W = 4 * H, T = 6, B = 3, IDX = 3, ROWS = 7, N_PARAM = ROWS * W + H * W + W };

// Parameters, examples and the weights of a loss sum(coef * h).
struct setup {
	float param[N_PARAM]; // emb (ROWS, W), u (H, W), bias (W)
	float h0[B * H];
	float c0[B * H];
	float coef[T * B * H];
	int32_t idx[T * B * IDX];
	uint8_t reset[T * B];
};

static void fill(float *v, size_t n, float scale, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, 12, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = scale * (2 * wm_rng_f32(&rng) - 1);
}

static void prepare(struct setup *s)
{
	struct wm_rng rng;

	fill(s->param, N_PARAM, 0.7f, 1);
	fill(s->h0, B * H, 0.8f, 2);
	fill(s->c0, B * H, 1.5f, 3);
	fill(s->coef, T * B * H, 1, 4);
	wm_rng_init(&rng, 12, WM_STREAM_TEST, 5);
	for (size_t i = 0; i < T * B * IDX; i++)
		s->idx[i] = (int32_t)wm_rng_below(&rng, ROWS + 1) - 1;
	s->idx[0] = s->idx[1] = 4; // a row twice in one step
	for (size_t i = 0; i < IDX; i++)
		s->idx[4 * IDX + i] = -1; // a step without input
	memset(s->reset, 0, sizeof(s->reset));
	s->reset[0 * B + 1] = 1; // at the chunk's beginning
	s->reset[3 * B + 0] = 1; // within
	s->reset[5 * B + 1] = 1; // at its last step
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static void true_step(const double *param, const int32_t *idx, double *h, double *c)
{
	const double *u = param + ROWS * W, *bias = u + H * W;
	double z[W];

	for (size_t j = 0; j < W; j++) {
		z[j] = bias[j];
		for (size_t i = 0; i < IDX; i++)
			z[j] += idx[i] < 0 ? 0 : param[(size_t)idx[i] * W + j];
		for (size_t i = 0; i < H; i++)
			z[j] += h[i] * u[i * W + j];
	}
	for (size_t j = 0; j < H; j++) {
		c[j] = sigmoid(z[H + j]) * c[j] + sigmoid(z[j]) * tanh(z[2 * H + j]);
		h[j] = sigmoid(z[3 * H + j]) * tanh(c[j]);
	}
}

// The loss; hout (T, B, H) may be NULL.
static double true_loss(const struct setup *s, const double *param, double *hout)
{
	double loss = 0;

	for (size_t b = 0; b < B; b++) {
		double h[H], c[H];

		for (size_t j = 0; j < H; j++) {
			h[j] = (double)s->h0[b * H + j];
			c[j] = (double)s->c0[b * H + j];
		}
		for (size_t t = 0; t < T; t++) {
			const size_t at = t * B + b;

			if (s->reset[at]) {
				memset(h, 0, sizeof(h));
				memset(c, 0, sizeof(c));
			}
			true_step(param, s->idx + at * IDX, h, c);
			for (size_t j = 0; j < H; j++)
				loss += (double)s->coef[at * H + j] * h[j];
			if (hout != NULL)
				memcpy(hout + at * H, h, sizeof(h));
		}
	}
	return loss;
}

static float *work_space(const struct wm_lstm *l, size_t steps, size_t lanes)
{
	size_t n = wm_lstm_work(l, steps, lanes);
	float *work = malloc(n * sizeof(*work)); // exact, so that a sanitizer sees the first float too many

	assert_non_null(work);
	memset(work, 0xff, n * sizeof(*work)); // NaN: nothing may be read before it is written
	return work;
}

static void lstm_forward_matches_double_precision(void **state)
{
	const struct wm_lstm l = {.units = H, .n_idx = IDX};
	struct setup s;
	double param[N_PARAM], want[T * B * H];
	float hout[T * B * H], *work = work_space(&l, T, B);

	(void)state;
	prepare(&s);
	for (size_t i = 0; i < N_PARAM; i++)
		param[i] = (double)s.param[i];
	true_loss(&s, param, want);
	wm_lstm_forward(&l, hout, s.h0, s.c0, s.param, s.param + ROWS * W, s.param + (ROWS + H) * W, s.idx, s.reset, T,
		B, work);
	for (size_t i = 0; i < T * B * H; i++)
		assert_true(fabs((double)hout[i] - want[i]) < 2e-6);
	assert_memory_equal(s.h0, hout + (T - 1) * B * H, sizeof(s.h0));
	free(work);
}

static void lstm_gradient_matches_central_differences(void **state)
{
	const struct wm_lstm l = {.units = H, .n_idx = IDX};
	const double eps = 1e-5;
	struct setup s, moved;
	double param[N_PARAM];
	float g[N_PARAM], hout[T * B * H], *work = work_space(&l, T, B);

	(void)state;
	prepare(&s);
	moved = s;
	for (size_t i = 0; i < N_PARAM; i++) {
		param[i] = (double)s.param[i];
		g[i] = 0.5f; // gradients accumulate
	}
	wm_lstm_forward(&l, hout, moved.h0, moved.c0, s.param, s.param + ROWS * W, s.param + (ROWS + H) * W, s.idx,
		s.reset, T, B, work);
	wm_lstm_backward(&l, g, g + ROWS * W, g + (ROWS + H) * W, moved.coef, hout, s.param + ROWS * W, s.idx, s.reset,
		T, B, work);
	for (size_t i = 0; i < N_PARAM; i++) {
		double at = param[i], slope;

		param[i] = at + eps;
		slope = true_loss(&s, param, NULL);
		param[i] = at - eps;
		slope = (slope - true_loss(&s, param, NULL)) / (2 * eps);
		param[i] = at;
		if (fabs((double)g[i] - 0.5 - slope) > 1e-5) {
			print_error("parameter %zu: gradient %.9g, want %.9g\n", i, (double)g[i] - 0.5, slope);
			fail();
		}
	}
	free(work);
}

static void lstm_state_carries_from_chunk_to_chunk(void **state)
{
	const struct wm_lstm l = {.units = H, .n_idx = IDX};
	struct setup whole, parts;
	float one[T * B * H], two[T * B * H], *work = work_space(&l, T, B);
	const float *emb = whole.param, *u = emb + ROWS * W, *bias = u + H * W;
	enum { FIRST = 2 };

	(void)state;
	prepare(&whole);
	parts = whole;
	wm_lstm_forward(&l, one, whole.h0, whole.c0, emb, u, bias, whole.idx, whole.reset, T, B, work);
	wm_lstm_forward(&l, two, parts.h0, parts.c0, emb, u, bias, parts.idx, parts.reset, FIRST, B, work);
	wm_lstm_forward(&l, two + FIRST * B * H, parts.h0, parts.c0, emb, u, bias, parts.idx + FIRST * B * IDX,
		parts.reset + FIRST * B, T - FIRST, B, work);
	assert_memory_equal(one, two, sizeof(one));
	assert_memory_equal(whole.h0, parts.h0, sizeof(whole.h0));
	assert_memory_equal(whole.c0, parts.c0, sizeof(whole.c0));
	free(work);
}

static void lstm_does_not_look_across_a_reset(void **state)
{
	const struct wm_lstm l = {.units = H, .n_idx = IDX};
	struct setup a, b;
	float one[T * B * H], two[T * B * H], *work = work_space(&l, T, B);
	const float *emb = a.param, *u = emb + ROWS * W, *bias = u + H * W;

	(void)state;
	prepare(&a);
	memset(a.reset, 1, B); // the whole batch starts anew
	b = a;
	for (size_t i = 0; i < B * H; i++)
		b.h0[i] = b.c0[i] = NAN;
	wm_lstm_forward(&l, one, a.h0, a.c0, emb, u, bias, a.idx, a.reset, T, B, work);
	wm_lstm_forward(&l, two, b.h0, b.c0, emb, u, bias, b.idx, b.reset, T, B, work);
	assert_memory_equal(one, two, sizeof(one));
	free(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lstm_forward_matches_double_precision),
		cmocka_unit_test(lstm_gradient_matches_central_differences),
		cmocka_unit_test(lstm_state_carries_from_chunk_to_chunk),
		cmocka_unit_test(lstm_does_not_look_across_a_reset),
	};

	return cmocka_run_group_tests_name("nn_lstm", tests, NULL, NULL);
}
