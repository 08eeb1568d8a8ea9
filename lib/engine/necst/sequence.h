// SPDX-License-Identifier: BSD-3-Clause
// sequence: training of the sequence model (schema.h) by truncated backpropagation through time.
//
// The flows, long ones cut into stretches, are laid end to end on a fixed number of lanes; a batch is a few steps of
// all lanes. Lanes belong to a fixed number of shards, whose gradients are added in order: the result does not depend
// on how many threads work on them. A tenth of the flows is held out; the weights that explain those best are kept.
//
// Source: Hochreiter, Schmidhuber 1997 (LSTM); Werbos 1990, Williams, Peng 1990 (truncated BPTT); Kingma, Ba 2015
// (Adam).
#pragma once

#include <base/err.h>
#include <engine/engine.h>
#include <engine/fit.h>
#include <engine/necst/classes.h>
#include <engine/necst/clocks.h>
#include <engine/necst/clusters.h>
#include <engine/necst/gaps.h>
#include <engine/necst/masks.h>
#include <engine/necst/schema.h>
#include <engine/necst/sizes.h>

#include <stddef.h>
#include <stdint.h>

/** Negative log-likelihoods in nats per packet. */
struct necst_loss {
	double token;
	double size; // given the token
	double gap;  // given both
};

struct necst_sequence {
	struct necst_dims dims;
	uint32_t token_pad; // columns of the heads: tokens, sizes, gaps, each padded to whole vectors
	uint32_t size_pad;
	uint32_t gap_pad;
	float *emb;      // (rows, 4 units)
	float *u;        // (units, 4 units)
	float *bias;     // (4 units)
	float *head;     // (units, columns)
	float *head_b;   // (columns)
	float *size_tok; // (tokens, size_pad): added to the size's logits once the token is known
	float *gap_tok;  // (tokens, gap_pad): likewise to the gap's
	float *gap_size; // (sizes + 1, gap_pad): and once the size is known
	float *mem;      // all of them
	size_t n_weights;
	struct necst_loss held;
	struct necst_reach reach[NECST_TOKENS_MAX]; // where each token was seen
	uint64_t updates;                           // of the weights that were kept
};

/** Columns of the heads. */
static inline uint32_t necst_columns(const struct necst_sequence *s)
{
	return s->token_pad + s->size_pad + s->gap_pad;
}

/**
 * @return 0; -ENOMEM; -errno of the checkpoint with a sentence. Being told to stop is no error: the best so far is
 * kept.
 */
int necst_sequence_fit(struct necst_sequence *out, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes, const struct necst_clocks *clocks,
	const struct necst_gaps *gaps, const struct necst_classes *classes, const struct wm_fit_options *options,
	struct wm_err *err);
void necst_sequence_free(struct necst_sequence *s);
