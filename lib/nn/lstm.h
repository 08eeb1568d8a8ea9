// SPDX-License-Identifier: BSD-3-Clause
// nn: an LSTM whose input is multi-hot: a sum of rows of a table that already is in gate space, (rows, 4 units).
//
// Shapes: T steps, B lanes, H = units. Gates in order input, forget, cell, output. The pre-activation of step t, lane b
// is
//	bias (4H) + sum over the indices of (t, b) of emb[index] (4H) + h(t-1) (H) u (H, 4H)
// and the rest is wm_kernels.lstm_train. Backpropagation is truncated at the chunk's beginning and stops at resets.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WM_LSTM_MAX_IDX = 31 };

struct wm_lstm {
	size_t units; // H, a multiple of WM_LANES
	size_t n_idx; // indices a step, at most WM_LSTM_MAX_IDX
};

/** @return floats of work space: what forward leaves there for backward, and scratch. */
size_t wm_lstm_work(const struct wm_lstm *l, size_t T, size_t B);

/**
 * @param hout  (T, B, H) gets h of each step.
 * @param h0,c0 (B, H) in: the state before the first step; out: the state after the last.
 * @param idx   (T, B, n_idx) rows of emb to add, -1 = none.
 * @param reset (T, B) 1 = the lane's state is zero before this step.
 * @param work  wm_lstm_work() floats, left alone until backward.
 */
void wm_lstm_forward(const struct wm_lstm *l, float *hout, float *h0, float *c0, const float *emb, const float *u,
	const float *bias, const int32_t *idx, const uint8_t *reset, size_t T, size_t B, float *work);

/**
 * @param gemb,gu,gbias gradients, shaped as emb, u, bias; accumulate.
 * @param dhout (T, B, H) gradient of hout; overwritten as scratch.
 * Others as forward had them. @p work can serve one backward only.
 */
void wm_lstm_backward(const struct wm_lstm *l, float *gemb, float *gu, float *gbias, float *dhout, const float *hout,
	const float *u, const int32_t *idx, const uint8_t *reset, size_t T, size_t B, float *work);
