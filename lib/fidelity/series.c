// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/series_pvt.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUANTILES = 60, HISTOGRAM = 40, RANKS = 50 };

struct wm_series *wm_series_add(struct wm_fidelity *f, enum wm_series_kind kind, const char *name, const char *title,
	size_t n, const bool has[WM_INPUTS])
{
	struct wm_series *more = reallocarray(f->series, f->n_series + 1, sizeof(*more)), *s;
	const size_t points = kind == WM_SERIES_BIGRAM ? n * n : n;
	bool ok = true;

	if (more == NULL)
		return NULL;
	f->series = more;
	s = &more[f->n_series++]; // half made it is freed with the report
	*s = (struct wm_series){.kind = kind, .title = title, .unit = "", .n = n};
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	if (kind == WM_SERIES_BIGRAM)
		ok = (s->labels = calloc(n + 1, sizeof(*s->labels))) != NULL;
	else
		ok = (s->x = calloc(n + 1, sizeof(*s->x))) != NULL;
	for (size_t i = 0; i < WM_INPUTS && ok; i++)
		if (has[i])
			ok = (s->y[i] = calloc(points + 1, sizeof(**s->y))) != NULL;
	return ok ? s : NULL;
}

bool wm_series_shows(const struct wm_series *s, enum wm_input_role role)
{
	const bool of_shares = s->kind == WM_SERIES_RANK || s->kind == WM_SERIES_BIGRAM;
	const size_t points = s->kind == WM_SERIES_BIGRAM ? s->n * s->n : s->n;
	const double *y = s->y[role];

	for (size_t i = 0; y != NULL && i < points; i++)
		if (isfinite(y[i]) && !(of_shares && y[i] == 0))
			return true;
	return false;
}

// A series of a number, for n points.
static struct wm_series *add_of_number(struct wm_fidelity *f, enum wm_series_kind kind, const struct wm_number *number,
	size_t n, const bool has[WM_INPUTS])
{
	static const char *const kinds[] = {
		[WM_SERIES_CDF] = "cdf", [WM_SERIES_HISTOGRAM] = "hist", [WM_SERIES_RANK] = "rank"};
	char name[WM_SERIES_NAME];
	struct wm_series *s;

	(void)snprintf(name, sizeof(name), "%s.%s", kinds[kind], number->name);
	s = wm_series_add(f, kind, name, number->title, n, has);
	if (s != NULL) {
		s->unit = number->unit;
		s->log_x = number->log_x;
	}
	return s;
}

struct tallies {
	struct wm_tally t[WM_INPUTS];
	bool has[WM_INPUTS];
};

static int tally_all(struct tallies *out, const struct wm_samples *of, struct wm_scratch *s)
{
	for (size_t i = 0; i < WM_INPUTS; i++) {
		out->has[i] = of->v[i] != NULL && of->n[i] > 0;
		if (out->has[i] && wm_tally_doubles(&out->t[i], of->v[i], of->n[i], s) < 0)
			return -ENOMEM;
	}
	return 0;
}

// Share of values up to each x.
static void fill_cdf(double *y, const double *x, size_t n, const struct wm_tally *t)
{
	size_t below = 0, k = 0;

	for (size_t i = 0; i < n; i++) {
		while (k < t->n && wm_key_value(t->key[k]) <= x[i])
			below += t->count[k++];
		y[i] = (double)below / (double)t->total;
	}
}

static int add_cdf(
	struct wm_fidelity *f, const struct wm_number *number, const struct tallies *all, struct wm_scratch *s)
{
	uint64_t keys[WM_INPUTS * (QUANTILES + 1)];
	double edges[QUANTILES + 1];
	struct wm_tally at;
	struct wm_series *out;
	size_t points = 0;

	for (size_t i = 0; i < WM_INPUTS; i++) {
		size_t m = all->has[i] ? wm_quantile_edges(edges, &all->t[i], QUANTILES) : 0;

		for (size_t k = 0; k < m; k++)
			keys[points++] = wm_key_of(number->log_x ? fmax(edges[k], 1e-6) : edges[k]);
	}
	if (wm_tally_of(&at, keys, points, s) < 0)
		return -ENOMEM;
	out = add_of_number(f, WM_SERIES_CDF, number, at.n, all->has);
	if (out == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < at.n; k++)
		out->x[k] = wm_key_value(at.key[k]);
	for (size_t i = 0; i < WM_INPUTS; i++)
		if (all->has[i])
			fill_cdf(out->y[i], out->x, at.n, &all->t[i]);
	return 0;
}

static double place(double v, bool log_x)
{
	return log_x ? log10(fmax(v, 1e-6)) : v;
}

static int add_histogram(struct wm_fidelity *f, const struct wm_number *number, const struct tallies *all)
{
	double lo = (double)INFINITY, hi = -(double)INFINITY, width;
	struct wm_series *out;

	for (size_t i = 0; i < WM_INPUTS; i++) {
		if (!all->has[i])
			continue;
		lo = fmin(lo, place(wm_key_value(all->t[i].key[0]), number->log_x));
		hi = fmax(hi, place(wm_key_value(all->t[i].key[all->t[i].n - 1]), number->log_x));
	}
	width = hi > lo ? (hi - lo) / HISTOGRAM : 1;
	out = add_of_number(f, WM_SERIES_HISTOGRAM, number, lo <= hi ? HISTOGRAM + 1 : 0, all->has);
	if (out == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < out->n; k++)
		out->x[k] = number->log_x ? pow(10, lo + (double)k * width) : lo + (double)k * width;
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_tally *t = &all->t[i];

		for (size_t k = 0; all->has[i] && k < t->n; k++) {
			double bin = (place(wm_key_value(t->key[k]), number->log_x) - lo) / width;

			out->y[i][bin < HISTOGRAM - 1 ? (size_t)bin : HISTOGRAM - 1] +=
				(double)t->count[k] / (double)t->total;
		}
	}
	return 0;
}

int wm_series_add_distributions(struct wm_fidelity *f, const struct wm_number *numbers, size_t n, wm_find_samples *find,
	const void *from, struct wm_scratch *s)
{
	const size_t mark = s->n;
	int rc = 0;

	for (size_t k = 0; k < n && rc == 0; k++) {
		struct wm_samples samples = {.n = {0}};
		struct tallies all;

		rc = find(&samples, from, numbers[k].what, s);
		if (rc == 0)
			rc = tally_all(&all, &samples, s);
		if (rc == 0)
			rc = add_cdf(f, &numbers[k], &all, s);
		if (rc == 0)
			rc = add_histogram(f, &numbers[k], &all);
		wm_scratch_release(s, mark);
	}
	return rc;
}

static int fill_ranks(double *y, const struct wm_tally *t, struct wm_scratch *s)
{
	uint64_t *counts = wm_scratch_get(s, t->n, sizeof(*counts)), *spare = wm_scratch_get(s, t->n, sizeof(*spare));

	if (counts == NULL || spare == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		counts[i] = t->count[i];
	wm_sort_u64(counts, t->n, spare);
	for (size_t k = 0; k < RANKS && k < t->n; k++)
		y[k] = (double)counts[t->n - 1 - k] / (double)t->total;
	return 0;
}

static int add_ranks(
	struct wm_fidelity *f, const struct wm_number *number, const struct wm_samples *samples, struct wm_scratch *s)
{
	struct tallies all;
	struct wm_series *out;

	if (tally_all(&all, samples, s) < 0)
		return -ENOMEM;
	out = add_of_number(f, WM_SERIES_RANK, number, RANKS, all.has);
	if (out == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < RANKS; k++)
		out->x[k] = (double)k + 1;
	for (size_t i = 0; i < WM_INPUTS; i++)
		if (all.has[i] && fill_ranks(out->y[i], &all.t[i], s) < 0)
			return -ENOMEM;
	return 0;
}

int wm_series_add_ranks(struct wm_fidelity *f, const struct wm_number *numbers, size_t n, wm_find_samples *find,
	const void *from, struct wm_scratch *s)
{
	const size_t mark = s->n;
	int rc = 0;

	for (size_t k = 0; k < n && rc == 0; k++) {
		struct wm_samples samples = {.n = {0}};

		rc = find(&samples, from, numbers[k].what, s);
		if (rc == 0)
			rc = add_ranks(f, &numbers[k], &samples, s);
		wm_scratch_release(s, mark);
	}
	return rc;
}
