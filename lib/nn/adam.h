// SPDX-License-Identifier: BSD-3-Clause
// nn: the optimiser. It knows one flat vector of parameters and nothing of layers.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct wm_adam {
	float lr;
	float beta1;
	float beta2;
	float eps;
	float weight_decay; // decoupled: w shrinks by lr * weight_decay a step
};

/**
 * One step of AdamW.
 *
 * @param w,g  (n) parameters and their gradient.
 * @param m,v  (n) moments, zero before the first step.
 * @param step Counts from 1.
 * Source: Kingma, Ba 2015, algorithm 1; Loshchilov, Hutter 2019, algorithm 2.
 */
void wm_adam_step(const struct wm_adam *o, float *w, const float *g, float *m, float *v, size_t n, uint64_t step);

/** Scale g (n) down to the Euclidean norm max_norm if it is longer. @return its norm before, finite or not. */
float wm_clip_norm(float *g, size_t n, float max_norm);
