// SPDX-License-Identifier: BSD-3-Clause
// pcap_mode: samples into a pcap. Workers in threads make samples, this thread brings them into one order, builds the
// frames right into the writer's buffer and counts.
//
// The same models, seed and options write the same bytes, whatever the number of workers.
#pragma once

#include "models.h"
#include "steer.h"

#include <stdbool.h>

/**
 * Run until what ends it comes first: packets, duration, flows, or stop. Either way the files are then complete.
 *
 * @param stats Written if the run began, also if it failed.
 * @param began Whether it did: an error before that is one of usage.
 * @return 0; -errno with a sentence.
 */
int pcap_run(const struct settings *s, const struct models *models, const struct steer *steer,
	struct wm_plane_stats *stats, bool *began, struct wm_err *err);
