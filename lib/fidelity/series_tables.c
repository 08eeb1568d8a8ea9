// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/series_pvt.h>

static int find_column(struct wm_samples *out, const void *from, unsigned column, struct wm_scratch *s)
{
	const struct wm_rows *tables = from;

	(void)s;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		out->v[i] = tables[i].col[column];
		out->n[i] = tables[i].n;
	}
	return 0;
}

static const struct wm_number numbers[] = {
	{WM_R_TS, "ts", "Time of a row", "s", false},
	{WM_R_TD, "td", "Duration of a row", "s", true},
	{WM_R_PKT, "pkt", "Packets of a row", "packets", true},
	{WM_R_BYT, "byt", "Bytes of a row", "bytes", true},
};
static const struct wm_number ranks[] = {
	{WM_R_SA, "sa", "Source addresses by rank", "rank", true},
	{WM_R_DA, "da", "Destination addresses by rank", "rank", true},
	{WM_R_DP, "dp", "Destination ports by rank", "rank", true},
};

int wm_series_of_tables(struct wm_fidelity *f, const struct wm_rows *tables, struct wm_scratch *s)
{
	int rc = wm_series_add_distributions(f, numbers, sizeof(numbers) / sizeof(numbers[0]), find_column, tables, s);

	if (rc == 0)
		rc = wm_series_add_ranks(f, ranks, sizeof(ranks) / sizeof(ranks[0]), find_column, tables, s);
	return rc;
}
