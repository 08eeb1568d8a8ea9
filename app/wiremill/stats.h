// SPDX-License-Identifier: BSD-3-Clause
// stats: the numbers of a run as JSON, for --stats-json, the control socket and the status page.
#pragma once

#include "models.h"

#include <base/file.h>
#include <plane/stats.h>

#include <jansson.h>

/**
 * All numbers.
 *
 * @param before Those of a moment before: what is said a second is then of the time between; NULL = of the whole run,
 *               which is over: what the capture's reader has counted is among it.
 * @return NULL if memory ran out.
 */
json_t *stats_json(const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models,
	const struct settings *s);

/** Add the fields of a table, from what it is about. *object becomes NULL if memory ran out. */
void stats_add_fields(json_t **object, const struct wm_fields *fields, const void *of);

/** The final ones into a file that is then committed. @return 0; -errno with a sentence; the file is gone either way.
 */
int stats_write_json(struct wm_file *file, const struct wm_plane_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err);

/** Seconds of which rates are: since `before`, or since the start, without those that the run was paused. */
double stats_seconds(const struct wm_plane_stats *now, const struct wm_plane_stats *before);

/** Of packets taken since `before`, which may be NULL, those that were fresh; 1 if there are none. */
double stats_fresh(const struct wm_plane_queue *now, const struct wm_plane_queue *before);

/** How fast a queue, or all of a port's, or a model went since `before`, which may be NULL. */
struct wm_rates stats_queue_rates(
	const struct wm_plane_queue *now, const struct wm_plane_queue *before, double seconds);
struct wm_rates stats_model_rates(
	const struct wm_plane_model *now, const struct wm_plane_model *before, double seconds);

enum { STATS_RATE_SIZE = 32 };

/** A rate as --rate takes it. */
const char *stats_rate_text(const struct wm_rate *rate, char text[STATS_RATE_SIZE]);
