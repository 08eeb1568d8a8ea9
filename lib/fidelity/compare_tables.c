// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/halves.h>
#include <fidelity/job.h>
#include <fidelity/series.h>
#include <fidelity/tables.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHUFFLE_ROWS = 1 << 18, RANDOM = 0, EARLY = 1 };

static const struct {
	wm_row_family *measure;
	unsigned halvings;
	const char *what;
} families[] = {
	{wm_measure_columns, WM_HALVINGS, "columns"},
	{wm_measure_row_pairs, WM_HALVINGS, "pairs of columns"},
	{wm_measure_row_classifier, WM_HALVINGS_CLASSIFIER, "classifier"},
	{wm_measure_rules, WM_HALVINGS, "rules"},
	{wm_measure_row_copies, WM_HALVINGS, "memorisation"},
	{wm_measure_label, WM_HALVINGS_CLASSIFIER, "usefulness"},
};
enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

struct halves {
	struct wm_rows a;
	struct wm_rows b;
};

static void free_halves(struct halves *h)
{
	wm_rows_free(&h->a);
	wm_rows_free(&h->b);
}

// A random half of the rows, or the first in time, and the rest.
static int halve(struct halves *out, const struct wm_rows *r, int how, unsigned number, struct wm_scratch *s)
{
	uint32_t *order = wm_scratch_get(s, r->n, sizeof(*order));
	uint8_t *marks = wm_scratch_get(s, r->n, 1);
	struct halves h = {.a.n = 0};

	if (order == NULL || marks == NULL)
		return -ENOMEM;
	wm_shuffle(order, r->n, (uint64_t)SHUFFLE_ROWS << 32 | number);
	for (size_t i = 0; i < r->n / 2; i++)
		marks[how == EARLY ? i : order[i]] = 1;
	if (wm_rows_take(&h.a, r, marks, 1) < 0 || wm_rows_take(&h.b, r, marks, 0) < 0) {
		free_halves(&h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

static int measure(
	struct wm_job *j, size_t family, const struct wm_rows *a, const struct wm_rows *b, struct wm_values *out)
{
	const struct wm_row_comparison c = {&j->tables[WM_INPUT_REAL], a, b, &j->s, out};
	const size_t mark = j->s.n;
	int rc = families[family].measure(&c);

	wm_scratch_release(&j->s, mark);
	return rc;
}

static int measure_values(struct wm_job *j)
{
	const struct wm_rows *real = &j->tables[WM_INPUT_REAL], *holdout = &j->tables[WM_INPUT_HOLDOUT];
	struct halves h = {.a.n = 0};
	int rc = halve(&h, real, EARLY, 0, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		wm_job_tell(j, 0, families[i].what);
		rc = measure(j, i, real, &j->tables[WM_INPUT_SYNTH], &j->m.value);
		if (rc == 0 && holdout->n > 0)
			rc = measure(j, i, real, holdout, &j->m.holdout);
		if (rc == 0)
			rc = measure(j, i, &h.a, &h.b, &j->m.tfloor);
		j->done++;
	}
	free_halves(&h);
	return rc;
}

static int measure_floor(struct wm_job *j, unsigned number)
{
	struct halves h = {.a.n = 0};
	struct wm_values *v = calloc(1, sizeof(*v));
	int rc = v == NULL ? -ENOMEM : halve(&h, &j->tables[WM_INPUT_REAL], RANDOM, number, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		if (number >= families[i].halvings)
			continue;
		wm_job_tell(j, 0, "noise floor");
		rc = measure(j, i, &h.a, &h.b, v);
		j->done++;
	}
	if (rc == 0)
		wm_measured_add_floor(&j->m, v);
	free_halves(&h);
	free(v);
	return rc;
}

// Distances to the closest record; a perfect model is as near to the one as to the other.
static int measure_nearness(struct wm_job *j)
{
	struct wm_values v = {.has = {false}};
	double nearer;
	int rc;

	if (j->tables[WM_INPUT_HOLDOUT].n == 0)
		return 0;
	rc = wm_nearer_to_real(
		&nearer, &j->tables[WM_INPUT_REAL], &j->tables[WM_INPUT_SYNTH], &j->tables[WM_INPUT_HOLDOUT], &j->s);
	if (rc < 0)
		return rc;
	wm_put(&j->m.value, nearer, "G.nearer_to_real.dcr");
	wm_put(&v, .5, "G.nearer_to_real.dcr");
	wm_measured_add_floor(&j->m, &v);
	return 0;
}

static int describe(struct wm_job *j, enum wm_input_role role, const char *format, struct wm_err *err)
{
	struct wm_fidelity_input *in = &j->f->inputs[role];
	const struct wm_rows *r = &j->tables[role];

	if (in->path == NULL)
		in->path = strdup(j->options->paths[role]);
	if (in->path == NULL || j->rc < 0)
		return wm_err_sys(err, -ENOMEM, "%s", j->options->paths[role]);
	in->format = format;
	in->packets = in->flows = r->n;
	in->bytes = 0;
	for (size_t i = 0; i < r->n; i++)
		in->bytes += r->col[WM_R_BYT][i] > 0 ? (uint64_t)r->col[WM_R_BYT][i] : 0;
	if (role == WM_INPUT_REAL && r->n < WM_REAL_MIN)
		return wm_err_set(err, -ENODATA, "%s: %zu rows, but the real traffic needs at least %d", in->path, r->n,
			WM_REAL_MIN);
	return 0;
}

static int read_table(struct wm_job *j, enum wm_input_role role, struct wm_table_info *like, struct wm_err *err)
{
	const struct wm_trace_options options = wm_job_reading(j);
	struct wm_table *t = NULL;
	int rc;

	j->reading = role;
	wm_job_tell(j, 0, "reading");
	rc = wm_table_open(&t, j->options->paths[role], err);
	if (rc < 0)
		return rc;
	rc = wm_rows_read(&j->tables[role], t, &j->texts, &options, err);
	if (rc == 0 && j->tables[role].n == 0)
		rc = wm_err_set(err, -ENODATA, "%s: no rows that can be used", j->options->paths[role]);
	if (rc == 0)
		rc = describe(j, role, wm_table_info(t)->name, err);
	*like = *wm_table_info(t);
	wm_table_close(t);
	j->done++;
	return rc;
}

static int read_capture(struct wm_job *j, enum wm_input_role role, const struct wm_table_info *like, struct wm_err *err)
{
	int rc = wm_job_read_capture(j, role, err);

	if (rc < 0)
		return rc;
	rc = wm_rows_of_trace(&j->tables[role], &j->traces[role], &j->addresses, like, &j->texts);
	wm_trace_free(&j->traces[role]);
	if (rc == -ENODATA)
		return wm_err_set(err, rc, "%s: no IP packets to compare with a flow table", j->options->paths[role]);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[role]) : describe(j, role, "capture", err);
}

static int read_all(struct wm_job *j, const bool is_table[WM_INPUTS], struct wm_err *err)
{
	struct wm_table_info like = {.name = NULL}, last = {.name = NULL};
	bool captures = false;
	int rc = 0;

	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++) {
		if (j->options->paths[i] == NULL || !is_table[i])
			continue;
		rc = read_table(j, i, &last, err);
		like = like.name == NULL ? last : like;
	}
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++) {
		if (j->options->paths[i] == NULL || is_table[i])
			continue;
		captures = true;
		rc = read_capture(j, i, &like, err);
	}
	if (rc == 0 && captures)
		rc = wm_job_note(j, "a capture is compared with a flow table as the flows in it: packets do not count");
	if (rc == 0 && wm_rows_settle(j->tables, WM_INPUTS, &j->texts) < 0)
		rc = wm_err_sys(err, -ENOMEM, "%s", j->options->paths[WM_INPUT_REAL]);
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++)
		if (j->tables[i].n > 0)
			j->f->inputs[i].duration_s = j->tables[i].col[WM_R_TS][j->tables[i].n - 1];
	return rc;
}

// A note about the columns that not every input has.
static int note_columns(struct wm_job *j)
{
	char text[200] = "not in every input, so not compared:";
	size_t used = strlen(text), before = used;

	for (size_t k = WM_R_CATEGORY; k < WM_R_COLUMNS; k++) {
		size_t have = 0, inputs = 0;

		for (size_t i = 0; i < WM_INPUTS; i++) {
			inputs += j->tables[i].n > 0;
			have += j->tables[i].n > 0 && j->tables[i].col[k] != NULL;
		}
		if (have > 0 && have < inputs)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", wm_row_name(k));
	}
	return used > before ? wm_job_note(j, text) : 0;
}

int wm_compare_tables(struct wm_job *j, const bool is_table[WM_INPUTS], struct wm_err *err)
{
	int rc;

	for (size_t i = 0; i < N_FAMILIES; i++)
		j->steps += 1 + families[i].halvings;
	j->f->mode = WM_FIDELITY_FLOWS;
	rc = read_all(j, is_table, err);
	if (rc < 0)
		return rc;
	rc = note_columns(j);
	if (rc == 0)
		rc = measure_values(j);
	for (unsigned k = 0; k < WM_HALVINGS && rc == 0; k++)
		rc = measure_floor(j, k);
	if (rc == 0)
		rc = measure_nearness(j);
	if (rc == 0)
		rc = wm_series_of_tables(j->f, j->tables, &j->s);
	if (rc == 0)
		rc = wm_score(j->f, &j->m);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[WM_INPUT_REAL]) : 0;
}
