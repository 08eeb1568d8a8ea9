// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/series.h>

#include <errno.h>

enum { RANKS = 50 };

static int add_numbers(struct wm_fidelity *f, const struct wm_rows *tables, struct wm_scratch *s)
{
	static const struct {
		size_t column;
		const char *cdf;
		const char *histogram;
		const char *title;
		const char *unit;
		bool log_x;
	} plots[] = {
		{WM_R_TS, "cdf.ts", "hist.ts", "Time of a row", "s", false},
		{WM_R_TD, "cdf.td", "hist.td", "Duration of a row", "s", true},
		{WM_R_PKT, "cdf.pkt", "hist.pkt", "Packets of a row", "packets", true},
		{WM_R_BYT, "cdf.byt", "hist.byt", "Bytes of a row", "bytes", true},
	};
	int rc = 0;

	for (size_t k = 0; k < sizeof(plots) / sizeof(plots[0]) && rc == 0; k++) {
		const size_t mark = s->n;
		double *v[WM_INPUTS];
		size_t n[WM_INPUTS];

		for (size_t i = 0; i < WM_INPUTS; i++) {
			v[i] = tables[i].col[plots[k].column];
			n[i] = tables[i].n;
		}
		rc = wm_series_add_cdf(f, plots[k].cdf, plots[k].title, plots[k].unit, plots[k].log_x, v, n, s);
		if (rc == 0)
			rc = wm_series_add_histogram(
				f, plots[k].histogram, plots[k].title, plots[k].unit, plots[k].log_x, v, n, s);
		wm_scratch_release(s, mark);
	}
	return rc;
}

static int fill_ranks(double *y, const struct wm_rows *r, size_t column, struct wm_scratch *s)
{
	uint64_t *counts, *spare;
	struct wm_tally t;

	if (wm_tally_doubles(&t, r->col[column], r->n, s) < 0)
		return -ENOMEM;
	counts = wm_scratch_get(s, t.n, sizeof(*counts));
	spare = wm_scratch_get(s, t.n, sizeof(*spare));
	if (counts == NULL || spare == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t.n; i++)
		counts[i] = t.count[i];
	wm_sort_u64(counts, t.n, spare);
	for (size_t k = 0; k < RANKS && k < t.n; k++)
		y[k] = (double)counts[t.n - 1 - k] / (double)r->n;
	return 0;
}

int wm_series_of_tables(struct wm_fidelity *f, const struct wm_rows *tables, struct wm_scratch *s)
{
	static const struct {
		size_t column;
		const char *name;
		const char *title;
	} ranks[] = {
		{WM_R_SA, "rank.sa", "Source addresses by rank"},
		{WM_R_DA, "rank.da", "Destination addresses by rank"},
		{WM_R_DP, "rank.dp", "Destination ports by rank"},
	};
	const size_t mark = s->n;
	bool has[WM_INPUTS];
	int rc = add_numbers(f, tables, s);

	for (size_t i = 0; i < WM_INPUTS; i++)
		has[i] = tables[i].n > 0;
	for (size_t k = 0; k < sizeof(ranks) / sizeof(ranks[0]) && rc == 0; k++) {
		struct wm_series *out = wm_series_add(f, WM_SERIES_RANK, RANKS, has);

		if (out == NULL)
			return -ENOMEM;
		out->name = ranks[k].name;
		out->title = ranks[k].title;
		out->unit = "rank";
		out->log_x = true;
		for (size_t i = 0; i < RANKS; i++)
			out->x[i] = (double)i + 1;
		for (size_t i = 0; i < WM_INPUTS && rc == 0; i++)
			if (has[i])
				rc = fill_ranks(out->y[i], &tables[i], ranks[k].column, s);
		wm_scratch_release(s, mark);
	}
	return rc;
}
