// SPDX-License-Identifier: BSD-3-Clause
// board: where a run puts its numbers up, and others look at them. Nobody waits for anybody longer than a copy takes.
#pragma once

#include <plane/stats.h>

#include <pthread.h>
#include <stdbool.h>

#define BOARD_PERIOD_S 0.2 // between two posts, at most

enum { BOARD_KEPT = 6 }; // as many as a second has, and one

struct board {
	pthread_mutex_t lock; // PTHREAD_MUTEX_INITIALIZER
	struct wm_plane_stats kept[BOARD_KEPT];
	unsigned n; // posted so far
	double posted_s;
};

// What there is to see. Large.
struct board_view {
	struct wm_plane_stats now;
	struct wm_plane_stats before; // about a second, zero or more, earlier
	double age_s;                 // since `now` was posted
};

void board_post(struct board *b, const struct wm_plane_stats *stats);

/** @return false if nothing was posted yet. */
bool board_look(struct board *b, struct board_view *out);
