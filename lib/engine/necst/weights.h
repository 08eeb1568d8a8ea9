// SPDX-License-Identifier: BSD-3-Clause
// weights: the sequence model's weights as generation wants them: in fixed point (tensor/fixed.h), logits to the base
// of 2, rows as long as whole vectors. A flow's packets are of one family: each has a head of its own, without the
// clusters of others.
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/sequence.h>
#include <engine/necst/vocab.h>
#include <tensor/fixed.h>

struct necst_head {
	struct wm_fixed columns; // (units, tokens + sizes + gaps)
	uint32_t n_tokens;
	uint16_t token[NECST_TOKENS_MAX]; // (n_tokens) clusters of the family
};

struct necst_weights {
	struct wm_fixed gates;   // (units, 4 units)
	struct necst_head *head; // (families)
	uint32_t n_families;
	uint32_t most_tokens; // of a family
	size_t columns;       // of the widest head, and a vector behind them
	uint32_t size_pad, gap_pad;
	int16_t *emb;      // (rows, 4 units)
	int16_t *size_tok; // (tokens, size_pad)
	int16_t *gap_tok;  // (tokens, gap_pad)
	int16_t *gap_size; // (sizes + 1, gap_pad)
	int16_t *gap_b;    // (gap_pad) the head's bias
};

/** @param kind (tokens) of each token. @return 0 or -ENOMEM. Call free in either case. */
int necst_weights_create(
	struct necst_weights *w, const struct necst_sequence *s, const struct necst_kind *kind, uint32_t n_families);
void necst_weights_free(struct necst_weights *w);
