// SPDX-License-Identifier: BSD-3-Clause
// crew: the workers of a run, and the reader of its capture, each in its thread in front of its ring, and their samples
// in one order. Ticks are among them.
#pragma once

#include "models.h"

#include <packet/sample.h>
#include <plane/stats.h>

#include <stddef.h>
#include <stdint.h>

struct crew;

/** Set the workers up and start them. @param models Borrowed until destroy. @param n_workers 0 = a capture alone.
 *  @return 0; -errno with a sentence. */
int crew_create(struct crew **out, const struct models *models, uint64_t seed, unsigned n_workers, struct wm_err *err);

/**
 * The next samples, borrowed until the next call; waits a moment if there are none now.
 * @return 0, also with *n = 0: ask again; -errno: there are no more, as wm_worker_failed() or wm_replay_failed() says;
 *  -ENODATA if all have come to their ends.
 */
int crew_next(struct crew *c, const struct wm_sample **at, size_t *n);

/** How many packets they have handed out, and how full their rings are. */
void crew_look(const struct crew *c, struct wm_plane_stats *stats);

/** Stop and join the threads. */
void crew_stop(struct crew *c);
void crew_destroy(struct crew *c); // NULL is allowed; stops it if need be
