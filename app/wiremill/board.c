// SPDX-License-Identifier: BSD-3-Clause
#include "board.h"

#include <base/clock.h>

void board_post(struct board *b, const struct wm_plane_stats *stats)
{
	(void)pthread_mutex_lock(&b->lock);
	b->kept[b->n++ % BOARD_KEPT] = *stats;
	b->posted_s = wm_now_s();
	(void)pthread_mutex_unlock(&b->lock);
}

bool board_look(struct board *b, struct board_view *out)
{
	unsigned n;

	(void)pthread_mutex_lock(&b->lock);
	n = b->n;
	if (n > 0) {
		out->now = b->kept[(n - 1) % BOARD_KEPT];
		out->before = b->kept[n < BOARD_KEPT ? 0 : n % BOARD_KEPT];
		out->age_s = wm_now_s() - b->posted_s;
	}
	(void)pthread_mutex_unlock(&b->lock);
	if (n > 0 && n < BOARD_KEPT) // since the start
		out->before = (struct wm_plane_stats){.timing.ticks_per_ns = out->now.timing.ticks_per_ns};
	return n > 0;
}
