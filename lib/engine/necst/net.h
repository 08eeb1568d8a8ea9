// SPDX-License-Identifier: BSD-3-Clause
// net: the weights of a network in training as one flat vector, with gradients and Adam's moments beside it.
#pragma once

#include <base/philox.h>

#include <stddef.h>
#include <stdint.h>

struct necst_net {
	size_t n;
	float *w;
	float *g; // gradient
	float *m; // Adam's moments
	float *v;
	uint64_t step;
};

/** Room for n weights, all zero. @return 0 or -ENOMEM. */
int necst_net_create(struct necst_net *net, size_t n);
void necst_net_free(struct necst_net *net);

/** Weights n at `at` normal with this deviation. */
void necst_net_init(struct necst_net *net, size_t at, size_t n, float deviation, uint64_t seed, uint64_t id);

/** Clip the gradient to this norm, take one step of AdamW, clear the gradient. */
void necst_net_update(struct necst_net *net, float rate, float decay, float max_norm);
