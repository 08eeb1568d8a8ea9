// SPDX-License-Identifier: BSD-3-Clause
// merge: the samples of N workers, out of their rings, in one total order (wm_sample_order; equal ones can only come
// from one worker). With one ring its samples pass through where they are.
#pragma once

#include <synth/ring.h>

#include <stdbool.h>
#include <stddef.h>

struct wm_merge;

/** The consumer of rings[0 .. n-1] from now on; they are borrowed. @return 0 or -ENOMEM. */
int wm_merge_create(struct wm_merge **out, struct wm_ring *const *rings, size_t n);
void wm_merge_destroy(struct wm_merge *m); // NULL is allowed

/**
 * The next samples, in order, borrowed until the next call on m.
 * @return how many; 0 = none now, for a ring that others wait for is empty (or all have ended).
 */
size_t wm_merge_next(struct wm_merge *m, const struct wm_sample **at);

/** Whether all rings were closed and read to the end. */
bool wm_merge_ended(struct wm_merge *m);
