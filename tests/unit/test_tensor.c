// SPDX-License-Identifier: BSD-3-Clause
#include <base/philox.h>
#include <tensor/curves.h>
#include <tensor/fixed.h>
#include <tensor/tensor.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Each test that compares runs every table of this CPU by name: through the selector, a broken one would hide behind
// another.
static size_t tables(const struct wm_kernels *const **all)
{
	size_t n = wm_kernels_all(all);

	assert_true(n >= 1);
	assert_ptr_equal((*all)[0], &wm_kernels_scalar);
	return n;
}

static float *numbers(size_t n)
{
	float *v = aligned_alloc(64, wm_pad(n + 1) * sizeof(*v));

	assert_non_null(v);
	return v;
}

static void fill(float *v, size_t n, float scale, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, 7, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = scale * (2 * wm_rng_f32(&rng) - 1);
}

// Bit patterns of all kinds but infinities and NaN.
static void fill_wild(float *v, size_t n, uint64_t id)
{
	struct wm_rng rng;

	wm_rng_init(&rng, 8, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		do {
			uint32_t bits = wm_rng_u32(&rng);

			memcpy(&v[i], &bits, sizeof(bits));
		} while (!isfinite(v[i]));
}

static void assert_same_bits(const char *table, const char *what, const float *a, const float *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&a[i], &b[i], sizeof(*a)) != 0) {
			print_error(
				"%s %s: [%zu] of %zu: %a, scalar %a\n", table, what, i, n, (double)a[i], (double)b[i]);
			fail();
		}
}

static void check_matmul(const struct wm_kernels *k, size_t m, size_t depth, size_t n, size_t gap)
{
	const size_t ldx = depth + gap, ldy = n + WM_LANES * gap;
	float *x = numbers(m * ldx), *w = numbers(depth * n), *y = numbers(m * ldy), *want = numbers(m * ldy);
	char what[64];

	fill(x, m * ldx, 1, m);
	fill(w, depth * n, 1, n);
	fill(y, m * ldy, 1, depth);
	memcpy(want, y, m * ldy * sizeof(*y));
	wm_kernels_scalar.matmul(want, ldy, x, ldx, w, m, depth, n);
	k->matmul(y, ldy, x, ldx, w, m, depth, n);
	snprintf(what, sizeof(what), "matmul %zux%zux%zu", m, depth, n);
	assert_same_bits(k->name, what, y, want, m * ldy); // the gap between rows too: it must stay
	free(x);
	free(w);
	free(y);
	free(want);
}

static void matmul_gives_the_scalar_bits_for_all_shapes(void **state)
{
	static const size_t depths[] = {0, 1, 2, 5, 16, 63, 64, 65, 130, 257};
	const struct wm_kernels *const *all;
	size_t n_tables = tables(&all);

	(void)state;
	for (size_t t = 1; t < n_tables; t++) {
		for (size_t n = WM_LANES; n <= 9 * WM_LANES; n += WM_LANES)
			for (size_t m = 0; m <= 20; m++)
				check_matmul(all[t], m, depths[(m + n) % 10], n, m % 3);
		for (size_t d = 0; d < 10; d++)
			check_matmul(all[t], 50 + d, depths[d], 192, 1);
		check_matmul(all[t], 256, 64, 256, 0);
	}
}

static void matmul_is_the_chain_that_the_header_states(void **state)
{
	// 1 + 2^-24 rounds to 1; that 2^-24 survives a fused step only where the product is added unrounded.
	const float x[2] = {1 + 0x1p-12f, -1};
	float w[2 * WM_LANES], y[WM_LANES] = {0};

	(void)state;
	for (size_t j = 0; j < WM_LANES; j++) {
		w[j] = 1 + 0x1p-12f;
		w[WM_LANES + j] = 1 + 0x1p-11f;
		y[j] = 0;
	}
	wm_kernels_scalar.matmul(y, WM_LANES, x, 2, w, 1, 1, WM_LANES);
	assert_true(y[0] == 1 + 0x1p-11f);
	y[0] = -1 - 0x1p-11f;
	wm_kernels_scalar.matmul(y, WM_LANES, x, 2, w, 1, 1, WM_LANES);
	assert_true(y[0] == 0x1p-24f);
	y[0] = 0;
	wm_kernels_scalar.matmul(y, WM_LANES, x, 2, w, 1, 2, WM_LANES);
	assert_true(y[0] == 0); // rounded after the first step
}

static void a_row_gives_the_same_bits_wherever_it_stands_in_a_batch(void **state)
{
	enum { K = 64, N = 256, M = 40 };
	const struct wm_kernels *const *all;
	float *x = numbers(M * K), *w = numbers(K * N), *y = numbers(M * N), *alone = numbers(N);

	(void)state;
	fill(w, K * N, 0.3f, 1);
	for (size_t t = 0, n = tables(&all); t < n; t++)
		for (size_t m = 1; m <= M; m += 3) {
			fill(x, M * K, 2, m);
			for (size_t r = 1; r < m; r++)
				memcpy(x + r * K, x, K * sizeof(*x));
			memset(y, 0, M * N * sizeof(*y));
			memset(alone, 0, N * sizeof(*y));
			all[t]->matmul(alone, N, x, K, w, 1, K, N);
			all[t]->matmul(y, N, x, K, w, m, K, N);
			for (size_t r = 0; r < m; r++)
				assert_same_bits(all[t]->name, "row", y + r * N, alone, N);
		}
	free(x);
	free(w);
	free(y);
	free(alone);
}

static void add_rows_gives_the_scalar_bits(void **state)
{
	enum { ROWS = 9, N = 320 };
	const struct wm_kernels *const *all;
	const float *rows[ROWS];
	float *data = numbers(ROWS * N), *y = numbers(N), *want = numbers(N);

	(void)state;
	fill(data, ROWS * N, 3, 0);
	for (size_t r = 0; r < ROWS; r++)
		rows[r] = data + (r * 5 % ROWS) * N;
	for (size_t t = 1, n_tables = tables(&all); t < n_tables; t++)
		for (size_t n = WM_LANES; n <= N; n += WM_LANES)
			for (size_t r = 1; r <= ROWS; r++) {
				wm_kernels_scalar.add_rows(want, rows, r, n);
				all[t]->add_rows(y, rows, r, n);
				assert_same_bits(all[t]->name, "add_rows", y, want, n);
			}
	for (size_t j = 0; j < N; j++)
		assert_true(want[j]
			    == ((((((((rows[0][j] + rows[1][j]) + rows[2][j]) + rows[3][j]) + rows[4][j]) + rows[5][j])
					 + rows[6][j])
					+ rows[7][j])
				    + rows[8][j]));
	free(data);
	free(y);
	free(want);
}

static int16_t *integers(size_t n, int most, uint64_t id)
{
	int16_t *v = aligned_alloc(64, wm_pad(n + 1) * sizeof(float));
	struct wm_rng rng;

	assert_non_null(v);
	wm_rng_init(&rng, 9, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = (int16_t)((int)wm_rng_below(&rng, 2 * (uint32_t)most + 1) - most);
	return v;
}

static uint8_t *states(size_t n, uint64_t id)
{
	uint8_t *v = aligned_alloc(64, (n + 64) / 64 * 64);
	struct wm_rng rng;

	assert_non_null(v);
	wm_rng_init(&rng, 10, WM_STREAM_TEST, id);
	for (size_t i = 0; i < n; i++)
		v[i] = (uint8_t)(WM_STATE_ZERO - WM_STATE_ONE + (int)wm_rng_below(&rng, 2 * WM_STATE_ONE + 1));
	return v;
}

static void check_affine(const struct wm_kernels *k, size_t m, size_t depth, size_t n, size_t gap, float scale)
{
	const size_t ldx = depth + 4 * gap, ldy = n + WM_WIDE * gap, ldb = n;
	int16_t *y = integers(m * ldy, INT16_MAX, 1), *want = integers(m * ldy, INT16_MAX, 1),
		*b = integers((m + 1) * n, INT16_MAX - 16, n), *added = gap == 2 ? NULL : b;
	float *w = numbers(depth * n), *bias = numbers(n);
	uint8_t *x = states(m * ldx, m);
	struct wm_fixed f;

	fill(w, depth * n, scale, n);
	fill(bias, n, 10 * scale, n + 1);
	for (size_t i = 0; i < depth; i++) // a column of zeros
		w[i * n + 1] = 0;
	assert_int_equal(wm_fixed_create(&f, w, bias, depth, n, fmin((double)scale, 1000), (int)(9 + m % 4)), 0);
	wm_kernels_scalar.affine(want, ldy, &f, added, ldb, x, ldx, m);
	k->affine(y, ldy, &f, added, ldb, x, ldx, m);
	if (memcmp(y, want, m * ldy * sizeof(*y)) != 0) // the gap between rows too: it must stay
		fail_msg("%s: affine %zux%zux%zu", k->name, m, depth, n);
	wm_fixed_free(&f);
	free(x);
	free(b);
	free(y);
	free(want);
	free(w);
	free(bias);
}

static void affine_gives_the_scalar_bits_for_all_shapes(void **state)
{
	static const size_t depths[] = {0, 4, 8, 16, 60, 64, 68, 132, 1024};
	const struct wm_kernels *const *all;
	size_t n_tables = tables(&all);

	(void)state;
	for (size_t t = 1; t < n_tables; t++) {
		for (size_t n = WM_WIDE; n <= 6 * WM_WIDE; n += WM_WIDE)
			for (size_t m = 0; m <= 20; m++)
				check_affine(all[t], m, depths[(m + n / WM_WIDE) % 8], n, m % 3, 0.3f);
		for (size_t d = 0; d < 9; d++)
			check_affine(all[t], 50 + d, depths[d], 192, 1, 1);
		check_affine(all[t], 64, 64, 256, 0, 5);
		check_affine(all[t], 64, 64, 256, 0, 1e30f);
		check_affine(all[t], 64, 64, 256, 0, 1e-30f);
	}
}

// The worst case: all states at one end, all weights, the bias and what is added of a sign; in double precision.
static void fixed_point_sums_never_overflow_and_are_near_the_true_ones(void **state)
{
	static const double weights[] = {0, 1e-9, 0.01, 0.4, 3, 100}, rows[] = {0, 1e-9, 0.5, 20, 1000};
	enum { K = 1024, N = WM_WIDE, BITS = 12 };
	static float w[K * N];

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(*weights); i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(*rows); j++)
			for (size_t k = 16; k <= K; k *= 4)
				for (int sign = -1; sign <= 1; sign += 2) {
					const double sum = weights[i] * (double)k, most = sum + 2 * rows[j],
						     exact = fmin(fmax(sign * most, -8), 8 - 0x1p-12);
					const float row = (float)(sign * rows[j]);
					int16_t b[N], y[N];
					float bias[N];
					uint8_t x[K];
					struct wm_fixed f;

					for (size_t n = 0; n < k * N; n++)
						w[n] = (float)weights[i];
					for (size_t n = 0; n < k; n++)
						x[n] = (uint8_t)(WM_STATE_ZERO + sign * WM_STATE_ONE);
					for (size_t n = 0; n < N; n++)
						bias[n] = row;
					assert_int_equal(wm_fixed_create(&f, w, bias, k, N, rows[j], BITS), 0);
					for (size_t n = 0; n < N; n++)
						wm_fixed_round(&b[n], &row, 1, f.b_bits);
					wm_kernels_scalar.affine(y, N, &f, b, N, x, k, 1);
					assert_true(fabs(ldexp(y[0], -BITS) - exact)
						    <= sum * 0x1p-7 + rows[j] * 0x1p-8 + (double)k * 0x1p-15 + 0x1p-12);
					wm_fixed_free(&f);
				}
}

// Half of the last bit that is kept is the most that a number may be off: by the weights, not by the sum.
static void fixed_point_weights_have_seven_bits_of_each_column(void **state)
{
	enum { K = 64, N = 2 * WM_WIDE };
	float w[K * N], bias[N] = {0};
	struct wm_fixed f;

	(void)state;
	fill(w, K * N, 1, 1);
	for (size_t i = 0; i < K; i++)
		for (size_t j = 0; j < N; j++)
			w[i * N + j] *= ldexpf(1, -(int)(j % 9));
	assert_int_equal(wm_fixed_create(&f, w, bias, K, N, 0, WM_LOGIT_BITS), 0);
	for (size_t j = 0; j < N; j++) {
		double most = 0;

		for (size_t i = 0; i < K; i++)
			most = fmax(most, fabs((double)w[i * N + j]));
		for (size_t i = 0; i < K; i++) {
			const double x = ldexp(f.w[(i / 4 * N + j) * 4 + i % 4], -f.down[j] - WM_LOGIT_BITS + 6);

			assert_true(fabs(x * WM_STATE_ONE / 64 - (double)w[i * N + j]) <= most * 0x1p-6);
		}
	}
	wm_fixed_free(&f);
}

static void add_fixed_gives_the_scalar_sums(void **state)
{
	enum { ROWS = 9, N = 320 };
	const struct wm_kernels *const *all;
	int16_t *data = integers(ROWS * N, INT16_MAX / ROWS, 1), y[N], want[N];
	const int16_t *rows[ROWS];

	(void)state;
	for (size_t r = 0; r < ROWS; r++)
		rows[r] = data + (r * 5 % ROWS) * N;
	for (size_t t = 1, n_tables = tables(&all); t < n_tables; t++)
		for (size_t n = 2 * WM_LANES; n <= N; n += 2 * WM_LANES)
			for (size_t r = 1; r <= ROWS; r++) {
				wm_kernels_scalar.add_fixed(want, rows, r, n);
				all[t]->add_fixed(y, rows, r, n);
				assert_memory_equal(y, want, n * sizeof(*y));
			}
	assert_int_equal(want[0], rows[0][0] + rows[1][0] + rows[2][0] + rows[3][0] + rows[4][0] + rows[5][0]
					  + rows[6][0] + rows[7][0] + rows[8][0]);
	free(data);
}

static void check_lstm(const struct wm_kernels *k, const int16_t *gates, const int16_t *cell, size_t units)
{
	uint8_t *h = states(units, 0), *want_h = states(units, 1);
	int16_t c[1024], want_c[1024];

	memcpy(c, cell, units * sizeof(*c));
	memcpy(want_c, cell, units * sizeof(*c));
	wm_kernels_scalar.lstm(want_h, want_c, gates, units);
	k->lstm(h, c, gates, units);
	assert_memory_equal(h, want_h, units);
	assert_memory_equal(c, want_c, units * sizeof(*c));
	free(h);
	free(want_h);
}

// Each number that a gate can be, and cells of all sizes.
static void lstm_gives_the_scalar_bits_for_all_inputs(void **state)
{
	enum { UNITS = 1024 };
	const struct wm_kernels *const *all;

	(void)state;
	for (size_t t = 1, n = tables(&all); t < n; t++) {
		for (uint64_t id = 0; id < 64; id++) {
			int16_t *gates = integers(4 * UNITS, INT16_MAX, id),
				*cell = integers(UNITS, INT16_MAX, id + 64);

			for (int u = 0; u < UNITS; u++)
				gates[id % 4 * UNITS + (size_t)u] = (int16_t)(INT16_MIN + (int)id * UNITS + u);
			for (size_t units = WM_WIDE; units <= UNITS; units += 31 * WM_WIDE)
				check_lstm(all[t], gates, cell, units);
			free(gates);
			free(cell);
		}
	}
}

static void check_lstm_train(const struct wm_kernels *k, const float *gates, const float *cell, size_t units)
{
	float *c = numbers(units), *want_h = numbers(units), *want_c = numbers(units), *out = numbers(units);
	float *a = numbers(4 * units), *want_a = numbers(4 * units), *th = numbers(units), *want_th = numbers(units);

	memcpy(c, cell, units * sizeof(*c));
	memcpy(want_c, cell, units * sizeof(*c));
	memcpy(a, gates, 4 * units * sizeof(*a));
	memcpy(want_a, gates, 4 * units * sizeof(*a));
	wm_kernels_scalar.lstm_train(want_h, want_c, want_a, want_th, units);
	k->lstm_train(out, c, a, th, units);
	assert_same_bits(k->name, "lstm_train h", out, want_h, units);
	assert_same_bits(k->name, "lstm_train c", c, want_c, units);
	assert_same_bits(k->name, "lstm_train gates", a, want_a, 4 * units);
	assert_same_bits(k->name, "lstm_train tanh c", th, want_th, units);
	free(c);
	free(out);
	free(want_h);
	free(want_c);
	free(a);
	free(want_a);
	free(th);
	free(want_th);
}

static void lstm_train_gives_the_scalar_bits_for_all_inputs(void **state)
{
	enum { UNITS = 512 };
	const struct wm_kernels *const *all;
	float *gates = numbers(4 * UNITS), *cell = numbers(UNITS);

	(void)state;
	for (size_t t = 1, n = tables(&all); t < n; t++) {
		for (size_t units = WM_LANES; units <= UNITS; units += 5 * WM_LANES) {
			fill(gates, 4 * units, 10, units);
			fill(cell, units, 4, units + 1);
			check_lstm_train(all[t], gates, cell, units);
		}
		for (uint64_t id = 0; id < 20; id++) {
			fill_wild(gates, 4 * UNITS, id);
			fill_wild(cell, UNITS, id + 100);
			check_lstm_train(all[t], gates, cell, UNITS);
		}
	}
	free(gates);
	free(cell);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

// Against double precision: one rounding is 2^-24 of a value; the fractions have about six of them, each factor at most
// 1.
static void lstm_train_is_near_the_true_step(void **state)
{
	enum { UNITS = 64, STEPS = 2000 };
	float gates[4 * UNITS], c[UNITS], h[UNITS], ct[UNITS], ht[UNITS], th[UNITS];

	(void)state;
	for (uint64_t s = 0; s < STEPS; s++) {
		float scale = s % 2 ? 1.0f : 12.0f;

		fill(gates, 4 * UNITS, scale, s);
		fill(c, UNITS, 2, s + STEPS);
		for (size_t u = 0; u < UNITS; u++) {
			double f = sigmoid((double)gates[UNITS + u]), i = sigmoid((double)gates[u]);
			double sum = f * (double)c[u] + i * tanh((double)gates[2 * UNITS + u]);

			th[u] = (float)sum;
			ct[u] = (float)(sigmoid((double)gates[3 * UNITS + u]) * tanh(sum));
		}
		wm_kernels_scalar.lstm_train(h, c, gates, ht, UNITS);
		for (size_t u = 0; u < UNITS; u++) {
			assert_true(fabsf(c[u] - th[u]) < 4e-7f * fmaxf(1, fabsf(th[u])));
			assert_true(fabsf(h[u] - ct[u]) < 4e-7f);
		}
	}
}

// A gate is within 4.4e-4, tanh within 8.4e-4 and 2^-15 of rounding, a state is rounded to 1/63, a cell to 2^-11.
static void lstm_is_near_the_true_step(void **state)
{
	enum { UNITS = 64, STEPS = 2000 };

	(void)state;
	for (uint64_t s = 0; s < STEPS; s++) {
		int16_t *gates = integers(4 * UNITS, s % 2 ? 4096 : INT16_MAX, s),
			*c = integers(UNITS, 4 << 11, s + STEPS);
		double true_c[UNITS], true_h[UNITS];
		uint8_t h[UNITS];

		for (size_t u = 0; u < UNITS; u++) {
			const double f = sigmoid(gates[UNITS + u] * 0x1p-12), i = sigmoid(gates[u] * 0x1p-12),
				     g = tanh(gates[2 * UNITS + u] * 0x1p-12);

			true_c[u] = f * c[u] * 0x1p-11 + i * g;
			true_h[u] = sigmoid(gates[3 * UNITS + u] * 0x1p-12) * tanh(true_c[u]);
		}
		wm_kernels_scalar.lstm(h, c, gates, UNITS);
		for (size_t u = 0; u < UNITS; u++) {
			const double off = 4.4e-4 * fabs(true_c[u]) + 4.4e-4 + 8.4e-4 + 0x1p-10;

			assert_true(fabs(c[u] * 0x1p-11 - true_c[u]) < 4 * 4.4e-4 + 4.4e-4 + 8.4e-4 + 0x1p-11);
			assert_true(fabs((h[u] - WM_STATE_ZERO) / (double)WM_STATE_ONE - true_h[u])
				    < 0.5 / WM_STATE_ONE + 4.4e-4 + 8.4e-4 + off);
		}
		free(gates);
		free(c);
	}
}

// An open gate forgets nothing, a closed one everything, and no cell comes round from one end to the other.
static void lstm_keeps_and_clears_cells(void **state)
{
	const struct wm_kernels *const *all;

	(void)state;
	for (size_t t = 0, n = tables(&all); t < n; t++) {
		int16_t gates[4 * WM_WIDE], c[WM_WIDE];
		uint8_t h[WM_WIDE];

		for (size_t u = 0; u < WM_WIDE; u++) {
			gates[u] = -32768;                                   // nothing comes in
			gates[WM_WIDE + u] = u % 2 ? INT16_MAX : -INT16_MAX; // kept, cleared
			gates[2 * (size_t)WM_WIDE + u] = gates[3 * (size_t)WM_WIDE + u] = INT16_MAX;
			c[u] = 12345;
		}
		for (int step = 0; step < 1000; step++)
			all[t]->lstm(h, c, gates, WM_WIDE);
		assert_int_equal(c[0], 0);
		assert_int_equal(c[1], 12345);
		assert_int_equal(h[0], WM_STATE_ZERO);
		assert_int_equal(h[1], WM_STATE_ZERO + WM_STATE_ONE);
		for (size_t u = 0; u < WM_WIDE; u++)
			gates[u] = gates[WM_WIDE + u] = INT16_MAX;
		for (int step = 0; step < 1000; step++)
			all[t]->lstm(h, c, gates, WM_WIDE);
		assert_int_equal(c[1], INT16_MAX);
	}
}

static void curves_are_near_the_true_functions(void **state)
{
	(void)state;
	for (int x = INT16_MIN; x <= INT16_MAX; x++) {
		const int piece = x >> 10 & 63, low = x * 64 & 0xffff;
		const struct wm_curve *s = &wm_curve_sigmoid, *t = &wm_curve_tanh;

		assert_true(fabs((s->base[piece] + (low * s->slope[piece] >> 16)) * 0x1p-15 - sigmoid(x * 0x1p-12))
			    < 4.4e-4);
		assert_true(
			fabs((t->base[piece] + (low * t->slope[piece] >> 16)) * 0x1p-15 - tanh(x * 0x1p-13)) < 8.4e-4);
	}
	for (int x = 0; x < 512; x++) {
		const int y = wm_decay_base[x >> 4] - ((x << 12 & 0xffff) * wm_decay_slope[x >> 4] >> 16);

		assert_true(fabs(y / 65534. / exp2(-x * 0x1p-9) - 1) < 6.2e-5);
	}
}

static void exp_is_within_one_ulp_over_its_whole_range(void **state)
{
	double worst = 0;

	(void)state;
	for (uint32_t i = 0; i <= 1750000; i++) {
		float x = -87 + (float)i * 1e-4f, y;
		double true_y = exp((double)x);
		int exponent;

		wm_kernels_scalar.exp(&y, &x, 0, 1);
		frexp(true_y, &exponent);
		worst = fmax(worst, fabs((double)y - true_y) / ldexp(1, exponent - 24));
	}
	if (worst >= 1)
		print_error("%.3f ulp\n", worst);
	assert_true(worst < 1);
}

static void exp_clamps_and_gives_the_scalar_bits_for_all_lengths(void **state)
{
	enum { N = 200 };
	const struct wm_kernels *const *all;
	float x[N], y[N], want[N];
	const float far[2] = {-1e30f, 1e30f};

	(void)state;
	wm_kernels_scalar.exp(y, far, 0, 2);
	assert_true(y[0] > 1.6e-38f && y[0] < 1.7e-38f);
	assert_true(y[1] > 1.65e38f && y[1] < 1.66e38f);
	for (size_t t = 1, n_tables = tables(&all); t < n_tables; t++)
		for (size_t n = 0; n < N; n++) {
			if (n % 2)
				fill(x, N, 80, n);
			else
				fill_wild(x, N, n);
			memset(y, 0, sizeof(y));
			memset(want, 0, sizeof(want));
			wm_kernels_scalar.exp(want, x, 0.5f, n);
			all[t]->exp(y, x, 0.5f, n);
			assert_same_bits(all[t]->name, "exp", y, want, N); // nothing written beyond n
			all[t]->exp(x, x, 0.5f, n);
			assert_same_bits(all[t]->name, "exp in place", x, want, n);
		}
}

// Some draws at once, of different lengths and scales.
static void check_draws(const struct wm_kernels *k, struct wm_rng *rng, size_t n, size_t n_rows)
{
	enum { DRAWS = 40, N = WM_DRAW_N };
	static const int scales[] = {0, 100, 3000, INT16_MAX}; // 0: all alike
	int16_t *l[DRAWS];
	uint32_t may[DRAWS][N / 32], out[DRAWS], want[DRAWS];
	struct wm_draw d[DRAWS];
	const size_t m = 1 + wm_rng_below(rng, DRAWS);

	for (size_t i = 0; i < m; i++) {
		l[i] = integers(3 * N, scales[i % 4], n + i);
		for (size_t j = 0; j < N / 32; j++)
			may[i][j] = wm_rng_u32(rng) & (i % 5 ? UINT32_MAX : 0x01010101);
		d[i] = (struct wm_draw){.rows = {l[i], l[i] + N, l[i] + 2 * N},
			.may = i % 3 ? may[i] : NULL,
			.n = (uint32_t)(i % 7 ? n : N),
			.random = i == 0   ? 0
				  : i == 1 ? UINT32_MAX
					   : wm_rng_u32(rng)};
	}
	wm_kernels_scalar.sample(want, d, m, n_rows);
	k->sample(out, d, m, n_rows);
	assert_memory_equal(out, want, m * sizeof(*out));
	for (size_t i = 0; i < m; i++)
		free(l[i]);
}

static void sample_gives_the_scalar_index_for_all_lengths(void **state)
{
	const struct wm_kernels *const *all;
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 5, WM_STREAM_TEST, 0);
	for (size_t t = 1, n_tables = tables(&all); t < n_tables; t++)
		for (size_t n = 1; n <= WM_DRAW_N; n += n < 130 ? 1 : 149)
			for (size_t r = 1; r <= WM_DRAW_ROWS; r++)
				check_draws(all[t], &rng, n, r);
}

static void sample_draws_in_proportion_to_the_powers_of_two(void **state)
{
	enum { N = 64, CLASSES = 43, DRAWS = 200000 };
	const uint32_t may[N / 32] = {~1u, ~0u}; // not class 0
	const struct wm_kernels *const *all;
	int16_t *l = integers(2 * N, 700, 3);
	struct wm_draw d = {.rows = {l, l + N}, .may = may, .n = CLASSES};
	double p[CLASSES], total = 0;

	(void)state;
	for (size_t j = 1; j < CLASSES; j++)
		total += p[j] = exp2(ldexp(l[j] + l[N + j], -WM_LOGIT_BITS));
	for (size_t t = 0, n_tables = tables(&all); t < n_tables; t++) {
		uint32_t seen[N + 1] = {0};
		double chi2 = 0;
		struct wm_rng rng;

		wm_rng_init(&rng, 6, WM_STREAM_TEST, 0);
		for (size_t i = 0; i < DRAWS; i++) {
			uint32_t j;

			d.random = wm_rng_u32(&rng);
			all[t]->sample(&j, &d, 1, 2);
			seen[j]++;
		}
		for (size_t j = 1; j < CLASSES; j++) {
			double expected = DRAWS * p[j] / total;

			chi2 += (seen[j] - expected) * (seen[j] - expected) / expected;
		}
		assert_int_equal(seen[0], 0);
		for (size_t j = CLASSES; j <= N; j++)
			assert_int_equal(seen[j], 0);
		assert_true(chi2 < 74.75); // 41 degrees of freedom, p = 0.001
	}
	free(l);
}

static uint32_t drawn(
	const struct wm_kernels *k, const int16_t *l, size_t n_rows, const uint32_t *may, uint32_t n, uint32_t random)
{
	const struct wm_draw d = {.rows = {l, l}, .may = may, .n = n, .random = random};
	uint32_t j;

	k->sample(&j, &d, 1, n_rows);
	return j;
}

static void sample_handles_its_edges(void **state)
{
	const struct wm_kernels *const *all;
	int16_t l[WM_WIDE] = {0};

	(void)state;
	for (size_t t = 0, n_tables = tables(&all); t < n_tables; t++) {
		const struct wm_kernels *k = all[t];
		uint32_t may = 0;

		assert_int_equal(drawn(k, l, 1, &may, 10, 0), 10); // no entry
		assert_int_equal(drawn(k, l, 1, &may, 10, UINT32_MAX), 10);
		may = 1 << 5;
		l[5] = INT16_MIN;
		assert_int_equal(drawn(k, l, 1, &may, 10, 0), 5); // the only one, however small
		assert_int_equal(drawn(k, l, 2, &may, 10, UINT32_MAX), 5);
		assert_int_equal(drawn(k, l, 1, NULL, 1, UINT32_MAX), 0);
		may = 1 << 2 | 1 << 5 | 1 << 9;
		l[5] = 20000;
		l[2] = 20000 - (16 << WM_LOGIT_BITS);
		l[9] = 20000 - (17 << WM_LOGIT_BITS);
		assert_int_equal(drawn(k, l, 1, &may, 10, 0), 5); // below max - 16: never
		assert_int_equal(drawn(k, l, 1, &may, 10, UINT32_MAX), 5);
		l[2] = 20000; // two alike: halves
		assert_int_equal(drawn(k, l, 1, &may, 10, 0x7fffffff), 2);
		assert_int_equal(drawn(k, l, 1, &may, 10, 0x80000000), 5);
		l[9] = INT16_MAX; // beyond the end of the range all are alike: thirds
		assert_int_equal(drawn(k, l, 2, &may, 10, 0x50000000), 2);
		assert_int_equal(drawn(k, l, 2, &may, 10, 0xa0000000), 5);
		assert_int_equal(drawn(k, l, 2, &may, 10, 0xb0000000), 9);
	}
}

// Counters of all kinds, the words of which lie further apart than there are columns.
static void philox_gives_the_blocks_of_wm_philox_for_all_lengths(void **state)
{
	enum { COLUMNS = 5 * WM_LANES, LD = COLUMNS + 3 };
	const struct wm_kernels *const *all;
	const uint32_t key[2] = {0xa4093822, 0x299f31d0};
	static uint32_t counters[4 * LD], words[4 * LD];
	struct wm_rng rng;

	(void)state;
	wm_rng_init(&rng, 9, WM_STREAM_TEST, 0);
	for (size_t i = 0; i < 4 * (size_t)LD; i++)
		counters[i] = wm_rng_u32(&rng);
	for (size_t t = 0, n_tables = tables(&all); t < n_tables; t++)
		for (size_t n = 0; n <= COLUMNS; n += WM_LANES) {
			memcpy(words, counters, sizeof(words));
			all[t]->philox(words, LD, key, n);
			for (size_t i = 0; i < LD; i++) {
				uint32_t block[4] = {
					counters[i], counters[LD + i], counters[2 * LD + i], counters[3 * LD + i]};

				if (i < n)
					wm_philox(block, key, block);
				for (size_t w = 0; w < 4; w++)
					assert_int_equal(words[w * LD + i], block[w]);
			}
		}
}

static void the_environment_names_the_table(void **state)
{
	const struct wm_kernels *const *all;
	size_t n = tables(&all);

	(void)state;
	for (size_t t = 0; t < n; t++) {
		setenv("WIREMILL_KERNELS", all[t]->name, 1);
		assert_ptr_equal(wm_kernels_best(), all[t]);
	}
	setenv("WIREMILL_KERNELS", "abacus", 1);
	assert_ptr_equal(wm_kernels_best(), all[n - 1]);
	unsetenv("WIREMILL_KERNELS");
	assert_ptr_equal(wm_kernels_best(), all[n - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matmul_gives_the_scalar_bits_for_all_shapes),
		cmocka_unit_test(matmul_is_the_chain_that_the_header_states),
		cmocka_unit_test(a_row_gives_the_same_bits_wherever_it_stands_in_a_batch),
		cmocka_unit_test(add_rows_gives_the_scalar_bits),
		cmocka_unit_test(affine_gives_the_scalar_bits_for_all_shapes),
		cmocka_unit_test(fixed_point_sums_never_overflow_and_are_near_the_true_ones),
		cmocka_unit_test(fixed_point_weights_have_seven_bits_of_each_column),
		cmocka_unit_test(add_fixed_gives_the_scalar_sums),
		cmocka_unit_test(lstm_gives_the_scalar_bits_for_all_inputs),
		cmocka_unit_test(lstm_train_gives_the_scalar_bits_for_all_inputs),
		cmocka_unit_test(lstm_train_is_near_the_true_step),
		cmocka_unit_test(lstm_is_near_the_true_step),
		cmocka_unit_test(lstm_keeps_and_clears_cells),
		cmocka_unit_test(curves_are_near_the_true_functions),
		cmocka_unit_test(exp_is_within_one_ulp_over_its_whole_range),
		cmocka_unit_test(exp_clamps_and_gives_the_scalar_bits_for_all_lengths),
		cmocka_unit_test(sample_gives_the_scalar_index_for_all_lengths),
		cmocka_unit_test(sample_draws_in_proportion_to_the_powers_of_two),
		cmocka_unit_test(sample_handles_its_edges),
		cmocka_unit_test(philox_gives_the_blocks_of_wm_philox_for_all_lengths),
		cmocka_unit_test(the_environment_names_the_table),
	};

	return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
