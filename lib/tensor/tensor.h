// SPDX-License-Identifier: BSD-3-Clause
// tensor: the kernels of inference, as tables chosen at run time.
//
// All tables give the same bits. Each output element is one chain of fmaf() in a stated order, exp() and tanh() are the
// polynomials of the scalar table evaluated in the same order, and probabilities are summed as integers. So what
// a model mills depends neither on the CPU nor on the batch that a row happens to share.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WM_LANES = 16 }; // row lengths are multiples of it, rows are 64-byte aligned

static inline size_t wm_pad(size_t n)
{
	return (n + WM_LANES - 1) / WM_LANES * WM_LANES;
}

struct wm_kernels {
	const char *name; // "scalar", "avx2", "avx512"; logged once

	/**
	 * y[r][j] = fma over i = 0..k-1 in order of (x[r][i], w[i][j]), starting from y[r][j].
	 * y (m, ldy), x (m, ldx), w (k, n), n a multiple of WM_LANES; x needs no alignment.
	 */
	void (*matmul)(float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t m, size_t k, size_t n);

	/** y[j] = rows[0][j] + rows[1][j] + ..., in that order; n a multiple of WM_LANES, n_rows >= 1. */
	void (*add_rows)(float *y, const float *const *rows, size_t n_rows, size_t n);

	/**
	 * One LSTM step of one row. gates (4, units): pre-activations of input, forget, cell, output.
	 * c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c). units a multiple of WM_LANES.
	 * Source: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000 (forget gate).
	 */
	void (*lstm)(float *h, float *c, const float *gates, size_t units);

	/**
	 * Draw an index with probability softmax(logits): weights w_j = trunc(2^20 exp(l_j - max)) are summed as
	 * integers; the answer is the first j whose running sum exceeds (random * total) >> 32. An entry of -INFINITY
	 * or below max - 14 is never drawn. n a multiple of WM_LANES (pad with -INFINITY), n <= 4096.
	 *
	 * @return 0 .. n-1; n if no entry is finite.
	 */
	uint32_t (*sample)(const float *logits, size_t n, uint32_t random);

	// For training:

	/** y[j] = exp(x[j] - shift), the difference clamped to -87 .. 88. Any n and alignment; y may be x. */
	void (*exp)(float *y, const float *x, float shift, size_t n);

	/**
	 * As lstm, for the backward pass: gates become the activations (i, f, g, o) and tanh_c (units) is tanh of the
	 * new cell. h differs from lstm's in the last bits, because each activation is rounded here.
	 */
	void (*lstm_train)(float *h, float *c, float *gates, float *tanh_c, size_t units);
};

extern const struct wm_kernels wm_kernels_scalar;

/** All tables that this CPU can run, slowest first. @return how many. */
size_t wm_kernels_all(const struct wm_kernels *const **tables);

/**
 * The table to use: the fastest, or the one that the environment variable WIREMILL_KERNELS names. A name that is
 * unknown, or that this CPU cannot run, counts as not set: the answer's name says what was chosen.
 */
const struct wm_kernels *wm_kernels_best(void);
