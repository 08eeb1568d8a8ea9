// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/halves.h>
#include <fidelity/job.h>
#include <fidelity/series.h>

#include <errno.h>
#include <stdlib.h>

// The families of metrics, and what stays together in the random halves that are their floor.
static const struct {
	wm_family *measure;
	enum wm_unit unit;
	unsigned halvings;
	const char *what;
} families[] = {
	{wm_measure_marginals, WM_UNIT_PACKET, WM_HALVINGS, "marginals"},
	{wm_measure_sequence, WM_UNIT_STRETCH, WM_HALVINGS, "sequences"},
	{wm_measure_flows, WM_UNIT_FLOW, WM_HALVINGS, "flows"},
	{wm_measure_validity, WM_UNIT_FLOW, WM_HALVINGS, "validity"},
	{wm_measure_aggregate, WM_UNIT_STRETCH, WM_HALVINGS, "rates"},
	{wm_measure_classifier, WM_UNIT_STRETCH, WM_HALVINGS_CLASSIFIER, "classifier"},
	{wm_measure_memorisation, WM_UNIT_STRETCH, WM_HALVINGS, "memorisation"},
	{wm_measure_pairwise, WM_UNIT_PACKET, WM_HALVINGS, "pairs of fields"},
	{wm_measure_netshare, WM_UNIT_PACKET, WM_HALVINGS, "NetShare's fields"},
	{wm_measure_usefulness, WM_UNIT_STRETCH, WM_HALVINGS, "usefulness"},
};
enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

static int measure(
	struct wm_job *j, size_t family, const struct wm_trace *a, const struct wm_trace *b, struct wm_values *out)
{
	const struct wm_comparison c = {&j->traces[WM_INPUT_REAL], a, b, &j->s, out};
	const size_t mark = j->s.n;
	int rc = families[family].measure(&c);

	wm_scratch_release(&j->s, mark);
	return rc;
}

static int measure_values(struct wm_job *j)
{
	const struct wm_trace *real = &j->traces[WM_INPUT_REAL], *holdout = &j->traces[WM_INPUT_HOLDOUT];
	struct wm_halves h = {.a.n = 0};
	int rc = wm_halve_in_time(&h, real, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		wm_job_tell(j, 0, families[i].what);
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
static int measure_floor(struct wm_job *j, enum wm_unit unit, unsigned number)
{
	struct wm_halves h = {.a.n = 0};
	struct wm_values *v = calloc(1, sizeof(*v));
	int rc = v == NULL ? -ENOMEM : wm_halve_random(&h, &j->traces[WM_INPUT_REAL], unit, number, &j->s);

	for (size_t i = 0; i < N_FAMILIES && rc == 0; i++) {
		if (families[i].unit != unit || number >= families[i].halvings)
			continue;
		wm_job_tell(j, 0, "noise floor");
		rc = measure(j, i, &h.a, &h.b, v);
		j->done++;
	}
	if (rc == 0)
		wm_measured_add_floor(&j->m, v);
	wm_halves_free(&h);
	free(v);
	return rc;
}

static int note_comparison(struct wm_job *j)
{
	int rc = 0;

	if (j->traces[WM_INPUT_REAL].links != j->traces[WM_INPUT_SYNTH].links)
		rc = wm_job_note(j, "link types differ: lengths and headers are not comparable");
	if (rc == 0 && j->traces[WM_INPUT_REAL].n < WM_REAL_FEW)
		rc = wm_job_note(j, "the real traffic has under 1,000 packets: the floors are coarse");
	return rc;
}

int wm_compare_traces(struct wm_job *j, struct wm_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < N_FAMILIES; i++)
		j->steps += 1 + families[i].halvings;
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++)
		if (j->options->paths[i] != NULL)
			rc = wm_job_read_capture(j, i, err);
	if (rc < 0)
		return rc;
	rc = measure_values(j);
	for (enum wm_unit unit = WM_UNIT_PACKET; unit <= WM_UNIT_FLOW; unit++)
		for (unsigned k = 0; k < WM_HALVINGS && rc == 0; k++)
			rc = measure_floor(j, unit, k);
	if (rc == 0)
		rc = note_comparison(j);
	if (rc == 0)
		rc = wm_series_of_traces(j->f, j->traces, &j->s);
	if (rc == 0)
		rc = wm_score(j->f, &j->m);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[WM_INPUT_REAL]) : 0;
}
