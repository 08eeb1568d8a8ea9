// SPDX-License-Identifier: BSD-3-Clause
// live: models onto the queues of network ports.
#pragma once

#include "models.h"
#include "steer.h"

#include <stdbool.h>

/** As pcap_run(), onto ports. */
int live_run(const struct settings *s, const struct models *models, const struct steer *steer,
	struct wm_plane_stats *stats, bool *began, struct wm_err *err);
