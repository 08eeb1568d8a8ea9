// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/rests.h>

#include <errno.h>
#include <stdlib.h>

// The pairs of one flow's gaps that lie in the bin of all that is left; the last gap leaves nothing.
static size_t count_flow(struct necst_pair *pairs, const struct wm_flow_record *f, const struct wm_record *records,
	const uint16_t *token, const struct necst_clocks *clocks, const struct necst_gaps *gaps)
{
	struct necst_silence silence = {0};
	size_t n = 0;

	for (size_t j = f->first; j < (size_t)f->first + f->n; j++) {
		const struct wm_record *r = &records[j];
		const uint64_t gap = j > f->first ? r->time_ns - r[-1].time_ns : 0, rest = f->end_ns - r->time_ns,
			       passed = necst_clock(clocks, &silence, token[j], r->reverse);
		const uint32_t left = f->n - (uint32_t)(j - f->first);

		necst_hear(&silence, r->reverse, gap);
		if (j == f->first || left < 2
			|| necst_gap_bin(gaps, passed + gap) != necst_gap_bin(gaps, passed + gap + rest)
			|| !necst_gap_was_seen(gaps, passed + gap + rest))
			continue;
		pairs[n++] = (struct necst_pair){necst_rest_key(token[j], left), necst_gap_bin(gaps, rest)};
		pairs[n++] = (struct necst_pair){necst_rest_key(NECST_RESTS_ANY, left), necst_gap_bin(gaps, rest)};
	}
	return n;
}

int necst_rests_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_clusters *tokens,
	const struct necst_clocks *clocks, const struct necst_gaps *gaps)
{
	struct necst_pair *pairs = malloc((2 * ds->n_records + 1) * sizeof(*pairs));
	size_t n = 0;
	int rc;

	if (pairs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ds->n_flows; i++)
		n += count_flow(pairs + n, &ds->flows[i], ds->records, tokens->token, clocks, gaps);
	rc = necst_table_put(w, "gap.rest", pairs, n);
	free(pairs);
	return rc;
}
