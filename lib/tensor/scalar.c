// SPDX-License-Identifier: BSD-3-Clause
// tensor: the scalar table, the truth that the others are held to, bit by bit. It is written to be read.
#include <tensor/approx.h>
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

// sigmoid(x) = 1 / (1 + exp(-x)), tanh(x) = (exp(2x) - 1) / (exp(2x) + 1); a product of the two is one fraction.
static void lstm(float *h, float *c, const float *gates, size_t units)
{
	for (size_t u = 0; u < units; u++) {
		float ei = exp_of_gate(0.0f - gates[u]);
		float ef = exp_of_gate(0.0f - gates[units + u]);
		float eg = exp_of_gate(2.0f * gates[2 * units + u]);
		float eo = exp_of_gate(0.0f - gates[3 * units + u]);
		float cell = c[u] / (1.0f + ef) + (eg - 1.0f) / ((1.0f + ei) * (1.0f + eg));
		float ec = exp_of_gate(2.0f * cell);

		c[u] = cell;
		h[u] = (ec - 1.0f) / ((1.0f + eo) * (1.0f + ec));
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

static uint32_t sample(const float *logits, size_t n, uint32_t random)
{
	uint32_t weight[WM_SAMPLE_N];
	float max = -INFINITY;
	uint64_t total = 0, below, sum = 0;

	for (size_t j = 0; j < n; j++)
		max = larger(logits[j], max);
	for (size_t j = 0; j < n; j++) {
		weight[j] = (uint32_t)(exp_in_range(larger(logits[j] - max, WM_SAMPLE_MIN)) * WM_SAMPLE_ONE);
		total += weight[j];
	}
	below = (random * total) >> 32; // total <= 2^32
	for (size_t j = 0; j < n; j++) {
		sum += weight[j];
		if (sum > below)
			return (uint32_t)j;
	}
	return (uint32_t)n;
}

static void exp_shifted(float *y, const float *x, float shift, size_t n)
{
	for (size_t j = 0; j < n; j++)
		y[j] = exp_in_range(smaller(larger(x[j] - shift, WM_EXP_MIN), WM_EXP_MAX));
}

const struct wm_kernels wm_kernels_scalar = {
	.name = "scalar",
	.matmul = matmul,
	.add_rows = add_rows,
	.lstm = lstm,
	.sample = sample,
	.exp = exp_shifted,
	.lstm_train = lstm_train,
};
