// SPDX-License-Identifier: BSD-3-Clause
// clock: nanoseconds and ticks of the time stamp counter. EAL rounds the counter's frequency to 10 MHz, which is off by
// up to a part in five hundred; here it is measured against the system's clock.
#pragma once

#include <base/clock.h>

#include <rte_cycles.h>

#include <stdint.h>

struct wm_clock_point {
	uint64_t tsc;
	uint64_t ns; // CLOCK_MONOTONIC
};

/** Both clocks at one moment: the closest pair of a few tries. */
static inline struct wm_clock_point wm_clock_point(void)
{
	struct wm_clock_point best = {0};
	uint64_t best_ticks = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = rte_rdtsc_precise(), ns = wm_now_ns(), after = rte_rdtsc_precise();

		if (after - before < best_ticks) {
			best_ticks = after - before;
			best = (struct wm_clock_point){.tsc = before + best_ticks / 2, .ns = ns};
		}
	}
	return best;
}

/** Ticks a nanosecond between two points; 100 ms apart is good for a part in a million. */
static inline double wm_clock_rate(const struct wm_clock_point *a, const struct wm_clock_point *b)
{
	return (double)(b->tsc - a->tsc) / (double)(b->ns - a->ns);
}
