// SPDX-License-Identifier: BSD-3-Clause
// tensor: the kernels of inference, as tables chosen at run time.
//
// All tables give the same bits. Inference is integer arithmetic: weights are 8-bit and sums 16-bit fixed point numbers
// (fixed.h), whose products add up exactly in any order; sigmoid, tanh and 2^-x are curves of straight pieces
// (curves.h). In training each output element is one chain of fmaf() in a stated order, and exp() and tanh() are the
// polynomials of the scalar table evaluated in the same order. So what a model mills depends neither on the CPU nor on
// the batch that a row happens to share.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	WM_LANES = 16,      // row lengths are multiples of it, rows are 64-byte aligned
	WM_WIDE = 32,       // likewise for rows of inference
	WM_STATE_ZERO = 64, // a state in fixed point: -1 .. 1 is 1 .. 127
	WM_STATE_ONE = 63,
	WM_GATE_BITS = 12, // behind the point of a gate's pre-activation
	WM_CELL_BITS = 11, // of a cell
	WM_LOGIT_BITS = 9, // of a logit, which is to the base of 2
};

struct wm_fixed; // tensor/fixed.h

static inline size_t wm_pad(size_t n)
{
	return (n + WM_LANES - 1) / WM_LANES * WM_LANES;
}

static inline size_t wm_pad_wide(size_t n)
{
	return (n + WM_WIDE - 1) / WM_WIDE * WM_WIDE;
}

enum { WM_DRAW_ROWS = 3, WM_DRAW_N = 1024 };

struct wm_draw {
	const int16_t *rows[WM_DRAW_ROWS]; // logits, readable up to a multiple of WM_WIDE
	const uint32_t *may;               // bit j: whether j may be drawn, the low bits first; NULL = all may
	uint32_t n;                        // 1 .. WM_DRAW_N
	uint32_t random;
};

struct wm_kernels {
	const char *name; // "scalar", "avx2", "avx512", "avx512vnni"; logged once

	/**
	 * y[r][j] = (start[j] + (b[r][j] << up[j]) + sum over i of x[r][i] w[i][j]) << lift >> down[j], or the
	 * nearest that an int16_t holds: weights in fixed point.
	 * y (m, ldy), b (m, ldb) or NULL = none, x (m, ldx) states, w (k, n).
	 */
	void (*affine)(int16_t *y, size_t ldy, const struct wm_fixed *w, const int16_t *b, size_t ldb, const uint8_t *x,
		size_t ldx, size_t m);

	/** y[j] = rows[0][j] + rows[1][j] + ..., which must fit; n a multiple of 2 WM_LANES, n_rows >= 1. */
	void (*add_fixed)(int16_t *y, const int16_t *const *rows, size_t n_rows, size_t n);

	/**
	 * One LSTM step of one row. gates (4, units): pre-activations of input, forget, cell, output.
	 * c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c), all in fixed point; what goes beyond its
	 * range stays at its end. units a multiple of WM_WIDE.
	 * Source: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000 (forget gate).
	 */
	void (*lstm)(uint8_t *h, int16_t *c, const int16_t *gates, size_t units);

	/**
	 * Draw an index for each of m draws with probability 2^l_j / sum of 2^l, l_j = rows[0][j] + rows[1][j] + ... in
	 * that order, each sum at the end of its range where it goes beyond: weights w_j, of 2^(l_j - max), are summed
	 * as integers, those with equal j / 2 modulo WM_LANES together; the answer is the first j in the order of (j /
	 * 2 modulo WM_LANES, j) whose running sum exceeds (random * total) >> 32. An entry below max - 16 is never
	 * drawn.
	 *
	 * @param out    (m) 0 .. n-1 of each draw; n if none may be drawn.
	 * @param n_rows 1 .. WM_DRAW_ROWS, of all draws.
	 */
	void (*sample)(uint32_t *out, const struct wm_draw *draws, size_t m, size_t n_rows);

	/**
	 * Random numbers of many streams: words (4, ld) hold n counters, column by column, and become the blocks that
	 * wm_philox() (base/philox.h) makes of them. n a multiple of WM_LANES.
	 */
	void (*philox)(uint32_t *words, size_t ld, const uint32_t key[2], size_t n);

	// For training:

	/**
	 * y[r][j] = fma over i = 0..k-1 in order of (x[r][i], w[i][j]), starting from y[r][j].
	 * y (m, ldy), x (m, ldx), w (k, n), n a multiple of WM_LANES; x needs no alignment.
	 */
	void (*matmul)(float *y, size_t ldy, const float *x, size_t ldx, const float *w, size_t m, size_t k, size_t n);

	/** y[j] = rows[0][j] + rows[1][j] + ..., in that order; n a multiple of WM_LANES, n_rows >= 1. */
	void (*add_rows)(float *y, const float *const *rows, size_t n_rows, size_t n);

	/** y[j] = exp(x[j] - shift), the difference clamped to -87 .. 88. Any n and alignment; y may be x. */
	void (*exp)(float *y, const float *x, float shift, size_t n);

	/**
	 * As lstm, in floating point and for the backward pass: gates become the activations (i, f, g, o) and tanh_c
	 * (units) is tanh of the new cell.
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
