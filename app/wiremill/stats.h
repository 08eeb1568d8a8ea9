// SPDX-License-Identifier: BSD-3-Clause
// stats: the numbers of a run in pcap mode, for the person at the terminal and as JSON.
#pragma once

#include "models.h"

#include <base/file.h>

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct model_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t flows; // begun
};

// generated = written + unused.
struct run_stats {
	uint64_t generated; // samples that the workers handed out
	uint64_t written;
	uint64_t unused; // behind the end of the run
	uint64_t bytes;  // of frames written, without FCS
	uint64_t flows;  // begun
	uint64_t flows_ended;
	uint64_t last_ns; // time of the last packet written
	double wall_s;
	unsigned workers;
	struct model_stats model[WM_MODELS_MAX];
};

/** One line. */
void stats_print(FILE *out, const struct run_stats *stats);

/** As JSON, into a file that is then committed. @return 0; -errno with a sentence; the file is gone either way. */
int stats_write_json(struct wm_file *file, const struct run_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err);

/** The same of any JSON object, which is given up; NULL = memory ran out. @param path For messages. */
int stats_write_object(struct wm_file *file, json_t *root, const char *path, struct wm_err *err);
