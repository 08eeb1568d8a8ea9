// SPDX-License-Identifier: BSD-3-Clause
// draw: how a run is, in the few lines of a terminal.
#pragma once

#include "models.h"

#include <plane/stats.h>

#include <stdio.h>

/** As many lines as the terminal has room for, none of them longer than it is wide. @return how many. */
unsigned draw(
	FILE *out, const struct wm_plane_stats *now, const struct wm_plane_stats *before, const struct models *models);
