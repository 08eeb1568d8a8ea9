// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/series.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { QUANTILES = 120, BINS = 50, RANKS = 60 };

// A series with room for n points in each input that is there.
static int add_series(struct wm_fidelity *f, const struct wm_series *like, size_t n,
	const struct wm_tally samples[WM_INPUTS], struct wm_series **out)
{
	struct wm_series *all = reallocarray(f->series, f->n_series + 1, sizeof(*all)), *s;

	if (all == NULL)
		return -ENOMEM;
	f->series = all;
	s = &all[f->n_series++];
	*s = *like;
	s->n = n;
	s->x = calloc(n, sizeof(*s->x));
	if (s->x == NULL)
		return -ENOMEM;
	for (int role = 0; role < WM_INPUTS; role++) {
		if (samples[role].n == 0)
			continue;
		s->y[role] = calloc(n, sizeof(*s->y[role]));
		if (s->y[role] == NULL)
			return -ENOMEM;
	}
	*out = s;
	return 0;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

// Quantiles of all inputs together, so that each curve has its own steps.
static size_t quantiles_of_all(double *x, const struct wm_tally samples[WM_INPUTS], bool positive)
{
	size_t n = 0, kept = 0;

	for (int role = 0; role < WM_INPUTS; role++)
		if (samples[role].n > 0)
			n += wm_quantile_edges(x + n, &samples[role], QUANTILES);
	qsort(x, n, sizeof(*x), ascending);
	for (size_t i = 0; i < n; i++)
		if ((x[i] > 0 || !positive) && (kept == 0 || x[i] > x[kept - 1]))
			x[kept++] = x[i];
	return kept;
}

int wm_series_add_cdf(struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS])
{
	double x[WM_INPUTS * (QUANTILES + 1)];
	struct wm_series *s = NULL;
	size_t n = samples[WM_INPUT_REAL].n > 0 ? quantiles_of_all(x, samples, like->log_x) : 0;
	int rc = n > 0 ? add_series(f, like, n, samples, &s) : 0;

	if (s == NULL || rc < 0)
		return rc;
	s->kind = WM_SERIES_CDF;
	for (size_t i = 0; i < n; i++)
		s->x[i] = x[i];
	for (int role = 0; role < WM_INPUTS; role++) {
		const struct wm_tally *t = &samples[role];
		double below = 0;

		for (size_t i = 0, k = 0; i < n && t->n > 0; i++) {
			for (; k < t->n && wm_key_value(t->key[k]) <= x[i]; k++)
				below += t->count[k];
			s->y[role][i] = below / (double)t->total;
		}
	}
	return 0;
}

// Bins from the smallest value to the largest, of like width on the axis.
static double bin_edge(const struct wm_series *s, double least, double most, size_t i)
{
	double part = (double)i / BINS;

	return s->log_x ? least * pow(most / least, part) : least + (most - least) * part;
}

int wm_series_add_histogram(
	struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS])
{
	double x[WM_INPUTS * (QUANTILES + 1)], least, most;
	struct wm_series *s = NULL;
	size_t n = samples[WM_INPUT_REAL].n > 0 ? quantiles_of_all(x, samples, like->log_x) : 0;
	int rc = n > 1 ? add_series(f, like, BINS + 1, samples, &s) : 0;

	if (s == NULL || rc < 0)
		return rc;
	s->kind = WM_SERIES_HISTOGRAM;
	least = x[0];
	most = x[n - 1];
	for (size_t i = 0; i <= BINS; i++)
		s->x[i] = bin_edge(s, least, most, i);
	for (int role = 0; role < WM_INPUTS; role++) {
		const struct wm_tally *t = &samples[role];

		for (size_t k = 0, bin = 0; k < t->n; k++) {
			while (bin + 1 < BINS && wm_key_value(t->key[k]) >= s->x[bin + 1])
				bin++;
			s->y[role][bin] += t->count[k] / (double)t->total;
		}
	}
	return 0;
}

static int descending(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

// Ranks 1, 2, ... and ever further apart, as on a logarithmic axis.
static size_t rank_points(uint32_t *ranks, size_t most)
{
	size_t n = 0;

	for (double at = 1; n < RANKS && at <= (double)most; at = fmax(at + 1, floor(at * 1.2)))
		ranks[n++] = (uint32_t)at;
	return n;
}

int wm_series_add_rank(struct wm_fidelity *f, const struct wm_series *like, const struct wm_tally samples[WM_INPUTS])
{
	uint32_t ranks[RANKS], *counts;
	struct wm_series *s = NULL;
	size_t most = 0, n;
	int rc;

	for (int role = 0; role < WM_INPUTS; role++)
		most = samples[role].n > most ? samples[role].n : most;
	n = samples[WM_INPUT_REAL].n > 0 && most > 1 ? rank_points(ranks, most) : 0;
	rc = n > 0 ? add_series(f, like, n, samples, &s) : 0;
	counts = calloc(most + 1, sizeof(*counts));
	if (counts == NULL)
		rc = -ENOMEM;
	for (int role = 0; rc == 0 && s != NULL && role < WM_INPUTS; role++) {
		const struct wm_tally *t = &samples[role];

		if (t->n == 0)
			continue;
		for (size_t i = 0; i < t->n; i++)
			counts[i] = t->count[i];
		qsort(counts, t->n, sizeof(*counts), descending);
		for (size_t i = 0; i < n; i++)
			s->y[role][i] = ranks[i] <= t->n ? counts[ranks[i] - 1] / (double)t->total : (double)NAN;
	}
	for (size_t i = 0; rc == 0 && s != NULL && i < n; i++)
		s->x[i] = ranks[i];
	if (s != NULL)
		s->kind = WM_SERIES_RANK;
	free(counts);
	return rc;
}
