// SPDX-License-Identifier: BSD-3-Clause
// in_flight: FILE.open beside the ground truth FILE: the lines of flows that have not ended yet, as they stand, written
// anew again and again and removed in the end. Whoever finds it after a crash has both: a flow that is in FILE, too,
// has ended there.
#pragma once

#include "flow_table.h"
#include "lines.h"
#include "models.h"

struct in_flight {
	char *path; // NULL: FILE is none that it could stand beside
	uint64_t due_ns;
	struct wm_err why; // the first write that failed; empty
	bool told;
};

/** Start with an empty one, whatever another run has left. @param labels Open, or not wanted: then nothing is done.
 *  @return 0; -errno with a sentence. */
int in_flight_open(struct in_flight *out, const struct lines *labels, struct wm_err *err);

/** Write it anew, and bring the labels into their file in the same moment; that takes a tenth of the time at most.
 *  The next one tries again if it fails. */
void in_flight_write(
	struct in_flight *f, const struct flow_table *flows, const struct models *models, struct lines *labels);

/** Remove it: all has been written where it belongs. */
void in_flight_close(struct in_flight *f);
