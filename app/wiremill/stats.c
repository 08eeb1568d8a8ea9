// SPDX-License-Identifier: BSD-3-Clause
#include "stats.h"

#include "replay.h"

#include <tensor/tensor.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static double per_second(double what, double seconds)
{
	return seconds > 0 ? what / seconds : 0;
}

void stats_print(FILE *out, const struct run_stats *stats)
{
	(void)fprintf(out,
		"%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " flows (%" PRIu64 " ended), %.6f s of traffic; "
		"%.3f s, %.0f packets/s, %u worker%s, %s kernels\n",
		stats->written, stats->bytes, stats->flows, stats->flows_ended, (double)stats->last_ns * 1e-9,
		stats->wall_s, per_second((double)stats->written, stats->wall_s), stats->workers,
		stats->workers == 1 ? "" : "s", wm_kernels_best()->name);
}

static json_t *model_json(
	const struct open_model *m, const struct model_choice *choice, const struct model_stats *stats)
{
	return json_pack("{s:s*, s:s*, s:s, s:f, s:I, s:I, s:I}", "file", choice->file, "label", m->label, "engine",
		m->engine->name, "weight", choice->weight, "packets", (json_int_t)stats->packets, "bytes",
		(json_int_t)stats->bytes, "flows", (json_int_t)stats->flows);
}

// @return NULL if memory ran out.
static json_t *run_json(const struct run_stats *stats, const struct models *models, const struct settings *s)
{
	json_t *list = json_array(), *root;

	for (size_t i = 0; i < models->n; i++)
		(void)json_array_append_new(list, model_json(&models->at[i], &s->models[i], &stats->model[i]));
	root = json_pack("{s:s, s:I, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:o*}",
		"version", WM_VERSION, "seed", (json_int_t)s->seed, "workers", (int)stats->workers, "kernels",
		wm_kernels_best()->name, "packets", (json_int_t)stats->written, "bytes", (json_int_t)stats->bytes,
		"flows", (json_int_t)stats->flows, "flows_ended", (json_int_t)stats->flows_ended, "generated",
		(json_int_t)stats->generated, "unused", (json_int_t)stats->unused, "fresh", (json_int_t)stats->written,
		"recycled", (json_int_t)0, "virtual_s", (double)stats->last_ns * 1e-9, "wall_s", stats->wall_s,
		"packets_per_s", per_second((double)stats->written, stats->wall_s), "models", list, "replay",
		replay_json(models, s));
	return root;
}

int stats_write_object(struct wm_file *file, json_t *root, const char *path, struct wm_err *err)
{
	char *text =
		root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) : NULL;

	json_decref(root);
	if (text == NULL) {
		wm_file_abort(file);
		return wm_err_set(err, -ENOMEM, "%s: no memory to write it", path);
	}
	wm_file_write(file, text, strlen(text));
	wm_file_write(file, "\n", 1);
	free(text);
	return wm_file_commit(file, err);
}

int stats_write_json(struct wm_file *file, const struct run_stats *stats, const struct models *models,
	const struct settings *s, struct wm_err *err)
{
	return stats_write_object(file, run_json(stats, models, s), s->stats_json, err);
}
