// SPDX-License-Identifier: BSD-3-Clause
// live: models onto the queues of network ports, and the numbers of such a run.
#pragma once

#include "models.h"

#include <base/file.h>
#include <plane/plane.h>

#include <stdatomic.h>
#include <stdio.h>

/** Send until what ends it comes first. @param stats n_queues stays 0 if the run did not begin.
 *  @return 0; -errno with a sentence. */
int live_run(const struct settings *s, const struct models *models, const atomic_bool *stop,
	struct wm_plane_stats *stats, struct wm_err *err);

/** One line. */
void live_print(FILE *out, const struct wm_plane_stats *stats);

/** As JSON, into a file that is then committed. @return 0; -errno with a sentence; the file is gone either way. */
int live_write_json(struct wm_file *file, const struct wm_plane_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err);
