// SPDX-License-Identifier: BSD-3-Clause
// Group G: how much of the synthetic traffic occurs verbatim in the real.
#include <fidelity/measure.h>

#include <errno.h>

enum { WINDOW = 8, FLOW_LEAST = 6 };

// A time rounded to 2 significant digits, as a code; -1 for none.
static int64_t two_digits(int64_t ns)
{
	int64_t unit = 1, exponent = 0;

	if (ns < 0)
		return -1;
	for (; exponent < 17 && ns / unit >= 100; exponent++)
		unit *= 10;
	return exponent * 1000 + (2 * ns / unit + 1) / 2;
}

static uint64_t hash_packet(const struct wm_trace *t, size_t i, uint64_t last)
{
	uint64_t h = wm_mix(0, (uint64_t)t->field[WM_F_DIR][i]);

	h = wm_mix(h, (uint64_t)t->field[WM_F_KIND][i]);
	h = wm_mix(h, (uint64_t)t->field[WM_F_LEN][i]);
	return wm_mix(h, last);
}

static int tally_windows(struct wm_tally *out, const struct wm_trace *t, bool exact, struct wm_scratch *s)
{
	uint64_t *codes = wm_scratch_get(s, t->n, sizeof(*codes)), *hashes = wm_scratch_get(s, t->n, sizeof(*hashes));
	size_t n = 0;

	if (codes == NULL || hashes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		codes[i] = hash_packet(t, i, (uint64_t)(exact ? t->gap_ns[i] : two_digits(t->gap_ns[i])));
	for (size_t i = 0; i < t->n; i++) {
		uint64_t h = 0;

		if (!wm_trace_follows(t, i, WINDOW - 1))
			continue;
		for (size_t k = 0; k < WINDOW; k++)
			h = wm_mix(h, codes[i + k]);
		hashes[n++] = h;
	}
	return wm_tally_of(out, hashes, n, s);
}

// Of packets that follow each other in the whole trace, whatever flows they are of.
static int tally_trace(struct wm_tally *out, const struct wm_trace *t, struct wm_scratch *s)
{
	const uint32_t *order = wm_trace_order(t, s);
	uint64_t *codes = wm_scratch_get(s, t->n, sizeof(*codes)), *hashes = wm_scratch_get(s, t->n, sizeof(*hashes));
	size_t n = 0;

	if (order == NULL || codes == NULL || hashes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		codes[i] = hash_packet(t, order[i], (uint64_t)t->tgap_ns[order[i]]);
	for (size_t i = 1; i + WINDOW <= t->n; i++, n++) // the first packet has no gap
		for (size_t k = 0; k < WINDOW; k++)
			hashes[n] = wm_mix(hashes[n], codes[i + k]);
	return wm_tally_of(out, hashes, n, s);
}

// Of whole flows: directions, kinds and lengths in order.
static int tally_flows(struct wm_tally *out, const struct wm_trace *t, struct wm_scratch *s)
{
	size_t n_runs, n = 0;
	const uint32_t *runs = wm_trace_runs(t, &n_runs, s);
	uint64_t *hashes = runs == NULL ? NULL : wm_scratch_get(s, n_runs, sizeof(*hashes));

	if (hashes == NULL)
		return -ENOMEM;
	for (size_t f = 0; f < n_runs; f++) {
		size_t first = runs[f], end = runs[f + 1];
		uint64_t h = wm_mix(0, end - first);

		if (end - first < FLOW_LEAST || t->pos[first] != 0 || t->rpos[end - 1] != 0)
			continue;
		for (size_t i = first; i < end; i++)
			h = wm_mix(h, hash_packet(t, i, 0));
		hashes[n++] = h;
	}
	return wm_tally_of(out, hashes, n, s);
}

double wm_share_copied(const struct wm_tally *a, const struct wm_tally *b)
{
	size_t copied = 0;

	for (size_t i = 0, k = 0; i < b->n; i++) {
		while (k < a->n && a->key[k] < b->key[i])
			k++;
		copied += k < a->n && a->key[k] == b->key[i] ? b->count[i] : 0;
	}
	return b->total > 0 ? (double)copied / (double)b->total : 0;
}

// Traffic that repeats itself shares windows with itself, but hardly to the nanosecond.
static int measure_windows(const struct wm_comparison *c, bool exact)
{
	const size_t mark = c->s->n;
	struct wm_tally a, b;

	if (tally_windows(&a, c->a, exact, c->s) < 0 || tally_windows(&b, c->b, exact, c->s) < 0)
		return -ENOMEM;
	if (a.total >= WM_FEW)
		wm_put(c->out, wm_share_copied(&a, &b), exact ? "G.exact_windows.copy" : "G.windows.copy");
	wm_scratch_release(c->s, mark);
	return 0;
}

int wm_measure_memorisation(const struct wm_comparison *c)
{
	const size_t mark = c->s->n;
	struct wm_tally a, b;

	if (measure_windows(c, false) < 0 || measure_windows(c, true) < 0)
		return -ENOMEM;
	if (tally_trace(&a, c->a, c->s) < 0 || tally_trace(&b, c->b, c->s) < 0)
		return -ENOMEM;
	if (a.total >= WM_FEW)
		wm_put(c->out, wm_share_copied(&a, &b), "G.exact_trace.copy");
	wm_scratch_release(c->s, mark);
	if (tally_flows(&a, c->a, c->s) < 0 || tally_flows(&b, c->b, c->s) < 0)
		return -ENOMEM;
	if (a.total >= WM_FEW)
		wm_put(c->out, wm_share_copied(&a, &b), "G.flows.copy");
	return 0;
}
