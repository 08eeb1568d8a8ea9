// SPDX-License-Identifier: BSD-3-Clause
// worker_pvt: the sizes that a worker works with, which tests change: what it makes does not depend on them.
#pragma once

#include <synth/worker.h>

struct wm_worker_sizes {
	size_t target;    // samples that a window should hold
	size_t cap;       // samples from which on a window is narrowed
	uint64_t span_ns; // length of the first window
};

int wm_worker_create_sized(struct wm_worker **out, const struct wm_source *sources, size_t n_sources, uint64_t seed,
	unsigned index, unsigned n_workers, const struct wm_worker_sizes *sizes, struct wm_err *err);

/** Most samples, and most flows in flight, that there was room for at once. */
void wm_worker_room(const struct wm_worker *w, size_t *samples, size_t *flows);
