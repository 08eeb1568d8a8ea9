// SPDX-License-Identifier: BSD-3-Clause
// fit: the learning half of the engines, linked by the trainer alone.
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <model/model.h>

#include <stdbool.h>
#include <stdint.h>

struct wm_fit_options {
	uint64_t seed;
	unsigned threads;       // at least 1; the result does not depend on it
	double time_limit_s;    // 0 = none
	const char *checkpoint; // file, or NULL
	bool resume;            // continue from the checkpoint if it is there
	/** Asked between steps; true = stop now, keep the best so far. NULL = never. */
	bool (*stop)(void *arg);
	/** A stage or epoch is done: one line about it, and how far fitting is (0..1). NULL = no one to tell. */
	void (*report)(void *arg, double done, const char *line);
	/** The checkpoint was written, or could not be (-errno, with a sentence): fitting goes on. NULL = as report. */
	void (*saved)(void *arg, int rc, const struct wm_err *why);
	void *arg;
};

/**
 * Learn: write tensors and the engine's metadata into a model.
 *
 * @return 0; -errno with a sentence. Being told to stop is no error: the best so far is kept.
 */
typedef int wm_fit_fn(struct wm_model_writer *out, const struct wm_dataset *ds, const struct wm_fit_options *options,
	struct wm_err *err);

/** How the engine of that name learns, or NULL. */
wm_fit_fn *wm_fit_find(const char *engine);
