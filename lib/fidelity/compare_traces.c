// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/families.h>
#include <fidelity/series.h>

#include <errno.h>
#include <stdlib.h>

static const struct wm_family_def defs[] = {
	{WM_UNIT_PACKET, WM_HALVINGS, WM_DEALS, false, "marginals"},
	{WM_UNIT_STRETCH, WM_HALVINGS, WM_DEALS, false, "sequences"},
	{WM_UNIT_FLOW, WM_HALVINGS, WM_DEALS, false, "flows"},
	{WM_UNIT_FLOW, WM_HALVINGS, WM_DEALS, false, "validity"},
	{WM_UNIT_STRETCH, WM_HALVINGS, WM_DEALS, false, "rates"},
	{WM_UNIT_STRETCH, WM_HALVINGS_CLASSIFIER, 4, true, "classifier"}, // takes the most time
	{WM_UNIT_STRETCH, WM_HALVINGS, 0, false, "memorisation"},         // hands hold each other's copies
	{WM_UNIT_CLUSTER, WM_HALVINGS, WM_DEALS, false, "pairs of fields"},
	{WM_UNIT_CLUSTER, WM_HALVINGS, WM_DEALS, false, "NetShare's fields"},
	{WM_UNIT_CLUSTER, WM_HALVINGS, WM_DEALS, false, "usefulness"},
};
enum { N_FAMILIES = sizeof(defs) / sizeof(defs[0]) };
static wm_family *const families[N_FAMILIES] = {wm_measure_marginals, wm_measure_sequence, wm_measure_flows,
	wm_measure_validity, wm_measure_aggregate, wm_measure_classifier, wm_measure_memorisation, wm_measure_pairwise,
	wm_measure_netshare, wm_measure_usefulness};

static int measure(
	struct wm_job *j, size_t family, const struct wm_part *a, const struct wm_part *b, struct wm_values *out)
{
	return families[family](&(struct wm_comparison){&j->traces[WM_INPUT_REAL], a->packets, b->packets, &j->s, out});
}

static int cut_in_time(struct wm_cut *out, struct wm_job *j)
{
	return wm_halve_in_time(&out->packets, &j->traces[WM_INPUT_REAL], &j->s);
}

static int cut_at_random(struct wm_cut *out, struct wm_job *j, enum wm_unit unit)
{
	return wm_halve_random(&out->packets, &j->traces[WM_INPUT_REAL], unit, &j->random, &j->s);
}

static int deal(struct wm_cut *out, struct wm_job *j)
{
	return wm_deal(&out->packets, &j->traces[WM_INPUT_REAL], &j->traces[WM_INPUT_SYNTH], &j->random, &j->s);
}

static const struct wm_families all = {defs, N_FAMILIES, measure, cut_in_time, cut_at_random, deal};

static int note_comparison(struct wm_job *j)
{
	int rc = 0;

	if (j->traces[WM_INPUT_REAL].links != j->traces[WM_INPUT_SYNTH].links)
		rc = wm_job_note(j, "link types differ: lengths and headers are not comparable");
	if (rc == 0 && j->traces[WM_INPUT_REAL].n < WM_REAL_FEW)
		rc = wm_job_note(j, "the real traffic has under 1,000 packets: the floors are coarse");
	return rc;
}

// Distances to the closest record, a record being a flow: how long, to which port, how many packets and bytes. Who it
// is between and the client's port would tell the time, as they would to trees.
static int measure_nearness_of_flows(struct wm_job *j)
{
	static const enum wm_row_column who[] = {WM_R_SA, WM_R_DA, WM_R_SP};
	const struct wm_table_info like = {.schema = WM_TABLE_LABELS};
	int rc = 0;

	if (j->traces[WM_INPUT_HOLDOUT].n == 0)
		return 0;
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++) {
		rc = wm_rows_of_trace(&j->tables[i], &j->traces[i], &j->addresses, &like, &j->texts);
		if (rc == -ENODATA) // no IP
			rc = 0;
	}
	if (rc == 0)
		rc = wm_rows_settle(j->tables, WM_INPUTS, &j->texts);
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++)
		for (size_t k = 0; k < sizeof(who) / sizeof(who[0]); k++) {
			free(j->tables[i].col[who[k]]);
			j->tables[i].col[who[k]] = NULL;
		}
	return rc < 0 ? rc : wm_measure_nearness(j, "G.flows.dcr");
}

int wm_compare_traces(struct wm_job *j, struct wm_err *err)
{
	int rc = 0;

	j->steps += wm_families_steps(&all);
	for (enum wm_input_role i = 0; i < WM_INPUTS && rc == 0; i++)
		if (j->options->paths[i] != NULL)
			rc = wm_job_read_capture(j, i, err);
	if (rc < 0)
		return rc;
	rc = wm_measure_families(j, &all);
	if (rc == 0)
		rc = measure_nearness_of_flows(j);
	if (rc == 0)
		rc = note_comparison(j);
	if (rc == 0)
		rc = wm_series_of_traces(j->f, j->traces, &j->s);
	if (rc == 0)
		rc = wm_score(j->f, &j->m);
	return rc < 0 ? wm_err_sys(err, rc, "%s", j->options->paths[WM_INPUT_REAL]) : 0;
}
