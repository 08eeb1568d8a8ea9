// SPDX-License-Identifier: BSD-3-Clause
// The layers compute in float; each is held to a re-implementation in double precision here, and its gradient to
// central differences of that.
#include <base/philox.h>
#include <nn/act.h>
#include <nn/adam.h>
#include <nn/blas.h>
#include <nn/dense.h>
#include <nn/loss.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(float *v, size_t n, float scale, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, 11, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = scale * (2 * wm_rng_f32(&rng) - 1);
}

static void assert_near(const char *what, size_t i, double got, double want, double bound)
{
	if (!(fabs(got - want) <= bound)) {
		print_error("%s[%zu] = %.9g, want %.9g +- %.1g\n", what, i, got, want, bound);
		fail();
	}
}

static void dense_forward_and_backward_match_the_sums(void **state)
{
	enum { M = 5, K = 7, N = 19 };
	float x[M * K], w[K * N], b[N], y[M * N], dy[M * N], dx[M * K], gw[K * N], gb[N], was_gw[K * N], was_gb[N];

	(void)state;
	fill(x, M * K, 1, 1);
	fill(w, K * N, 1, 2);
	fill(b, N, 1, 3);
	fill(dy, M * N, 1, 4);
	fill(gw, K * N, 1, 5);
	fill(gb, N, 1, 6);
	fill(dx, M * K, 1e9f, 7); // must not be read
	wm_dense_forward(y, x, w, b, M, K, N);
	wm_dense_backward(dx, gw, gb, dy, x, w, M, K, N);
	for (size_t r = 0; r < M; r++)
		for (size_t j = 0; j < N; j++) {
			double sum = (double)b[j];

			for (size_t i = 0; i < K; i++)
				sum += (double)x[r * K + i] * (double)w[i * N + j];
			assert_near("y", r * N + j, (double)y[r * N + j], sum, 2e-6);
		}
	for (size_t r = 0; r < M; r++)
		for (size_t i = 0; i < K; i++) {
			double sum = 0;

			for (size_t j = 0; j < N; j++)
				sum += (double)dy[r * N + j] * (double)w[i * N + j];
			assert_near("dx", r * K + i, (double)dx[r * K + i], sum, 4e-6);
		}
	fill(was_gw, K * N, 1, 5);
	fill(was_gb, N, 1, 6);
	for (size_t j = 0; j < N; j++) {
		double sum = 0;

		for (size_t r = 0; r < M; r++)
			sum += (double)dy[r * N + j];
		assert_near("gb", j, (double)gb[j], (double)was_gb[j] + sum, 2e-6);
		for (size_t i = 0; i < K; i++) {
			sum = (double)was_gw[i * N + j];
			for (size_t r = 0; r < M; r++)
				sum += (double)dy[r * N + j] * (double)x[r * K + i];
			assert_near("gw", i * N + j, (double)gw[i * N + j], sum, 2e-6);
		}
	}
	wm_dense_backward(NULL, gw, gb, dy, x, w, M, K, N); // dx is optional
}

static void leaky_relu_passes_and_leaks(void **state)
{
	const float x[4] = {-2, 0, 3, -0.5f}, dy[4] = {1, 10, 100, 1000};
	float y[4], dx[4] = {1, 10, 100, 1000};

	(void)state;
	wm_lrelu_forward(y, x, 4, 0.1f);
	assert_true(y[0] == -2 * 0.1f && y[1] == 0 && y[2] == 3 && y[3] == -0.5f * 0.1f);
	wm_lrelu_backward(dx, dx, x, 4, 0.1f);
	assert_true(dx[0] == 0.1f && dx[1] == 10 * 0.1f && dx[2] == 100 && dx[3] == 1000 * 0.1f);
	wm_lrelu_backward(dx, dy, y, 4, 0.1f); // y has the sign of x
	assert_true(dx[0] == 0.1f && dx[2] == 100);
}

static double nll_of_row(const double *l, size_t n, int32_t target)
{
	double max = l[0], sum = 0;

	for (size_t j = 1; j < n; j++)
		max = fmax(max, l[j]);
	for (size_t j = 0; j < n; j++)
		sum += exp(l[j] - max);
	return log(sum) + max - l[target];
}

static void softmax_nll_and_its_gradient_match_central_differences(void **state)
{
	enum { M = 6, N = 37, LD = 48 };
	const int32_t target[M] = {0, 36, -1, 17, 5, -1};
	const float scale = 0.25f;
	float logits[M * LD], d[M * LD];
	double want = 0, got;

	(void)state;
	fill(logits, M * LD, 6, 1);
	memcpy(d, logits, sizeof(d));
	got = wm_softmax_nll(d, d, LD, target, M, N, scale); // in place
	for (size_t r = 0; r < M; r++) {
		double l[N];

		for (size_t j = 0; j < N; j++)
			l[j] = (double)logits[r * LD + j];
		want += target[r] < 0 ? 0 : nll_of_row(l, N, target[r]);
		for (size_t j = 0; j < N; j++) {
			const double eps = 1e-5, at = l[j];
			double slope = 0;

			if (target[r] >= 0) {
				l[j] = at + eps;
				slope = nll_of_row(l, N, target[r]);
				l[j] = at - eps;
				slope = (slope - nll_of_row(l, N, target[r])) / (2 * eps);
				l[j] = at;
			}
			assert_near("dlogits", r * LD + j, (double)d[r * LD + j], (double)scale * slope, 1e-7);
		}
		for (size_t j = N; j < LD; j++)
			assert_true(d[r * LD + j] == logits[r * LD + j]); // beyond n nothing changes
	}
	assert_near("nll", 0, got, want, 1e-5);
}

static void softmax_nll_is_finite_for_far_logits(void **state)
{
	const float logits[4] = {1e4f, -1e4f, -INFINITY, -INFINITY};
	const int32_t target = 1;
	float d[4];
	double nll = wm_softmax_nll(d, logits, 4, &target, 1, 4, 1);

	(void)state;
	assert_near("nll", 0, nll, 2e4, 1e-9);
	assert_true(d[0] == 1 && d[1] == -1 && d[2] >= 0 && d[2] < 1e-30f);
	for (size_t j = 0; j < 7; j++) { // wherever the largest stands
		float l[7] = {0};

		l[j] = 1e3f;
		assert_near("nll", j, wm_softmax_nll(l, l, 7, &target, 1, 7, 1), j == 1 ? 0 : 1e3, 1e-9);
	}
}

static void gauss_kl_and_its_gradient_match_the_formula(void **state)
{
	enum { N = 131 };
	float mu[N], lv[N], dmu[N], dlv[N];
	double want = 0, got;

	(void)state;
	fill(mu, N, 3, 1);
	fill(lv, N, 4, 2);
	for (size_t i = 0; i < N; i++)
		dmu[i] = dlv[i] = 1;
	got = wm_gauss_kl(dmu, dlv, mu, lv, N, 0.5f);
	for (size_t i = 0; i < N; i++) {
		double m = (double)mu[i], v = (double)lv[i];

		want += 0.5 * (m * m + exp(v) - 1 - v);
		assert_near("dmu", i, (double)dmu[i], 1 + 0.5 * m, 3e-7);
		assert_near("dlv", i, (double)dlv[i], 1 + 0.25 * (exp(v) - 1), 3e-6);
	}
	assert_near("kl", 0, got, want, 1e-4);
	assert_true(wm_gauss_kl(dmu, dlv, mu, lv, 0, 1) == 0);
}

static void adam_takes_the_published_steps(void **state)
{
	enum { N = 21, STEPS = 50 };
	const struct wm_adam o = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .weight_decay = 0.1f};
	const double b1 = (double)o.beta1, b2 = (double)o.beta2;
	float w[N], g[N], m[N] = {0}, v[N] = {0};
	double wd[N], md[N] = {0}, vd[N] = {0};

	(void)state;
	fill(w, N, 1, 1);
	for (size_t i = 0; i < N; i++)
		wd[i] = (double)w[i];
	for (uint64_t s = 1; s <= STEPS; s++) {
		fill(g, N, 1, 1 + s);
		g[0] = 0; // no gradient: only decay
		wm_adam_step(&o, w, g, m, v, N, s);
		for (size_t i = 0; i < N; i++) {
			double gd = (double)g[i];

			md[i] = b1 * md[i] + (1 - b1) * gd;
			vd[i] = b2 * vd[i] + (1 - b2) * gd * gd;
			wd[i] -= (double)o.lr
				 * (md[i] / (1 - pow(b1, (double)s))
						 / (sqrt(vd[i] / (1 - pow(b2, (double)s))) + (double)o.eps)
					 + (double)o.weight_decay * wd[i]);
			assert_near("w", i, (double)w[i], wd[i], 1e-5);
		}
	}
}

static void clip_norm_shortens_only_what_is_too_long(void **state)
{
	float g[7] = {3, 0, 0, 0, 0, 0, 4};

	(void)state;
	assert_true(wm_clip_norm(g, 7, 5) == 5);
	assert_true(g[0] == 3 && g[6] == 4);
	assert_true(wm_clip_norm(g, 7, 1) == 5);
	assert_near("g", 0, (double)g[0], 0.6, 1e-7);
	assert_near("g", 6, (double)g[6], 0.8, 1e-7);
	g[3] = NAN;
	assert_true(isnan(wm_clip_norm(g, 7, 1)));
}

struct gemm_job {
	float *out;
	unsigned rounds;
};

enum { JOB_M = 64, JOB_K = 96, JOB_N = 160 };

static void *gemm_job(void *arg)
{
	struct gemm_job *job = arg;
	float *x = malloc(JOB_M * JOB_K * sizeof(*x)), *w = malloc(JOB_K * JOB_N * sizeof(*w)), b[JOB_N] = {0};

	if (x == NULL || w == NULL)
		abort();
	fill(x, JOB_M * JOB_K, 1, 1);
	fill(w, JOB_K * JOB_N, 1, 2);
	for (unsigned i = 0; i < job->rounds; i++)
		wm_dense_forward(job->out, x, w, b, JOB_M, JOB_K, JOB_N);
	free(x);
	free(w);
	return NULL;
}

static void threads_that_call_blas_at_once_do_not_disturb_each_other(void **state)
{
	static float alone[JOB_M * JOB_N], out[4][JOB_M * JOB_N];
	struct gemm_job job = {alone, 1};
	struct gemm_job jobs[4];
	pthread_t threads[4];

	(void)state;
	wm_blas_single_thread();
	assert_true(strlen(wm_blas_core()) > 0);
	gemm_job(&job);
	for (int round = 0; round < 20; round++) {
		for (size_t t = 0; t < 4; t++) {
			jobs[t] = (struct gemm_job){out[t], 50};
			assert_int_equal(pthread_create(&threads[t], NULL, gemm_job, &jobs[t]), 0);
		}
		for (size_t t = 0; t < 4; t++) {
			assert_int_equal(pthread_join(threads[t], NULL), 0);
			assert_memory_equal(out[t], alone, sizeof(alone));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dense_forward_and_backward_match_the_sums),
		cmocka_unit_test(leaky_relu_passes_and_leaks),
		cmocka_unit_test(softmax_nll_and_its_gradient_match_central_differences),
		cmocka_unit_test(softmax_nll_is_finite_for_far_logits),
		cmocka_unit_test(gauss_kl_and_its_gradient_match_the_formula),
		cmocka_unit_test(adam_takes_the_published_steps),
		cmocka_unit_test(clip_norm_shortens_only_what_is_too_long),
		cmocka_unit_test(threads_that_call_blas_at_once_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests_name("nn", tests, NULL, NULL);
}
