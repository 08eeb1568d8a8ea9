// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/halves.h>
#include <fidelity/score.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HALVINGS = 5, HALVINGS_CLASSIFIER = 2, REAL_MIN = 50, REAL_FEW = 1000 };

// The families of metrics, and what stays together in the random halves that are their floor.
static const struct {
	wm_family *measure;
	enum wm_unit unit;
	unsigned halvings;
	const char *what;
} families[] = {
	{wm_measure_marginals, WM_UNIT_PACKET, HALVINGS, "marginals"},
	{wm_measure_sequence, WM_UNIT_STRETCH, HALVINGS, "sequences"},
	{wm_measure_flows, WM_UNIT_FLOW, HALVINGS, "flows"},
	{wm_measure_validity, WM_UNIT_FLOW, HALVINGS, "validity"},
	{wm_measure_aggregate, WM_UNIT_STRETCH, HALVINGS, "rates"},
};
enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

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

struct job {
	const struct wm_fidelity_options *options;
	struct wm_fidelity *f;
	struct wm_trace traces[WM_INPUTS];
	struct wm_intern addresses;
	struct wm_scratch s;
	struct wm_measured m;
	enum wm_input_role reading;
	int rc; // of what cannot return it
	unsigned done;
	unsigned steps;
};

static void tell(struct job *j, double part, const char *what)
{
	if (j->options->progress != NULL)
		j->options->progress(j->options->arg, (j->done + part) / j->steps, what);
}

static void tell_reading(void *arg, double part)
{
	tell(arg, part, "reading");
}

static void note_input(void *arg, const char *sentence)
{
	struct job *j = arg;
	struct wm_fidelity_input *in = &j->f->inputs[j->reading];

	if (add_note(&in->notes, &in->n_notes, sentence) < 0)
		j->rc = -ENOMEM;
}

static int read_input(struct job *j, enum wm_input_role role, struct wm_err *err)
{
	struct wm_fidelity_input *in = &j->f->inputs[role];
	struct wm_trace *t = &j->traces[role];
	const struct wm_trace_options options = {
		.addresses = &j->addresses,
		.max = j->options->max_packets,
		.note = note_input,
		.tell = tell_reading,
		.arg = j,
	};
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
	if (role == WM_INPUT_REAL && t->n < REAL_MIN)
		return wm_err_set(err, -ENODATA, "%s: %zu packets, but the real traffic needs at least %d", in->path,
			t->n, REAL_MIN);
	return 0;
}

static int measure(
	struct job *j, size_t family, const struct wm_trace *a, const struct wm_trace *b, struct wm_values *out)
{
	const struct wm_comparison c = {&j->traces[WM_INPUT_REAL], a, b, &j->s, out};
	const size_t mark = j->s.n;
	int rc = families[family].measure(&c);

	wm_scratch_release(&j->s, mark);
	return rc;
}

static int measure_values(struct job *j)
{
	const struct wm_trace *real = &j->traces[WM_INPUT_REAL], *holdout = &j->traces[WM_INPUT_HOLDOUT];
	struct wm_halves h = {.a.n = 0};
	int rc = wm_halve_in_time(&h, real, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		tell(j, 0, families[i].what);
		rc = measure(j, i, real, &j->traces[WM_INPUT_SYNTH], &j->m.value);
		if (rc == 0 && holdout->n > 0)
			rc = measure(j, i, real, holdout, &j->m.holdout);
		if (rc == 0)
			rc = measure(j, i, &h.a, &h.b, &j->m.tfloor);
		j->done++;
	}
	wm_halves_free(&h);
	return rc;
}

// One random halving, which serves all families whose units it halves.
static int measure_floor(struct job *j, enum wm_unit unit, unsigned number)
{
	struct wm_halves h = {.a.n = 0};
	struct wm_values *v = calloc(1, sizeof(*v));
	int rc = v == NULL ? -ENOMEM : wm_halve_random(&h, &j->traces[WM_INPUT_REAL], unit, number, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		if (families[i].unit != unit || number >= families[i].halvings)
			continue;
		tell(j, 0, "noise floor");
		rc = measure(j, i, &h.a, &h.b, v);
		j->done++;
	}
	if (rc == 0)
		wm_measured_add_floor(&j->m, v);
	wm_halves_free(&h);
	free(v);
	return rc;
}

static int note_comparison(struct job *j)
{
	struct wm_fidelity *f = j->f;
	int rc = 0;

	if (j->traces[WM_INPUT_REAL].links != j->traces[WM_INPUT_SYNTH].links)
		rc = add_note(&f->notes, &f->n_notes, "link types differ: lengths and headers are not comparable");
	if (rc == 0 && j->traces[WM_INPUT_REAL].n < REAL_FEW)
		rc = add_note(
			&f->notes, &f->n_notes, "the real traffic has under 1,000 packets: the floors are coarse");
	return rc;
}

static int compare_captures(struct job *j, struct wm_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < N_FAMILIES; i++)
		j->steps += 1 + families[i].halvings;
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++)
		if (j->options->paths[i] != NULL)
			rc = read_input(j, i, err);
	if (rc < 0)
		return rc;
	rc = measure_values(j);
	for (enum wm_unit unit = WM_UNIT_PACKET; unit <= WM_UNIT_FLOW; unit++)
		for (unsigned k = 0; k < HALVINGS && rc == 0; k++)
			rc = measure_floor(j, unit, k);
	if (rc == 0)
		rc = note_comparison(j);
	if (rc == 0)
		rc = wm_score(j->f, &j->m);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[WM_INPUT_REAL]) : 0;
}

int wm_fidelity_compare(struct wm_fidelity **out, const struct wm_fidelity_options *options, struct wm_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
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
	f->mode = WM_FIDELITY_PACKETS;
	rc = compare_captures(j, err);
	for (size_t i = 0; i < WM_INPUTS; i++)
		wm_trace_free(&j->traces[i]);
	wm_intern_free(&j->addresses);
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
