// SPDX-License-Identifier: BSD-3-Clause
// scale: virtual time at another speed, in integers: a time is scaled as a whole, so nothing drifts, however many gaps
// it is the sum of.
#pragma once

#include <errno.h>
#include <math.h>
#include <stdint.h>

// Times stop here (292 years); a flow that would go on beyond it never does.
#define WM_TIME_END ((uint64_t)INT64_MAX)

__extension__ typedef unsigned __int128 wm_u128;

struct wm_scale {
	uint64_t mul; // time / speed = time * mul >> shift
	unsigned shift;
};

/** @return 0, or -EINVAL for a speed that is not in 1e-6 .. 1e6. Speed 1 changes no time. */
static inline int wm_scale_init(struct wm_scale *scale, double speed)
{
	int exponent;
	double fraction;

	if (!(speed >= 1e-6 && speed <= 1e6))
		return -EINVAL;
	fraction = frexp(1 / speed, &exponent); // in [1/2, 1), exponent in -19 .. 20
	scale->mul = (uint64_t)ldexp(fraction, 62);
	scale->shift = (unsigned)(62 - exponent);
	return 0;
}

static inline uint64_t wm_scale_time(const struct wm_scale *scale, uint64_t time_ns)
{
	wm_u128 t = (wm_u128)time_ns * scale->mul >> scale->shift;

	return t < WM_TIME_END ? (uint64_t)t : WM_TIME_END;
}
