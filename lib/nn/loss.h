// SPDX-License-Identifier: BSD-3-Clause
// nn: losses with their gradients.
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Softmax cross-entropy over the n classes of each of m rows; rows are ld floats apart.
 *
 * @param dlogits (m, ld) gets scale * (softmax - onehot) in its first n columns, 0 in rows that do not count; may be
 *                logits.
 * @param target  (m) class 0 .. n-1, or -1: the row does not count.
 * @return the sum of -ln p over the rows that count, in nats.
 */
double wm_softmax_nll(
	float *dlogits, const float *logits, size_t ld, const int32_t *target, size_t m, size_t n, float scale);

/**
 * Divergence of n Gaussians N(mu, exp(lv)) from N(0, 1).
 *
 * @param dmu,dlv (n) its gradient times scale is added.
 * @return the sum of 0.5 (mu^2 + exp(lv) - 1 - lv). Source: Kingma, Welling 2014, appendix B.
 */
double wm_gauss_kl(float *dmu, float *dlv, const float *mu, const float *lv, size_t n, float scale);
