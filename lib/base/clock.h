// SPDX-License-Identifier: BSD-3-Clause
// clock: how long things take. Never what time it is in the traffic.
#pragma once

#include <stdint.h>
#include <time.h>

/** Nanoseconds of the monotonic clock. */
static inline uint64_t wm_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** The same in seconds. */
static inline double wm_now_s(void)
{
	return (double)wm_now_ns() * 1e-9;
}
