// SPDX-License-Identifier: BSD-3-Clause
// wish: what other threads ask of a run while it goes on. They leave it here, and the run looks when it has time to.
#pragma once

#include <plane/pace.h>

#include <pthread.h>
#include <stdbool.h>

struct wm_plane_wish {
	pthread_mutex_t lock; // PTHREAD_MUTEX_INITIALIZER
	bool has_rate;
	struct wm_rate rate;
	bool pause;
};

/** Ask a run for another rate: its queues go on at it, without a gap, within some milliseconds. Of `model` and `xN`,
 * the samples' own time is what counts, whatever the rate was before. Any thread, also before the run. */
void wm_plane_ask_rate(struct wm_plane_wish *wish, const struct wm_rate *rate);

/** Ask a run to hold its timeline, or to let it go on where it stopped: no packet is late for that. Any thread. */
void wm_plane_ask_pause(struct wm_plane_wish *wish, bool pause);

/** The run: the rate that was asked for since the last time. @return whether there is one. */
bool wm_plane_wish_rate(struct wm_plane_wish *wish, struct wm_rate *out);

/** Whether a run is asked to hold its timeline. Any thread; NULL is never. */
bool wm_plane_wish_pause(struct wm_plane_wish *wish);
