// SPDX-License-Identifier: BSD-3-Clause
// examples: the dataset as the sequence model sees it: for each packet the embedding rows it is predicted from, the
// token and gap bin to be predicted, and which tokens were possible; and the stretches of flows to be learned from.
#pragma once

#include <engine/necst/masks.h>
#include <engine/necst/sequence.h>

struct necst_stretch {
	uint32_t first; // record
	uint32_t n;
};

struct necst_examples {
	size_t n;
	int32_t (*rows)[NECST_INPUTS]; // (n)
	uint16_t *token;               // (n)
	int16_t *size;                 // (n) -1 where the header image says it
	int16_t *gap;                  // (n) -1 for the first packet of a flow
	uint32_t *mask;                // (n) row of the masks
	struct necst_masks masks;
	struct necst_reach *reach; // (tokens)
	struct necst_stretch *train;
	size_t n_train;
	struct necst_stretch *held;
	size_t n_held;
	size_t n_held_packets;
};

/** @return 0 or -ENOMEM. */
int necst_examples_make(struct necst_examples *x, const struct necst_dims *dims, uint32_t token_pad,
	const struct wm_dataset *ds, const struct necst_vocab *v, const struct necst_clusters *tokens,
	const struct necst_sizes *sizes, const struct necst_clocks *clocks, const struct necst_gaps *gaps,
	const struct necst_classes *classes, uint64_t seed);
void necst_examples_free(struct necst_examples *x);
