// SPDX-License-Identifier: BSD-3-Clause
// checkpoint: training in the middle, as a file in the model format: weights, best weights, Adam's moments and
// counters.
#pragma once

#include <base/err.h>
#include <engine/necst/net.h>
#include <engine/necst/sequence.h>

#include <stdint.h>

struct necst_training {
	uint64_t fingerprint; // of data, seed and dimensions: a checkpoint of anything else is refused
	uint32_t epoch, epochs;
	uint64_t update, updates;
	uint64_t best_update;   // 0 = none yet
	struct necst_loss best; // held out
	uint32_t since_best;    // evaluations
};

/** Write; the file is the old one or the whole new one. @return 0 or -errno with a sentence. */
int necst_checkpoint_save(const char *path, const struct necst_training *t, const struct necst_net *net,
	const float *best, struct wm_err *err);

/** Continue from path; a file that is not there leaves everything as it is. @return 0 or -errno with a sentence. */
int necst_checkpoint_load(
	const char *path, struct necst_training *t, struct necst_net *net, float *best, struct wm_err *err);
