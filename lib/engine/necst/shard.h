// SPDX-License-Identifier: BSD-3-Clause
// shard: a fixed group of lanes: the unit of work of a training thread. Forward, loss and gradient of one chunk of
// steps.
#pragma once

#include <engine/necst/examples.h>
#include <nn/lstm.h>

enum { NECST_SHARDS = 2, NECST_LANES = 16, NECST_STEPS = 32, NECST_CHUNK = NECST_LANES * NECST_STEPS };

struct necst_shard {
	const struct necst_sequence *seq;
	const struct necst_examples *x;
	struct wm_lstm lstm;
	uint32_t offsets[NECST_INPUTS + 1]; // of the embedding rows
	struct necst_sequence grad;         // the gradient, laid out like the weights
	float *h, *c;                       // (LANES, units)
	int32_t *rows;                      // (STEPS, LANES, NECST_INPUTS)
	uint8_t *reset;                     // (STEPS, LANES)
	float *hout;                        // (STEPS, LANES, units)
	float *dhout;
	float *seen; // (STEPS, LANES, units) what the heads are shown of hout: some units are left out in training
	float *work;
	float *logits; // (STEPS * LANES, columns)
	int32_t target[NECST_CHUNK];
	int32_t record[NECST_CHUNK]; // of each (step, lane); -1 = nothing there
	bool train;
	uint64_t seed, update; // what is left out depends on these
	float scale;           // of the loss: 1 / packets in the batch
	// results of a chunk
	double nll_token, nll_size, nll_gap;
	size_t n_token, n_size, n_gap;
};

int necst_shard_create(struct necst_shard *s, const struct necst_sequence *seq, const struct necst_examples *x);
void necst_shard_free(struct necst_shard *s);

/** Take up a chunk: record, rows and reset are filled in by the caller; state is carried from the chunk before. */
void necst_shard_run(struct necst_shard *s);
