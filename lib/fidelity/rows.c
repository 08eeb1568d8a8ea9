// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <fidelity/rows.h>
#include <fidelity/tally.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TELL_EVERY = 1 << 14, FIRST_ROOM = 1 << 10 };

static const char *const names[WM_R_COLUMNS] = {"ts", "td", "sa", "da", "sp", "dp", "pr", "pkt", "byt", "flg", "tos",
	"fwd", "label", "type", "service", "state"};

const char *wm_row_name(size_t column)
{
	return names[column];
}

bool wm_row_is_text(size_t column)
{
	return column == WM_R_SA || column == WM_R_DA || column == WM_R_PR || column >= WM_R_CATEGORY;
}

static int resize(struct wm_rows *r, size_t room)
{
	for (size_t k = 0; k < WM_R_COLUMNS; k++) {
		double *more = reallocarray(r->col[k], room > 0 ? room : 1, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		r->col[k] = more;
	}
	return 0;
}

static int64_t number_of(struct wm_texts *texts, const char *s)
{
	return wm_intern_add(&texts->in, s, strlen(s) + 1);
}

static int put_row(struct wm_rows *r, const struct wm_table_row *row, struct wm_texts *texts)
{
	const size_t i = r->n;
	int64_t sa = number_of(texts, row->src), da = number_of(texts, row->dst), pr = number_of(texts, row->proto);

	if (sa < 0 || da < 0 || pr < 0)
		return -ENOMEM;
	r->col[WM_R_TS][i] = (double)row->time_ns; // until they are settled
	r->col[WM_R_TD][i] = row->duration_s;
	r->col[WM_R_SA][i] = (double)sa;
	r->col[WM_R_DA][i] = (double)da;
	r->col[WM_R_SP][i] = row->sport;
	r->col[WM_R_DP][i] = row->dport;
	r->col[WM_R_PR][i] = (double)pr;
	r->col[WM_R_PKT][i] = row->packets;
	r->col[WM_R_BYT][i] = row->bytes;
	for (size_t k = 0; k < WM_TABLE_CATEGORIES; k++) {
		int64_t text = number_of(texts, row->category[k]);

		if (text < 0)
			return -ENOMEM;
		r->col[WM_R_CATEGORY + k][i] = (double)text;
	}
	r->n++;
	return 0;
}

static void note_faults(const struct wm_table *t, const struct wm_trace_options *o)
{
	const struct wm_table_counts *c = wm_table_counts(t);
	char text[600];

	if (o->note == NULL)
		return;
	if (wm_table_damage(t) != NULL)
		o->note(o->arg, wm_table_damage(t));
	if (c->rows == c->used)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " rows cannot be used; the first: %s",
		c->rows - c->used, c->rows, wm_table_fault(t) != NULL ? wm_table_fault(t) : "");
	o->note(o->arg, text);
}

int wm_rows_read(struct wm_rows *out, struct wm_table *t, struct wm_texts *texts, const struct wm_trace_options *o,
	struct wm_err *err)
{
	struct wm_rows r = {.n = 0};
	struct wm_table_row row;
	int64_t first_ns = 0;
	size_t room = 0;
	int rc = 0;

	while (rc == 0 && (o->max == 0 || r.n < o->max)) {
		int got = wm_table_next(t, &row, err);

		if (got <= 0) {
			rc = got;
			break;
		}
		if (r.n == room) {
			room = room > 0 ? room * 2 : FIRST_ROOM;
			rc = r.n >= UINT32_MAX / 2 ? -ENOMEM : resize(&r, room);
		}
		first_ns = r.n == 0 ? row.time_ns : first_ns;
		row.time_ns -= first_ns; // so that a double holds it to the nanosecond
		if (rc == 0)
			rc = put_row(&r, &row, texts);
		if (rc < 0)
			(void)wm_err_sys(err, rc, "%zu rows", r.n);
	}
	if (rc < 0) {
		wm_rows_free(&r);
		return rc;
	}
	for (size_t k = 0; k < WM_TABLE_CATEGORIES; k++) {
		if (wm_table_info(t)->has[k])
			continue;
		free(r.col[WM_R_CATEGORY + k]);
		r.col[WM_R_CATEGORY + k] = NULL;
	}
	note_faults(t, o);
	*out = r;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Sorts the texts. @return the place of each number, or NULL without memory.
static uint32_t *sort_texts(struct wm_texts *t, struct wm_scratch *s)
{
	uint32_t *place = wm_scratch_get(s, t->in.n, sizeof(*place));

	t->sorted = calloc(t->in.n > 0 ? t->in.n : 1, sizeof(*t->sorted));
	if (place == NULL || t->sorted == NULL)
		return NULL;
	for (size_t i = 0; i < t->in.n; i++)
		t->sorted[i] = (char *)t->in.bytes + t->in.items[i].at;
	if (t->in.n > 0)
		qsort(t->sorted, t->in.n, sizeof(*t->sorted), by_text);
	for (size_t i = 0; i < t->in.n; i++) {
		int64_t number = wm_intern_find(&t->in, t->sorted[i], strlen(t->sorted[i]) + 1);

		place[number] = (uint32_t)i;
	}
	return place;
}

static int sort_rows(struct wm_rows *r, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, r->n, sizeof(*keys));
	uint32_t *order = wm_scratch_get(s, r->n, sizeof(*order));
	double *sorted = wm_scratch_get(s, r->n, sizeof(*sorted)), first = (double)INFINITY;

	if (keys == NULL || order == NULL || sorted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		first = fmin(first, r->col[WM_R_TS][i]);
	for (size_t i = 0; i < r->n; i++) {
		r->col[WM_R_TS][i] = (r->col[WM_R_TS][i] - first) / 1e9;
		keys[i] = wm_key_of(r->col[WM_R_TS][i]);
	}
	if (wm_sort_order(order, keys, r->n, s) < 0)
		return -ENOMEM;
	for (size_t k = 0; k < WM_R_COLUMNS; k++) {
		if (r->col[k] == NULL)
			continue;
		for (size_t i = 0; i < r->n; i++)
			sorted[i] = r->col[k][order[i]];
		memcpy(r->col[k], sorted, r->n * sizeof(*sorted));
	}
	return 0;
}

int wm_rows_settle(struct wm_rows *tables, size_t n, struct wm_texts *texts)
{
	struct wm_scratch s = {0};
	const uint32_t *place = sort_texts(texts, &s);
	int rc = place == NULL ? -ENOMEM : 0;

	for (size_t t = 0; t < n && rc == 0; t++) {
		struct wm_rows *r = &tables[t];

		for (size_t k = 0; k < WM_R_COLUMNS; k++)
			for (size_t i = 0; wm_row_is_text(k) && r->col[k] != NULL && i < r->n; i++)
				r->col[k][i] = place[(size_t)r->col[k][i]];
		r->texts = texts->sorted;
		rc = r->n > 0 ? sort_rows(r, &s) : 0;
	}
	wm_scratch_fini(&s);
	return rc;
}

int wm_rows_take(struct wm_rows *out, const struct wm_rows *r, const uint8_t *marks, uint8_t mark)
{
	struct wm_rows part = {.texts = r->texts};

	for (size_t i = 0; i < r->n; i++)
		part.n += marks[i] == mark;
	for (size_t k = 0; k < WM_R_COLUMNS; k++) {
		size_t n = 0;

		if (r->col[k] == NULL)
			continue;
		part.col[k] = calloc(part.n > 0 ? part.n : 1, sizeof(double));
		if (part.col[k] == NULL) {
			wm_rows_free(&part);
			return -ENOMEM;
		}
		for (size_t i = 0; i < r->n; i++)
			if (marks[i] == mark)
				part.col[k][n++] = r->col[k][i];
	}
	*out = part;
	return 0;
}

void wm_rows_free(struct wm_rows *r)
{
	for (size_t k = 0; k < WM_R_COLUMNS; k++)
		free(r->col[k]);
	*r = (struct wm_rows){0};
}

void wm_texts_free(struct wm_texts *t)
{
	free(t->sorted);
	wm_intern_free(&t->in);
	t->sorted = NULL;
}
