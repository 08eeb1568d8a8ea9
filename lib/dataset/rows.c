// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <dataset/dataset.h>
#include <dataset/rows.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TELL_EVERY = 4096 }; // rows

static const double count_max = 9007199254740992.0; // 2^53: beyond it not every whole number is one
static const double duration_max_s = 1e9;           // some 31 years

struct reading {
	struct wm_flow_rows rows;
	size_t cap;
	int64_t *times; // since the epoch, by row
	size_t times_cap;
	const struct wm_dataset_options *options;
	struct wm_dataset *ds;
};

static bool is_count(double v)
{
	return v >= 0 && v <= count_max;
}

static bool is_port(double v)
{
	return v >= 0 && v <= UINT16_MAX && v == floor(v);
}

static bool makes_sense(const struct wm_table_row *row)
{
	return is_count(row->packets) && is_count(row->bytes) && is_count(row->reply_packets)
	       && is_count(row->reply_bytes) && row->reply_packets <= row->packets && row->reply_bytes <= row->bytes
	       && is_port(row->sport) && is_port(row->dport) && row->duration_s >= 0
	       && row->duration_s <= duration_max_s && *row->src != '\0' && *row->dst != '\0';
}

static int intern(uint32_t *out, struct wm_intern *in, const char *text)
{
	const int64_t n = wm_intern_add(in, text, strlen(text));

	*out = (uint32_t)n;
	return n < 0 ? (int)n : 0;
}

static int add_row(struct reading *r, const struct wm_table_row *row)
{
	struct wm_flow_rows *rows = &r->rows;
	struct wm_flow_row *f;
	int rc;

	if (wm_grow((void **)&rows->at, &r->cap, rows->n + 1, sizeof(*rows->at)) < 0
		|| wm_grow((void **)&r->times, &r->times_cap, rows->n + 1, sizeof(*r->times)) < 0)
		return -ENOMEM;
	f = &rows->at[rows->n];
	*f = (struct wm_flow_row){
		.duration_ns = (uint64_t)llround(row->duration_s * 1e9),
		.packets = {(uint64_t)(row->packets - row->reply_packets), (uint64_t)row->reply_packets},
		.bytes = {(uint64_t)(row->bytes - row->reply_bytes), (uint64_t)row->reply_bytes},
		.sport = (uint16_t)row->sport,
		.dport = (uint16_t)row->dport,
	};
	rc = intern(&f->src, &rows->hosts, row->src);
	rc = rc < 0 ? rc : intern(&f->dst, &rows->hosts, row->dst);
	rc = rc < 0 ? rc : intern(&f->proto, &rows->protos, row->proto);
	for (int i = 0; i < WM_TABLE_CATEGORIES && rc == 0; i++)
		rc = intern(&f->category[i], &rows->categories[i], row->category[i]);
	if (rc == 0)
		r->times[rows->n++] = row->time_ns;
	return rc;
}

static void add_counts(struct wm_table_counts *to, const struct wm_table_counts *from)
{
	to->rows += from->rows;
	to->used += from->used;
	to->untimed += from->untimed;
	to->uncounted += from->uncounted;
	to->misshapen += from->misshapen;
}

static int read_rows(struct reading *r, struct wm_table *t, const char *path, struct wm_err *err)
{
	struct wm_flow_rows *rows = &r->rows;
	struct wm_table_row row;
	uint64_t done, all;
	int rc;

	while ((rc = wm_table_next(t, &row, err)) > 0) {
		if (!makes_sense(&row)) {
			if (rows->senseless++ == 0 && rows->fault.msg[0] == '\0')
				(void)wm_err_set(&rows->fault, 0,
					"%s: line %llu: addresses are missing, or a port, a count or the duration "
					"cannot be",
					path, (unsigned long long)row.line);
			continue;
		}
		if (add_row(r, &row) < 0)
			return wm_err_sys(err, -ENOMEM, "%s: %zu rows", path, rows->n);
		if (rows->n % TELL_EVERY == 0 && r->options->progress != NULL) {
			wm_table_progress(t, &done, &all);
			r->options->progress(r->options->arg, done, all);
		}
	}
	return rc;
}

static int read_table(struct reading *r, const char *path, struct wm_err *err)
{
	struct wm_flow_rows *rows = &r->rows;
	struct wm_table *t;
	int rc = wm_table_open(&t, path, err);

	if (rc < 0)
		return rc;
	if (rows->info.name == NULL)
		rows->info = *wm_table_info(t);
	else if (wm_table_info(t)->schema != rows->info.schema)
		rc = wm_err_set(err, -EINVAL, "%s: is a table like %s, those before are like %s; give one kind", path,
			wm_table_info(t)->name, rows->info.name);
	if (rc == 0)
		rc = read_rows(r, t, path, err);
	add_counts(&rows->counts, wm_table_counts(t));
	if (wm_table_fault(t) != NULL && rows->fault.msg[0] == '\0')
		(void)wm_err_set(&rows->fault, 0, "%s: %s", path, wm_table_fault(t));
	if (wm_table_damage(t) != NULL && r->ds->counts.damaged++ == 0)
		(void)wm_err_set(&r->ds->damage, 0, "%s: %s", path, wm_table_damage(t));
	wm_table_close(t);
	return rc;
}

struct order {
	int64_t time_ns;
	size_t at;
};

static int by_time(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

// The largest power of ten, up to a second, of which it is a multiple as well.
static uint64_t unit_of(uint64_t ns, uint64_t unit_ns)
{
	while (unit_ns > 1 && ns % unit_ns != 0)
		unit_ns /= 10;
	return unit_ns;
}

static int sort_rows(struct reading *r)
{
	struct wm_flow_rows *rows = &r->rows;
	struct order *order = calloc(rows->n, sizeof(*order));
	struct wm_flow_row *sorted = calloc(rows->n, sizeof(*sorted));

	if (order == NULL || sorted == NULL) {
		free(order);
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < rows->n; i++)
		order[i] = (struct order){r->times[i], i};
	qsort(order, rows->n, sizeof(*order), by_time);
	rows->time_unit_ns = rows->duration_unit_ns = 1000000000;
	for (size_t i = 0; i < rows->n; i++) {
		sorted[i] = rows->at[order[i].at];
		sorted[i].time_ns = (uint64_t)order[i].time_ns - (uint64_t)order[0].time_ns;
		rows->time_unit_ns = unit_of(sorted[i].time_ns, rows->time_unit_ns);
		rows->duration_unit_ns = unit_of(sorted[i].duration_ns, rows->duration_unit_ns);
	}
	r->ds->first_ns = order[0].time_ns > 0 ? (uint64_t)order[0].time_ns : 0;
	r->ds->duration_ns = sorted[rows->n - 1].time_ns;
	free(order);
	free(rows->at);
	rows->at = sorted;
	return 0;
}

int wm_flow_rows_read(struct wm_dataset *out, const char *const *paths, size_t n_paths,
	const struct wm_dataset_options *options, struct wm_err *err)
{
	struct wm_dataset ds = {0};
	struct reading r = {.options = options, .ds = &ds};
	int rc = 0;

	if (options->filter != NULL)
		return wm_err_set(err, -EINVAL, "option --filter: it is for packets, and %s is a flow table", paths[0]);
	for (size_t i = 0; i < n_paths && rc == 0; i++)
		rc = read_table(&r, paths[i], err);
	if (rc == 0 && r.rows.n == 0)
		rc = wm_err_set(err, -ENODATA, "%s: no row can be used: %s", paths[0], r.rows.fault.msg);
	if (rc == 0 && sort_rows(&r) < 0)
		rc = wm_err_sys(err, -ENOMEM, "a table of %zu rows", r.rows.n);
	free(r.times);
	if (rc < 0) {
		wm_flow_rows_free(&r.rows);
		return rc;
	}
	ds.rows = r.rows;
	*out = ds;
	return 0;
}

void wm_flow_rows_free(struct wm_flow_rows *r)
{
	free(r->at);
	wm_intern_free(&r->hosts);
	wm_intern_free(&r->protos);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		wm_intern_free(&r->categories[i]);
	*r = (struct wm_flow_rows){0};
}
