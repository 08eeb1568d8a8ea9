// SPDX-License-Identifier: BSD-3-Clause
// tensor: the kernels in terms of a vector type. The file that includes this one has defined, for its instruction set:
//
//	VW, vf                        lanes of a vector (8 or 16), its type; + - * / are the compiler's
//	v_load, v_store, v_set1       unaligned
//	v_max, v_min, v_fma(a, b, c)  a b + c
//	v_scale(p, z)                 p with the low mantissa bits of z added to its exponent
//	v_largest(v)                  the largest lane
//	vu, vu_zero, vu_store, vu_add vector of uint32_t; vu_sum(v) is the sum of its lanes
//	v_truncate(v)                 vf in 0 .. 2^31-1 to vu
//	MR, NV                        rows (6) and vectors (2 or 4) of matmul's register block
//
// Operation by operation, each lane does what scalar.c does.
#pragma once

#include <tensor/approx.h>
#include <tensor/tensor.h>

#include <math.h>
#include <string.h>

static inline vf exp_in_range(vf x)
{
	vf z = v_fma(x, v_set1(WM_EXP_LOG2E), v_set1(WM_EXP_ROUND));
	vf n = z - WM_EXP_ROUND;
	vf r = v_fma(n, v_set1(-WM_EXP_LN2_LO), v_fma(n, v_set1(-WM_EXP_LN2_HI), x));
	vf p = v_set1(WM_EXP_C6);

	p = v_fma(p, r, v_set1(WM_EXP_C5));
	p = v_fma(p, r, v_set1(WM_EXP_C4));
	p = v_fma(p, r, v_set1(WM_EXP_C3));
	p = v_fma(p, r, v_set1(WM_EXP_C2));
	p = v_fma(p, r, v_set1(1.0f));
	p = v_fma(p, r, v_set1(1.0f));
	return v_scale(p, z);
}

static inline vf exp_of_gate(vf x)
{
	return exp_in_range(v_min(v_max(x, v_set1(-WM_ACT_MAX)), v_set1(WM_ACT_MAX)));
}

// One register block: mr rows by nv vectors, both constants where this is inlined, so that acc is registers.
static inline __attribute__((always_inline)) void block(float *y, size_t ldy, const float *x, size_t ldx,
	const float *w, size_t ldw, size_t k, const size_t mr, const size_t nv)
{
	vf acc[MR][NV], row[NV];

	for (size_t r = 0; r < mr; r++)
		for (size_t v = 0; v < nv; v++)
			acc[r][v] = v_load(y + r * ldy + v * VW);
	for (size_t i = 0; i < k; i++) {
		for (size_t v = 0; v < nv; v++)
			row[v] = v_load(w + i * ldw + v * VW);
		for (size_t r = 0; r < mr; r++) {
			vf xi = v_set1(x[r * ldx + i]);

			for (size_t v = 0; v < nv; v++)
				acc[r][v] = v_fma(xi, row[v], acc[r][v]);
		}
	}
	for (size_t r = 0; r < mr; r++)
		for (size_t v = 0; v < nv; v++)
			v_store(y + r * ldy + v * VW, acc[r][v]);
}

#define BLOCK(mr, nv)                                                                                                  \
	static void block_##mr##_##nv(                                                                                 \
		float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t ldw, size_t k)                \
	{                                                                                                              \
		block(y, ldy, x, ldx, w, ldw, k, mr, nv);                                                              \
	}
#define BLOCKS(nv) BLOCK(1, nv) BLOCK(2, nv) BLOCK(3, nv) BLOCK(4, nv) BLOCK(5, nv) BLOCK(6, nv)
#define BLOCK_NAMES(nv)                                                                                                \
	{                                                                                                              \
		block_1_##nv, block_2_##nv, block_3_##nv, block_4_##nv, block_5_##nv, block_6_##nv                     \
	}

BLOCKS(1)
BLOCKS(2)
#if NV == 4
BLOCKS(4)
#endif

// By vectors / 2, then by rows - 1.
static void (*const blocks[][MR])(
	float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t ldw, size_t k) = {
	BLOCK_NAMES(1),
	BLOCK_NAMES(2),
#if NV == 4
	BLOCK_NAMES(4),
#endif
};

static void matmul(float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t m, size_t k, size_t n)
{
	size_t n_blocks = (m + MR - 1) / MR; // of almost equal height: few rows a block leave registers unused

	for (size_t j = 0, nv = NV; j < n; j += nv * VW) {
		while (n - j < nv * VW)
			nv /= 2;
		for (size_t b = 0, r = 0; b < n_blocks; b++) {
			size_t rows = (m - r) / (n_blocks - b);

			blocks[nv / 2][rows - 1](y + r * ldy + j, ldy, x + r * ldx, ldx, w + j, n, k);
			r += rows;
		}
	}
}

static void add_rows(float *y, const float *const *rows, size_t n_rows, size_t n)
{
	for (size_t j = 0; j < n; j += WM_LANES)
		for (size_t v = j; v < j + WM_LANES; v += VW) {
			vf sum = v_load(rows[0] + v);

			for (size_t r = 1; r < n_rows; r++)
				sum += v_load(rows[r] + v);
			v_store(y + v, sum);
		}
}

static void lstm(float *h, float *c, const float *gates, size_t units)
{
	for (size_t u = 0; u < units; u += VW) {
		vf ei = exp_of_gate(0.0f - v_load(gates + u));
		vf ef = exp_of_gate(0.0f - v_load(gates + units + u));
		vf eg = exp_of_gate(2.0f * v_load(gates + 2 * units + u));
		vf eo = exp_of_gate(0.0f - v_load(gates + 3 * units + u));
		vf cell = v_load(c + u) / (1.0f + ef) + (eg - 1.0f) / ((1.0f + ei) * (1.0f + eg));
		vf ec = exp_of_gate(2.0f * cell);

		v_store(c + u, cell);
		v_store(h + u, (ec - 1.0f) / ((1.0f + eo) * (1.0f + ec)));
	}
}

static void lstm_train(float *h, float *c, float *gates, float *tanh_c, size_t units)
{
	for (size_t u = 0; u < units; u += VW) {
		float *gate = gates + u;
		vf eg = exp_of_gate(2.0f * v_load(gate + 2 * units)), ec;
		vf i = 1.0f / (1.0f + exp_of_gate(0.0f - v_load(gate)));
		vf f = 1.0f / (1.0f + exp_of_gate(0.0f - v_load(gate + units)));
		vf g = (eg - 1.0f) / (1.0f + eg);
		vf o = 1.0f / (1.0f + exp_of_gate(0.0f - v_load(gate + 3 * units)));
		vf cell = f * v_load(c + u) + i * g, tanh_cell;

		v_store(gate, i);
		v_store(gate + units, f);
		v_store(gate + 2 * units, g);
		v_store(gate + 3 * units, o);
		v_store(c + u, cell);
		ec = exp_of_gate(2.0f * cell);
		tanh_cell = (ec - 1.0f) / (1.0f + ec);
		v_store(tanh_c + u, tanh_cell);
		v_store(h + u, o * tanh_cell);
	}
}

// Weights of 16 entries at a time with their sum, so that the search is over blocks first, then within one.
static uint32_t sample(const float *logits, size_t n, uint32_t random)
{
	uint32_t weight[WM_SAMPLE_N], block_sum[WM_SAMPLE_N / WM_LANES], below;
	vf max = v_set1(-INFINITY);
	uint64_t total = 0;
	size_t b, j;

	for (j = 0; j < n; j += VW)
		max = v_max(v_load(logits + j), max);
	max = v_set1(v_largest(max));
	for (j = 0; j < n; j += WM_LANES) {
		vu sum = vu_zero();

		for (size_t v = j; v < j + WM_LANES; v += VW) {
			vf d = v_max(v_load(logits + v) - max, v_set1(WM_SAMPLE_MIN));
			vu one = v_truncate(exp_in_range(d) * WM_SAMPLE_ONE);

			vu_store(weight + v, one);
			sum = vu_add(sum, one);
		}
		block_sum[j / WM_LANES] = vu_sum(sum);
		total += block_sum[j / WM_LANES];
	}
	below = (uint32_t)((random * total) >> 32);
	for (b = 0; b < n / WM_LANES && below >= block_sum[b]; b++)
		below -= block_sum[b];
	if (b == n / WM_LANES)
		return (uint32_t)n;
	for (j = b * WM_LANES; below >= weight[j]; j++)
		below -= weight[j];
	return (uint32_t)j;
}

static vf exp_clamped(vf x)
{
	return exp_in_range(v_min(v_max(x, v_set1(WM_EXP_MIN)), v_set1(WM_EXP_MAX)));
}

static void exp_shifted(float *y, const float *x, float shift, size_t n)
{
	float rest[VW] = {0};
	size_t j;

	for (j = 0; j + VW <= n; j += VW)
		v_store(y + j, exp_clamped(v_load(x + j) - shift));
	if (j == n)
		return;
	memcpy(rest, x + j, (n - j) * sizeof(*x));
	v_store(rest, exp_clamped(v_load(rest) - shift));
	memcpy(y + j, rest, (n - j) * sizeof(*y));
}
