// SPDX-License-Identifier: BSD-3-Clause
// stamp: the clock of a port that sends packets at the time stamped on them (DPDK's send on timestamp), told from the
// TSC. What it counts and since when is the device's own: the two are compared while the run goes on.
#pragma once

#include <stdint.h>

struct wm_stamp_point {
	uint64_t tsc;
	uint64_t clock; // the port's, at the same moment
};

// The port's clock is `ratio` ticks a tick of the TSC away from `at`.
struct wm_stamp {
	struct wm_stamp_point at;
	double ratio;
};

/** The port's clock at a time of the TSC; one before `at` is allowed. */
static inline uint64_t wm_stamp_of(const struct wm_stamp *s, uint64_t tsc)
{
	return s->at.clock + (uint64_t)(int64_t)((double)(int64_t)(tsc - s->at.tsc) * s->ratio);
}

/** From two points, the further apart the better. */
void wm_stamp_init(struct wm_stamp *s, const struct wm_stamp_point *first, const struct wm_stamp_point *now);

/**
 * Follow the port's clock without a jump: from now on at the rate between the two points, a little faster or slower to
 * make up for the distance to `now` in so many ticks of the TSC.
 */
void wm_stamp_follow(
	struct wm_stamp *s, const struct wm_stamp_point *first, const struct wm_stamp_point *now, double ticks);
