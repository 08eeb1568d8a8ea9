// SPDX-License-Identifier: BSD-3-Clause
// steer: what ties a run, of either mode, to those who watch and steer it.
#pragma once

#include <base/err.h>
#include <plane/stats.h>
#include <plane/wish.h>

#include <stdatomic.h>

struct steer {
	const atomic_bool *stop;    // raised to end the run
	struct wm_plane_wish *wish; // NULL = there will be none
	double report_s;            // report so often; 0 = never
	int (*ready)(
		void *arg, struct wm_err *err); // everything is open, nothing is sent: -errno ends it there. Or NULL
	void (*report)(void *arg, const struct wm_plane_stats *stats);
	void (*notice)(void *arg, const char *sentence);
	void *arg; // of all three
};
