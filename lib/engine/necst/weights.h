// SPDX-License-Identifier: BSD-3-Clause
// weights: the sequence model's weights as generation wants them: in fixed point (tensor/fixed.h), logits to the base
// of 2, rows as long as whole vectors.
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/sequence.h>
#include <tensor/fixed.h>

struct necst_weights {
	struct wm_fixed gates; // (units, 4 units)
	struct wm_fixed head;  // (units, columns): tokens, sizes, gaps, each padded to whole vectors
	uint32_t token_pad, size_pad, gap_pad;
	int16_t *emb;      // (rows, 4 units)
	int16_t *size_tok; // (tokens, size_pad)
	int16_t *gap_tok;  // (tokens, gap_pad)
	int16_t *gap_size; // (sizes + 1, gap_pad)
	int16_t *gap_b;    // (gap_pad) the head's bias
};

static inline uint32_t necst_weights_columns(const struct necst_weights *w)
{
	return w->token_pad + w->size_pad + w->gap_pad;
}

/** @return 0 or -ENOMEM. Call free in either case. */
int necst_weights_create(struct necst_weights *w, const struct necst_sequence *s);
void necst_weights_free(struct necst_weights *w);
