// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/halves.h>
#include <fidelity/measure.h>

#include <errno.h>

// Numbers the units of the rows from 0 on. @return how many there are.
static size_t number_units(uint32_t *units, const struct wm_trace *t, enum wm_unit unit)
{
	const size_t stretch = t->n / 200 > 8 ? t->n / 200 : 8;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool begins = unit == WM_UNIT_PACKET || i == 0 || t->flow[i] != t->flow[i - 1];
		size_t flow_n = (size_t)t->pos[i] + t->rpos[i] + 1;

		if (unit == WM_UNIT_STRETCH && ((double)flow_n > (double)t->n / 50 || t->n_flows < WM_FEW))
			begins |= t->pos[i] % stretch == 0;
		n += begins;
		units[i] = (uint32_t)n - 1;
	}
	return n;
}

// The rows with a mark. @return NULL without memory.
static uint32_t *marked_rows(size_t *n, const uint8_t *marks, size_t of, uint8_t mark, struct wm_scratch *s)
{
	uint32_t *rows = wm_scratch_get(s, of, sizeof(*rows));

	*n = 0;
	for (size_t i = 0; rows != NULL && i < of; i++)
		if (marks[i] == mark)
			rows[(*n)++] = (uint32_t)i;
	return rows;
}

// Takes the rows that are marked, and the others, or puts them behind those that were taken.
static int take_marked(
	struct wm_halves *out, const struct wm_trace *t, const uint8_t *marks, bool append, struct wm_scratch *s)
{
	struct wm_trace *const to[] = {&out->b, &out->a};

	for (uint8_t mark = 0; mark < 2; mark++) {
		size_t n;
		const uint32_t *rows = marked_rows(&n, marks, t->n, mark, s);

		if (rows == NULL
			|| (append ? wm_trace_append(to[mark], t, rows, n) : wm_trace_take(to[mark], t, rows, n)) < 0) {
			wm_halves_free(out);
			return -ENOMEM;
		}
	}
	return 0;
}

// Marks a random half of the units. @return 0 or -ENOMEM.
static int mark_random(
	uint8_t *marks, const struct wm_trace *t, enum wm_unit unit, struct wm_shuffler *random, struct wm_scratch *s)
{
	uint32_t *units = wm_scratch_get(s, t->n, sizeof(*units)), *order = wm_scratch_get(s, t->n, sizeof(*order));
	uint8_t *picked = wm_scratch_get(s, t->n, 1);
	size_t n;

	if (units == NULL || order == NULL || picked == NULL)
		return -ENOMEM;
	if (unit == WM_UNIT_CLUSTER)
		unit = t->n_flows < WM_FEW ? WM_UNIT_STRETCH : WM_UNIT_FLOW;
	n = number_units(units, t, unit);
	wm_shuffle(random, order, n);
	for (size_t i = 0; i < n / 2; i++)
		picked[order[i]] = 1;
	for (size_t i = 0; i < t->n; i++)
		marks[i] = picked[units[i]];
	return 0;
}

// Halves a trace at random; `append`: puts its halves behind those of another.
static int halve(struct wm_halves *out, const struct wm_trace *t, enum wm_unit unit, struct wm_shuffler *random,
	bool append, struct wm_scratch *s)
{
	const size_t mark = s->n;
	uint8_t *marks = wm_scratch_get(s, t->n, 1);
	int rc = marks == NULL ? -ENOMEM : mark_random(marks, t, unit, random, s);

	if (rc == 0)
		rc = take_marked(out, t, marks, append, s);
	wm_scratch_release(s, mark);
	return rc;
}

int wm_halve_random(struct wm_halves *out, const struct wm_trace *t, enum wm_unit unit, struct wm_shuffler *random,
	struct wm_scratch *s)
{
	*out = (struct wm_halves){.a.n = 0};
	return halve(out, t, unit, random, false, s);
}

// The time since the packet before is another among other packets.
static int renew_gaps(struct wm_trace *t, struct wm_scratch *s)
{
	const size_t mark = s->n;
	const uint32_t *order = wm_trace_order(t, s);

	for (size_t i = 0; order != NULL && i < t->n; i++)
		t->tgap_ns[order[i]] = i == 0 ? -1 : t->time_ns[order[i]] - t->time_ns[order[i - 1]];
	wm_scratch_release(s, mark);
	return order == NULL ? -ENOMEM : 0;
}

int wm_deal(struct wm_halves *out, const struct wm_trace *a, const struct wm_trace *b, struct wm_shuffler *random,
	struct wm_scratch *s)
{
	int rc = wm_halve_random(out, a, WM_UNIT_CLUSTER, random, s);

	if (rc == 0)
		rc = halve(out, b, WM_UNIT_CLUSTER, random, true, s);
	if (rc == 0 && (renew_gaps(&out->a, s) < 0 || renew_gaps(&out->b, s) < 0))
		rc = -ENOMEM;
	if (rc < 0)
		wm_halves_free(out);
	return rc;
}

static bool is_lopsided(size_t n, size_t of)
{
	return 4 * n < of || 4 * n > 3 * of;
}

// Marks the earlier half of the flows. @return how many packets they have.
static size_t mark_flows(uint8_t *marked, const struct wm_trace *t, const uint32_t *runs, size_t n_runs)
{
	const size_t half = n_runs / 2;
	const int64_t noon_ns = t->time_ns[runs[half]];
	size_t n = 0;

	for (size_t f = 0; f < n_runs; f++) {
		int64_t lasts_ns = t->time_ns[runs[f + 1] - 1] - t->time_ns[runs[f]];
		bool is_long = wm_seconds(lasts_ns) > wm_seconds(t->span_ns) / 4;

		for (size_t i = runs[f]; i < runs[f + 1]; i++) {
			marked[i] = f < half && !(is_long && t->time_ns[i] >= noon_ns);
			n += marked[i];
		}
	}
	return n;
}

static int mark_packets(uint8_t *marked, const struct wm_trace *t, struct wm_scratch *s)
{
	const uint32_t *order = wm_trace_order(t, s);

	if (order == NULL)
		return -ENOMEM;
	memset(marked, 0, t->n);
	for (size_t i = 0; i < t->n / 2; i++)
		marked[order[i]] = 1;
	return 0;
}

int wm_halve_in_time(struct wm_halves *out, const struct wm_trace *t, struct wm_scratch *s)
{
	const size_t mark = s->n;
	uint8_t *marked = wm_scratch_get(s, t->n, 1);
	size_t n_runs, n = 0;
	const uint32_t *runs = wm_trace_runs(t, &n_runs, s);
	int rc = 0;

	*out = (struct wm_halves){.a.n = 0};
	if (marked == NULL || runs == NULL)
		return -ENOMEM;
	if (t->n_flows >= WM_FEW)
		n = mark_flows(marked, t, runs, n_runs);
	if (is_lopsided(n, t->n))
		rc = mark_packets(marked, t, s);
	if (rc == 0)
		rc = take_marked(out, t, marked, false, s);
	wm_scratch_release(s, mark);
	return rc;
}

void wm_halves_free(struct wm_halves *h)
{
	wm_trace_free(&h->a);
	wm_trace_free(&h->b);
}

static int take_marked_rows(struct wm_row_halves *out, const struct wm_rows *r, const uint8_t *marks)
{
	struct wm_row_halves h = {.a.n = 0};

	if (wm_rows_take(&h.a, r, marks, 1) < 0 || wm_rows_take(&h.b, r, marks, 0) < 0) {
		wm_row_halves_free(&h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

int wm_rows_halve_random(
	struct wm_row_halves *out, const struct wm_rows *r, struct wm_shuffler *random, struct wm_scratch *s)
{
	const size_t mark = s->n;
	uint32_t *order = wm_scratch_get(s, r->n, sizeof(*order));
	uint8_t *marks = wm_scratch_get(s, r->n, 1);
	int rc;

	if (order == NULL || marks == NULL)
		return -ENOMEM;
	wm_shuffle(random, order, r->n);
	for (size_t i = 0; i < r->n / 2; i++)
		marks[order[i]] = 1;
	rc = take_marked_rows(out, r, marks);
	wm_scratch_release(s, mark);
	return rc;
}

int wm_rows_halve_in_time(struct wm_row_halves *out, const struct wm_rows *r, struct wm_scratch *s)
{
	const size_t mark = s->n;
	uint8_t *marks = wm_scratch_get(s, r->n, 1);
	int rc;

	if (marks == NULL)
		return -ENOMEM;
	memset(marks, 1, r->n / 2);
	rc = take_marked_rows(out, r, marks);
	wm_scratch_release(s, mark);
	return rc;
}

void wm_row_halves_free(struct wm_row_halves *h)
{
	wm_rows_free(&h->a);
	wm_rows_free(&h->b);
}
