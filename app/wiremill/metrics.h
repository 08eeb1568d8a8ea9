// SPDX-License-Identifier: BSD-3-Clause
// metrics: the numbers of a run in Prometheus' text format, version 0.0.4.
#pragma once

#include "models.h"

#include <plane/stats.h>

#include <stddef.h>

/** @param stats NULL = the run has not begun: that is told, and nothing else. @return n bytes of text, to be freed;
 *  NULL if memory ran out. */
char *metrics_text(const struct wm_plane_stats *stats, const struct models *models, size_t *n);
