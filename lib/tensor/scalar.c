// SPDX-License-Identifier: BSD-3-Clause
// tensor: the scalar table, the truth that the others are held to, bit by bit. It is written to be read.
#include <base/philox.h>
#include <tensor/approx.h>
#include <tensor/fixed.h>
#include <tensor/tensor.h>

#include <math.h>
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

static void affine(float *y, size_t ldy, const struct wm_fixed *w, const int16_t *b, size_t ldb, const int16_t *x,
	size_t ldx, size_t m)
{
	for (size_t r = 0; r < m; r++)
		for (size_t j = 0; j < w->n; j++) {
			int32_t sum = b[r * ldb + j] * (1 << w->shift);

			for (size_t i = 0; i < w->k; i++)
				sum += x[r * ldx + i] * w->w[(i / 2 * w->n + j) * 2 + i % 2];
			y[r * ldy + j] = (float)sum * w->scale;
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

// 2^(a x), a x in -2 WM_GATE_MAX .. 2 WM_GATE_MAX or so, times what c0 .. c4 have in common.
static float exp2_of(float x, float a, const float c[5])
{
	float z = fmaf(x, a, WM_EXP_ROUND);
	float n = z - WM_EXP_ROUND;
	float f = fmaf(x, a, 0.0f - n);
	float p = fmaf(fmaf(fmaf(fmaf(c[4], f, c[3]), f, c[2]), f, c[1]), f, c[0]);
	uint32_t bits, exponent;

	memcpy(&bits, &p, sizeof(bits));
	memcpy(&exponent, &z, sizeof(exponent));
	bits += exponent << 23;
	memcpy(&p, &bits, sizeof(p));
	return p;
}

static const float one[5] = WM_EXP2_C(1.0f), sample_one[5] = WM_EXP2_C(WM_SAMPLE_ONE);

// exp(-x) and exp(2 x)
static float exp_minus(float x)
{
	return exp2_of(smaller(larger(x, -WM_GATE_MAX), WM_GATE_MAX), -WM_EXP_LOG2E, one);
}

static float exp_twice(float x)
{
	return exp2_of(smaller(larger(x, -WM_GATE_MAX / 2), WM_GATE_MAX / 2), 2 * WM_EXP_LOG2E, one);
}

// sigmoid(x) = 1 / (1 + exp(-x)), tanh(x) = (exp(2x) - 1) / (exp(2x) + 1), on one denominator.
static void lstm(int16_t *h, float *c, const float *gates, size_t units)
{
	for (size_t u = 0; u < units; u++) {
		float i = 1.0f + exp_minus(gates[u]);
		float f = 1.0f + exp_minus(gates[units + u]);
		float eg = exp_twice(gates[2 * units + u]);
		float o = 1.0f + exp_minus(gates[3 * units + u]);
		float ig = i * (1.0f + eg);
		float cell = fmaf(c[u], ig, (eg - 1.0f) * f) / (ig * f);
		float ec = exp_twice(cell);

		c[u] = cell;
		h[u] = (int16_t)lrintf((ec - 1.0f) / (o * (1.0f + ec)) * WM_STATE_ONE);
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

static uint32_t sample(const float *const *rows, size_t n_rows, const uint16_t *may, size_t n, uint32_t random)
{
	uint32_t weight[WM_SAMPLE_N], below, sum = 0;
	float logit[WM_SAMPLE_N], max = -INFINITY;
	uint64_t total = 0;

	for (size_t j = 0; j < n; j++) {
		logit[j] = rows[0][j];
		for (size_t r = 1; r < n_rows; r++)
			logit[j] += rows[r][j];
		if (may != NULL && (may[j / 16] >> j % 16 & 1) == 0)
			logit[j] = -INFINITY;
		max = larger(logit[j], max);
	}
	for (size_t j = 0; j < n; j++) {
		weight[j] = (uint32_t)exp2_of(larger(logit[j] - max, WM_SAMPLE_MIN), WM_EXP_LOG2E, sample_one);
		total += weight[j];
	}
	below = (uint32_t)((random * total) >> 32); // total < 2^33
	for (size_t lane = 0; lane < WM_LANES; lane++)
		for (size_t j = lane; j < n; j += WM_LANES) {
			// cppcheck-suppress uninitvar ; all below n were written
			sum += weight[j];
			if (sum > below)
				return (uint32_t)j;
		}
	return (uint32_t)n;
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
