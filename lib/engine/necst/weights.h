// SPDX-License-Identifier: BSD-3-Clause
// weights: the sequence model's weights as generation wants them: in fixed point (tensor/fixed.h).
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/sequence.h>
#include <tensor/fixed.h>

struct necst_weights {
	struct wm_fixed gates; // (units, 4 units)
	struct wm_fixed head;  // (units, columns)
	int16_t *emb;          // (rows, 4 units); the bias is part of the first input's rows
	int16_t *head_b;       // (columns)
};

/** @param s Its emb, u, bias, head, head_b. @return 0 or -ENOMEM. Call free in either case. */
int necst_weights_create(struct necst_weights *w, const struct necst_sequence *s);
void necst_weights_free(struct necst_weights *w);
