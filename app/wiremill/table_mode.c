// SPDX-License-Identifier: BSD-3-Clause
#include "table_mode.h"

#include "row_line.h"
#include "stop.h"

#include <base/clock.h>
#include <base/file.h>
#include <json/json.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BUFFER = 1 << 18, ROWS_A_LOOK = 4096 };

struct table_stats {
	uint64_t rows, packets, bytes; // the latter two are what the rows say
	uint64_t last_ns;              // time of the last row since the first
	double wall_s;
};

struct table {
	const struct settings *s;
	FILE *file;
	struct row_line line;
	struct rows_gen *gen;
	struct table_stats stats;
	uint64_t first_ns, end_ns;
};

// Packets that rows do not tell of would never be enough.
static bool is_done(const struct table *t)
{
	const uint64_t packets = t->stats.packets > t->stats.rows ? t->stats.packets : t->stats.rows;

	return (t->s->flows > 0 && t->stats.rows >= t->s->flows) || (t->s->packets > 0 && packets >= t->s->packets);
}

static void count(struct table *t, const struct wm_row *row)
{
	t->stats.rows++;
	t->stats.packets += row->packets[0] + row->packets[1];
	t->stats.bytes += row->bytes[0] + row->bytes[1];
	t->stats.last_ns = row->time_ns - t->first_ns;
}

static void print(const struct table_stats *stats)
{
	(void)fprintf(stderr,
		"%" PRIu64 " rows of %" PRIu64 " packets, %" PRIu64 " bytes, %.3f s of traffic; %.3f s, %.0f rows/s\n",
		stats->rows, stats->packets, stats->bytes, (double)stats->last_ns * 1e-9, stats->wall_s,
		stats->wall_s > 0 ? (double)stats->rows / stats->wall_s : 0);
}

// @return 1 = more; 0 = done; -errno with a sentence.
static int write_row(struct table *t, struct wm_err *err)
{
	struct wm_row row;
	int rc = rows_gen_next(t->gen, &row);

	if (rc == -ERANGE)
		return wm_err_set(err, rc, "the table's own time is over: it cannot be later than 292 years");
	if (rc < 0)
		return wm_err_set(err, rc, "no memory for more conversations in flight");
	if (t->stats.rows == 0)
		t->first_ns = row.time_ns;
	if (row.time_ns - t->first_ns >= t->end_ns)
		return 0;
	row_line_put(&t->line, &row);
	if (fwrite(t->line.text, 1, t->line.len, t->file) != t->line.len)
		return wm_err_sys(err, errno != 0 ? -errno : -EIO, "%s: cannot be written", t->s->csv);
	count(t, &row);
	return !is_done(t);
}

static int write_rows(struct table *t, const atomic_bool *stop, double begin_s, struct wm_err *err)
{
	double due_s = begin_s + t->s->stats_s;
	int rc = 1;

	while (rc > 0 && !atomic_load_explicit(stop, memory_order_relaxed)) {
		for (int i = 0; i < ROWS_A_LOOK && rc > 0; i++)
			rc = write_row(t, err);
		if (t->s->stats_s > 0 && wm_now_s() >= due_s) {
			t->stats.wall_s = wm_now_s() - begin_s;
			print(&t->stats);
			due_s += t->s->stats_s;
		}
	}
	return rc < 0 ? rc : 0;
}

static int write_json(const struct table *t, struct wm_file *file, struct wm_err *err)
{
	const struct table_stats *stats = &t->stats;
	json_t *root = json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:f, s:f}", "version", WM_VERSION, "mode",
		"table", "seed", (json_int_t)t->s->seed, "file", wm_json_string(t->s->models[0].file), "flows",
		(json_int_t)stats->rows, "packets", (json_int_t)stats->packets, "bytes", (json_int_t)stats->bytes,
		"virtual_s", (double)stats->last_ns * 1e-9, "wall_s", stats->wall_s);
	char *text = wm_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	if (text == NULL) {
		wm_file_abort(file);
		return wm_err_set(err, -ENOMEM, "%s: no memory to write it", t->s->stats_json);
	}
	wm_file_write(file, text, strlen(text));
	wm_file_write(file, "\n", 1);
	free(text);
	return wm_file_commit(file, err);
}

static int run(struct table *t, const struct rows_model *m, bool *began, struct wm_err *err)
{
	const atomic_bool *stop = stop_on_signals();
	const double begin_s = wm_now_s();
	int rc;

	t->file = fopen(t->s->csv, "we");
	if (t->file == NULL)
		return wm_err_sys(err, -errno, "%s", t->s->csv);
	(void)setvbuf(t->file, NULL, _IOFBF, STREAM_BUFFER);
	rc = rows_gen_create(&t->gen, m, t->s->seed);
	if (rc < 0) {
		(void)fclose(t->file);
		return wm_err_sys(err, rc, "making rows");
	}
	*began = true;
	row_line_init(&t->line, rows_info(m), rows_time_unit(m), rows_duration_unit(m));
	row_line_names(&t->line);
	(void)fwrite(t->line.text, 1, t->line.len, t->file); // the next one that fails says so
	rc = write_rows(t, stop, begin_s, err);
	if (fclose(t->file) != 0 && rc == 0)
		rc = wm_err_sys(err, -errno, "%s: cannot be written", t->s->csv);
	rows_gen_destroy(t->gen);
	t->stats.wall_s = wm_now_s() - begin_s;
	print(&t->stats);
	return rc;
}

int table_run(const struct settings *s, const struct models *models, bool *began, struct wm_err *err)
{
	struct table t = {.s = s, .end_ns = s->duration_s > 0 ? (uint64_t)llround(s->duration_s * 1e9) : UINT64_MAX};
	struct wm_file json = {0};
	int rc = s->stats_json != NULL ? wm_file_begin(&json, s->stats_json, err) : 0;

	if (rc < 0)
		return rc;
	rc = run(&t, models->at[0].rows, began, err);
	if (rc < 0)
		wm_file_abort(&json);
	return rc == 0 && s->stats_json != NULL ? write_json(&t, &json, err) : rc;
}
