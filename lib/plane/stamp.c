// SPDX-License-Identifier: BSD-3-Clause
#include <plane/stamp.h>

static double ratio_of(const struct wm_stamp_point *a, const struct wm_stamp_point *b)
{
	return (double)(b->clock - a->clock) / (double)(b->tsc - a->tsc);
}

void wm_stamp_init(struct wm_stamp *s, const struct wm_stamp_point *first, const struct wm_stamp_point *now)
{
	*s = (struct wm_stamp){.at = *now, .ratio = ratio_of(first, now)};
}

void wm_stamp_follow(
	struct wm_stamp *s, const struct wm_stamp_point *first, const struct wm_stamp_point *now, double ticks)
{
	uint64_t clock = wm_stamp_of(s, now->tsc);
	double ahead = (double)(int64_t)(clock - now->clock);

	*s = (struct wm_stamp){.at = {now->tsc, clock}, .ratio = ratio_of(first, now) - ahead / ticks};
}
