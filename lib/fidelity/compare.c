// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/job.h>

#include <errno.h>
#include <stdlib.h>

static int add_note(char ***notes, size_t *n, const char *sentence)
{
	char **more = reallocarray(*notes, *n + 1, sizeof(*more)), *copy = strdup(sentence);

	if (more != NULL)
		*notes = more;
	if (more == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	more[(*n)++] = copy;
	return 0;
}

void wm_job_tell(struct wm_job *j, double part, const char *what)
{
	if (j->options->progress != NULL)
		j->options->progress(j->options->arg, (j->done + part) / j->steps, what);
}

int wm_job_note(struct wm_job *j, const char *sentence)
{
	return add_note(&j->f->notes, &j->f->n_notes, sentence);
}

static void tell_reading(void *arg, double part)
{
	wm_job_tell(arg, part, "reading");
}

static void note_input(void *arg, const char *sentence)
{
	struct wm_job *j = arg;
	struct wm_fidelity_input *in = &j->f->inputs[j->reading];

	if (add_note(&in->notes, &in->n_notes, sentence) < 0)
		j->rc = -ENOMEM;
}

struct wm_trace_options wm_job_reading(struct wm_job *j)
{
	return (struct wm_trace_options){
		.addresses = &j->addresses,
		.max = j->options->max_packets,
		.note = note_input,
		.tell = tell_reading,
		.arg = j,
	};
}

int wm_job_read_capture(struct wm_job *j, enum wm_input_role role, struct wm_err *err)
{
	const struct wm_trace_options options = wm_job_reading(j);
	struct wm_fidelity_input *in = &j->f->inputs[role];
	struct wm_trace *t = &j->traces[role];
	int rc;

	j->reading = role;
	rc = wm_trace_read(t, j->options->paths[role], &options, err);
	if (rc < 0)
		return rc;
	j->done++;
	in->path = strdup(j->options->paths[role]);
	if (in->path == NULL || j->rc < 0)
		return wm_err_sys(err, -ENOMEM, "%s", j->options->paths[role]);
	in->format = "capture";
	in->packets = t->n;
	in->flows = t->n_flows;
	in->duration_s = wm_seconds(t->span_ns);
	for (size_t i = 0; i < t->n; i++)
		in->bytes += (uint64_t)t->field[WM_F_LEN][i];
	if (role == WM_INPUT_REAL && t->n < WM_REAL_MIN)
		return wm_err_set(err, -ENODATA, "%s: %zu packets, but the real traffic needs at least %d", in->path,
			t->n, WM_REAL_MIN);
	return 0;
}

static int compare(struct wm_job *j, struct wm_err *err)
{
	bool is_table[WM_INPUTS] = {false}, any = false;

	for (size_t i = 0; i < WM_INPUTS; i++) {
		const char *path = j->options->paths[i];
		int rc = path != NULL ? wm_table_is_text(path) : 0;

		if (rc < 0)
			return wm_err_sys(err, rc, "%s", path);
		is_table[i] = rc > 0;
		any |= is_table[i];
	}
	return any ? wm_compare_tables(j, is_table, err) : wm_compare_traces(j, err);
}

int wm_fidelity_compare(struct wm_fidelity **out, const struct wm_fidelity_options *options, struct wm_err *err)
{
	struct wm_job *j = calloc(1, sizeof(*j));
	struct wm_fidelity *f = calloc(1, sizeof(*f));
	int rc;

	if (j == NULL || f == NULL) {
		free(j);
		free(f);
		return wm_err_sys(err, -ENOMEM, "report");
	}
	j->options = options;
	j->f = f;
	j->steps = 2 + (options->paths[WM_INPUT_HOLDOUT] != NULL);
	rc = compare(j, err);
	for (size_t i = 0; i < WM_INPUTS; i++) {
		wm_trace_free(&j->traces[i]);
		wm_rows_free(&j->tables[i]);
	}
	wm_intern_free(&j->addresses);
	wm_texts_free(&j->texts);
	wm_scratch_fini(&j->s);
	free(j);
	if (rc == 0)
		*out = f;
	else
		wm_fidelity_free(f);
	return rc;
}

static void free_notes(char **notes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(notes[i]);
	free(notes);
}

void wm_fidelity_free(struct wm_fidelity *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		free(f->inputs[i].path);
		free_notes(f->inputs[i].notes, f->inputs[i].n_notes);
	}
	free_notes(f->notes, f->n_notes);
	for (size_t i = 0; i < f->n_series; i++) {
		free(f->series[i].x);
		for (size_t k = 0; k < WM_INPUTS; k++)
			free(f->series[i].y[k]);
		free(f->series[i].labels);
	}
	free(f->series);
	free(f->metrics);
	free(f);
}
