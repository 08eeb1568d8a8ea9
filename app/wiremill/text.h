// SPDX-License-Identifier: BSD-3-Clause
// text: the numbers of a run for the person at the terminal: a view that stays in its place, or lines.
#pragma once

#include "models.h"

#include <plane/stats.h>

#include <stdbool.h>
#include <stdio.h>

struct text_view {
	FILE *out;
	bool steady;    // a terminal: the view is drawn over itself
	unsigned lines; // of it that are there now
};

/** @param out Borrowed. */
void text_begin(struct text_view *v, FILE *out);

/** Show how the run is. @param before A moment before, which rates are counted from. */
void text_report(struct text_view *v, const struct wm_plane_stats *now, const struct wm_plane_stats *before,
	const struct models *models);

/** A sentence to the operator. */
void text_notice(struct text_view *v, const char *sentence);

/** All of the run, when it is over. */
void text_final(struct text_view *v, const struct wm_plane_stats *stats, const struct models *models);
