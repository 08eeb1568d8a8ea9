// SPDX-License-Identifier: BSD-3-Clause
// rhythm: which packets of a flow come soon and which late. A gap is ranked among those of its own flow, so that
// neither slow flows nor drift in how many of them there are count; gaps that were dealt out anew within flows lose all
// ties.
#include <fidelity/pairs.h>
#include <fidelity/rhythm.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { QUARTERS = 4, LEAST = 4, KINDS = 20 };
enum { DIR, KIND, LEN, LAST_GAP, PARTNERS };

struct rhythm {
	size_t n;                 // packets with a ranked gap
	uint16_t *gap;            // (n): quarter of the flow's gaps
	uint16_t *with[PARTNERS]; // (n)
};

// Where v would stand among sorted values: how many are below it, and how many are not above.
static size_t count_below(const uint64_t *sorted, size_t n, uint64_t v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (sorted[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// Quarters of the gaps of rows first .. end - 1 of one flow; equal gaps share their middle rank.
static void rank_gaps(
	uint16_t *to, const struct wm_trace *t, size_t first, size_t end, uint64_t *sorted, uint64_t *spare)
{
	size_t n = 0;

	for (size_t i = first; i < end; i++)
		if (t->gap_ns[i] >= 0)
			sorted[n++] = (uint64_t)t->gap_ns[i];
	if (n < LEAST)
		return;
	wm_sort_u64(sorted, n, spare);
	for (size_t i = first; i < end; i++) {
		size_t below, upto;

		if (t->gap_ns[i] < 0)
			continue;
		below = count_below(sorted, n, (uint64_t)t->gap_ns[i]);
		upto = count_below(sorted, n, (uint64_t)t->gap_ns[i] + 1);
		to[i] = (uint16_t)((below + upto) * QUARTERS / (2 * n));
	}
}

// The quarter of each row's gap, WM_LEVEL_NONE where it has none or its flow too few.
static uint16_t *rank_all(const struct wm_trace *t, struct wm_scratch *s)
{
	uint16_t *to = wm_scratch_get(s, t->n, sizeof(*to));
	uint64_t *sorted = wm_scratch_get(s, t->n, sizeof(*sorted)), *spare = wm_scratch_get(s, t->n, sizeof(*spare));
	size_t n_runs;
	const uint32_t *runs = wm_trace_runs(t, &n_runs, s);

	if (to == NULL || sorted == NULL || spare == NULL || runs == NULL)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		to[i] = WM_LEVEL_NONE;
	for (size_t r = 0; r < n_runs; r++)
		rank_gaps(to, t, runs[r], runs[r + 1], sorted, spare);
	return to;
}

static double *column(const struct wm_trace *t, enum wm_field field, struct wm_scratch *s)
{
	double *v = wm_scratch_get(s, t->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < t->n; i++)
		v[i] = t->field[field][i];
	return v;
}

static int find_levels(
	uint16_t *to, const struct wm_trace *t, const struct wm_trace *ref, size_t partner, struct wm_scratch *s)
{
	static const enum wm_field fields[] = {[DIR] = WM_F_DIR, [KIND] = WM_F_KIND, [LEN] = WM_F_LEN};
	const size_t mark = s->n;
	const double *v = column(t, fields[partner], s), *of_ref = column(ref, fields[partner], s);
	int rc = -ENOMEM;

	if (v != NULL && of_ref != NULL)
		rc = partner == LEN ? wm_levels_of_number(to, v, t->n, of_ref, ref->n, s)
				    : wm_levels_of_category(to, v, t->n, of_ref, ref->n, KINDS, s);
	wm_scratch_release(s, mark);
	return rc;
}

static int find_rhythm(struct rhythm *out, const struct wm_trace *t, const struct wm_trace *ref, struct wm_scratch *s)
{
	const uint16_t *gap = rank_all(t, s);

	out->n = 0;
	out->gap = wm_scratch_get(s, t->n, sizeof(*out->gap));
	if (gap == NULL || out->gap == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < PARTNERS; k++) {
		out->with[k] = wm_scratch_get(s, t->n, sizeof(**out->with));
		if (out->with[k] == NULL || (k != LAST_GAP && find_levels(out->with[k], t, ref, k, s) < 0))
			return -ENOMEM;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (gap[i] == WM_LEVEL_NONE)
			continue;
		out->gap[out->n] = gap[i];
		for (size_t k = 0; k < LAST_GAP; k++)
			out->with[k][out->n] = out->with[k][i];
		out->with[LAST_GAP][out->n++] = i > 0 && wm_trace_follows(t, i - 1, 1) ? gap[i - 1] : WM_LEVEL_NONE;
	}
	return 0;
}

static void add_ties(struct wm_ties *t, const struct wm_pair *a, const struct wm_pair *b)
{
	double p[WM_LEVEL_PAIRS], q[WM_LEVEL_PAIRS];

	wm_pair_shares(p, a);
	wm_pair_shares(q, b);
	wm_ties_add(t, wm_ties_of(p, a->n, q, b->n));
}

int wm_measure_rhythm(const struct wm_comparison *c)
{
	struct wm_ties ties = {0};
	struct rhythm a, b;

	if (find_rhythm(&a, c->a, c->ref, c->s) < 0 || find_rhythm(&b, c->b, c->ref, c->s) < 0)
		return -ENOMEM;
	if (a.n < WM_FEW)
		return 0;
	for (size_t k = 0; k < PARTNERS; k++)
		add_ties(&ties, &(struct wm_pair){a.gap, a.with[k], a.n}, &(struct wm_pair){b.gap, b.with[k], b.n});
	wm_put(c->out, b.n > 0 ? wm_ties_differ(&ties) : (double)INFINITY, "B.gap_rank.tie");
	return 0;
}
