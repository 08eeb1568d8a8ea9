// SPDX-License-Identifier: BSD-3-Clause
// tensor: the scalar table, the truth that the others are held to, bit by bit. It is written to be read.
#include <base/philox.h>
#include <tensor/approx.h>
#include <tensor/curves.h>
#include <tensor/fixed.h>
#include <tensor/tensor.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

// Both as the vector instructions do it: b if either is not a number.
static float larger(float a, float b)
{
	return a > b ? a : b;
}

static float smaller(float a, float b)
{
	return a < b ? a : b;
}

// x in WM_EXP_MIN .. WM_EXP_MAX
static float exp_in_range(float x)
{
	float z = fmaf(x, WM_EXP_LOG2E, WM_EXP_ROUND);
	float n = z - WM_EXP_ROUND;
	float r = fmaf(n, -WM_EXP_LN2_LO, fmaf(n, -WM_EXP_LN2_HI, x));
	float p = WM_EXP_C6;
	uint32_t bits, exponent;

	p = fmaf(p, r, WM_EXP_C5);
	p = fmaf(p, r, WM_EXP_C4);
	p = fmaf(p, r, WM_EXP_C3);
	p = fmaf(p, r, WM_EXP_C2);
	p = fmaf(p, r, 1.0f);
	p = fmaf(p, r, 1.0f);
	memcpy(&bits, &p, sizeof(bits));
	memcpy(&exponent, &z, sizeof(exponent));
	bits += exponent << 23; // p * 2^n
	memcpy(&p, &bits, sizeof(p));
	return p;
}

static float exp_of_gate(float x)
{
	return exp_in_range(smaller(larger(x, -WM_ACT_MAX), WM_ACT_MAX));
}

static void matmul(float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t m, size_t k, size_t n)
{
	for (size_t r = 0; r < m; r++)
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < n; j++)
				y[r * ldy + j] = fmaf(x[r * ldx + i], w[i * n + j], y[r * ldy + j]);
}

static void add_rows(float *y, const float *const *rows, size_t n_rows, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		float sum = rows[0][j];

		for (size_t r = 1; r < n_rows; r++)
			sum += rows[r][j];
		y[j] = sum;
	}
}

static int16_t fit(int64_t x)
{
	return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static void affine(int16_t *y, size_t ldy, const struct wm_fixed *w, const int16_t *b, size_t ldb, const uint8_t *x,
	size_t ldx, size_t m)
{
	for (size_t r = 0; r < m; r++)
		for (size_t j = 0; j < w->n; j++) {
			int32_t sum = w->start[j];

			if (b != NULL)
				sum += b[r * ldb + j] * (1 << w->up[j]);
			for (size_t i = 0; i < w->k; i++)
				sum += x[r * ldx + i] * w->w[(i / 4 * w->n + j) * 4 + i % 4];
			y[r * ldy + j] = fit(sum * (1 << w->lift) >> w->down[j]);
		}
}

static void add_fixed(int16_t *y, const int16_t *const *rows, size_t n_rows, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		int32_t sum = 0;

		for (size_t r = 0; r < n_rows; r++)
			sum += rows[r][j];
		y[j] = (int16_t)sum;
	}
}

// a b, with 15 bits behind a's point.
static int16_t product(int16_t a, int16_t b)
{
	return (int16_t)(((a * b >> 14) + 1) >> 1);
}

static int16_t curve(const struct wm_curve *c, int16_t x)
{
	const int piece = x >> 10 & (WM_CURVE_PIECES - 1);

	return (int16_t)(c->base[piece] + ((x * 64 & 0xffff) * c->slope[piece] >> 16));
}

static void lstm(uint8_t *h, int16_t *c, const int16_t *gates, size_t units)
{
	for (size_t u = 0; u < units; u++) {
		int16_t i = curve(&wm_curve_sigmoid, gates[u]);
		int16_t f = curve(&wm_curve_sigmoid, gates[units + u]);
		int16_t g = curve(&wm_curve_tanh, fit(2 * gates[2 * units + u]));
		int16_t o = curve(&wm_curve_sigmoid, gates[3 * units + u]);
		int16_t cell = fit(product(f, c[u]) + product(product(i, g), 1 << WM_CELL_BITS));

		c[u] = cell;
		h[u] = (uint8_t)(product(product(o, curve(&wm_curve_tanh, fit(4 * cell))), WM_STATE_ONE)
				 + WM_STATE_ZERO);
	}
}

static void lstm_train(float *h, float *c, float *gates, float *tanh_c, size_t units)
{
	for (size_t u = 0; u < units; u++) {
		float eg = exp_of_gate(2.0f * gates[2 * units + u]), ec;
		float i = 1.0f / (1.0f + exp_of_gate(0.0f - gates[u]));
		float f = 1.0f / (1.0f + exp_of_gate(0.0f - gates[units + u]));
		float g = (eg - 1.0f) / (1.0f + eg);
		float o = 1.0f / (1.0f + exp_of_gate(0.0f - gates[3 * units + u]));

		gates[u] = i;
		gates[units + u] = f;
		gates[2 * units + u] = g;
		gates[3 * units + u] = o;
		c[u] = f * c[u] + i * g;
		ec = exp_of_gate(2.0f * c[u]);
		tanh_c[u] = (ec - 1.0f) / (1.0f + ec);
		h[u] = o * tanh_c[u];
	}
}

// 2^(15 - x), rounded.
static uint32_t weight_of(uint32_t x)
{
	const uint32_t piece = x >> 4 & (WM_DECAY_PIECES - 1), octaves = x >> WM_LOGIT_BITS,
		       of_one = wm_decay_base[piece] - ((x << 12 & 0xffff) * wm_decay_slope[piece] >> 16);

	return octaves < 16 ? ((of_one >> octaves) + 1) >> 1 : 0;
}

static bool may_be(const struct wm_draw *d, size_t j)
{
	return d->may == NULL || (d->may[j / 32] >> j % 32 & 1) != 0;
}

static uint32_t draw(const struct wm_draw *d, size_t n_rows)
{
	uint32_t weight[WM_DRAW_N] = {0}, below, sum = 0;
	int16_t logit[WM_DRAW_N], max = INT16_MIN;
	uint64_t total = 0;

	for (size_t j = 0; j < d->n; j++) {
		logit[j] = d->rows[0][j];
		for (size_t r = 1; r < n_rows; r++)
			logit[j] = fit(logit[j] + d->rows[r][j]);
		if (may_be(d, j) && logit[j] > max)
			max = logit[j];
	}
	for (size_t j = 0; j < d->n; j++) {
		weight[j] = may_be(d, j) ? weight_of((uint32_t)fit(max - logit[j])) : 0;
		total += weight[j];
	}
	below = (uint32_t)((d->random * total) >> 32); // total < 2^25
	for (size_t lane = 0; lane < WM_LANES; lane++)
		for (size_t j = 2 * lane; j < d->n; j += j % 2 == 0 ? 1 : WM_WIDE - 1) {
			sum += weight[j];
			if (sum > below)
				return (uint32_t)j;
		}
	return d->n;
}

static void sample(uint32_t *out, const struct wm_draw *draws, size_t m, size_t n_rows)
{
	for (size_t i = 0; i < m; i++)
		out[i] = draw(&draws[i], n_rows);
}

static void philox(uint32_t *words, size_t ld, const uint32_t key[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t block[4];

		for (size_t w = 0; w < 4; w++)
			block[w] = words[w * ld + i];
		wm_philox(block, key, block);
		for (size_t w = 0; w < 4; w++)
			words[w * ld + i] = block[w];
	}
}

static void exp_shifted(float *y, const float *x, float shift, size_t n)
{
	for (size_t j = 0; j < n; j++)
		y[j] = exp_in_range(smaller(larger(x[j] - shift, WM_EXP_MIN), WM_EXP_MAX));
}

const struct wm_kernels wm_kernels_scalar = {
	.name = "scalar",
	.affine = affine,
	.add_fixed = add_fixed,
	.lstm = lstm,
	.sample = sample,
	.philox = philox,
	.matmul = matmul,
	.add_rows = add_rows,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
