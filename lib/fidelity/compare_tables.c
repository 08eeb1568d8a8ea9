// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/families.h>
#include <fidelity/series.h>
#include <fidelity/tables.h>

#include <errno.h>
#include <stdio.h>

static const struct wm_family_def defs[] = {
	{WM_UNIT_PACKET, WM_HALVINGS, 0, false, "columns"}, // a row is what a packet is in a capture
	{WM_UNIT_PACKET, WM_HALVINGS, 0, false, "pairs of columns"},
	{WM_UNIT_PACKET, WM_HALVINGS_CLASSIFIER, 0, false, "classifier"},
	{WM_UNIT_PACKET, WM_HALVINGS, 0, false, "rules"},
	{WM_UNIT_PACKET, WM_HALVINGS, 0, false, "memorisation"},
	{WM_UNIT_PACKET, WM_HALVINGS_CLASSIFIER, 0, false, "usefulness"},
};
enum { N_FAMILIES = sizeof(defs) / sizeof(defs[0]) };
static wm_row_family *const families[N_FAMILIES] = {wm_measure_columns, wm_measure_row_pairs, wm_measure_row_classifier,
	wm_measure_rules, wm_measure_row_copies, wm_measure_label};

static int measure(
	struct wm_job *j, size_t family, const struct wm_part *a, const struct wm_part *b, struct wm_values *out)
{
	return families[family](&(struct wm_row_comparison){&j->tables[WM_INPUT_REAL], a->rows, b->rows, &j->s, out});
}

static int cut_in_time(struct wm_cut *out, struct wm_job *j)
{
	return wm_rows_halve_in_time(&out->rows, &j->tables[WM_INPUT_REAL], &j->s);
}

static int cut_at_random(struct wm_cut *out, struct wm_job *j, enum wm_unit unit)
{
	(void)unit;
	return wm_rows_halve_random(&out->rows, &j->tables[WM_INPUT_REAL], &j->random, &j->s);
}

static const struct wm_families all = {defs, N_FAMILIES, measure, cut_in_time, cut_at_random, NULL};

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

	j->steps += wm_families_steps(&all);
	j->f->mode = WM_FIDELITY_FLOWS;
	rc = read_all(j, is_table, err);
	if (rc < 0)
		return rc;
	rc = note_columns(j);
	if (rc == 0)
		rc = wm_measure_families(j, &all);
	if (rc == 0)
		rc = wm_measure_nearness(j, "G.nearer_to_real.dcr");
	if (rc == 0)
		rc = wm_series_of_tables(j->f, j->tables, &j->s);
	if (rc == 0)
		rc = wm_score(j->f, &j->m);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[WM_INPUT_REAL]) : 0;
}
