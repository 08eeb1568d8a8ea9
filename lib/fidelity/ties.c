// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/ties.h>

#include <math.h>
#include <stdbool.h>

enum { FITTINGS = 20, MARGINS_APART = 8, SAMPLES_LEAST = 20 };
static const double ties_least = .01; // what a few odd packets make, or rounding, is no tie that could be lost

void wm_pair_shares(double shares[WM_LEVEL_PAIRS], const struct wm_pair *pair)
{
	uint32_t counts[WM_LEVEL_PAIRS] = {0};

	for (size_t i = 0; i < pair->n; i++)
		counts[pair->x[i] * WM_LEVELS + pair->y[i]]++;
	for (size_t c = 0; c < WM_LEVEL_PAIRS; c++)
		shares[c] = pair->n > 0 ? counts[c] / (double)pair->n : 0;
}

// Two fields by themselves.
struct margins {
	double row[WM_LEVEL_NONE];
	double col[WM_LEVEL_NONE];
	double sum;
};

static void find_margins(struct margins *out, const double *p)
{
	*out = (struct margins){.sum = 0};
	for (size_t i = 0; i < WM_LEVEL_NONE; i++)
		for (size_t k = 0; k < WM_LEVEL_NONE; k++) {
			out->row[i] += p[i * WM_LEVELS + k];
			out->col[k] += p[i * WM_LEVELS + k];
			out->sum += p[i * WM_LEVELS + k];
		}
}

static bool comparable(double a, double b)
{
	return a > 0 && b > 0 && a < MARGINS_APART * b && b < MARGINS_APART * a;
}

// Leaves out levels that one part has and the other has not, or hardly.
static void leave_common(double *p, double *q)
{
	struct margins a, b;

	find_margins(&a, p);
	find_margins(&b, q);
	for (size_t i = 0; i < WM_LEVEL_NONE; i++)
		for (size_t k = 0; k < WM_LEVEL_NONE; k++)
			if (!comparable(a.row[i] * b.sum, b.row[i] * a.sum)
				|| !comparable(a.col[k] * b.sum, b.col[k] * a.sum))
				p[i * WM_LEVELS + k] = q[i * WM_LEVELS + k] = 0;
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

// Weights q until its margins are those wanted: iterative proportional fitting, which leaves how its fields hang
// together. Source: Deming, Stephan, Annals of Mathematical Statistics 11(4), 1940.
static void fit(double *q, const struct margins *wanted)
{
	struct margins m;

	for (unsigned round = 0; round < FITTINGS; round++) {
		find_margins(&m, q);
		for (size_t i = 0; i < WM_LEVEL_NONE; i++)
			for (size_t k = 0; k < WM_LEVEL_NONE; k++)
				q[i * WM_LEVELS + k] *= ratio(wanted->row[i], m.row[i]);
		find_margins(&m, q);
		for (size_t i = 0; i < WM_LEVEL_NONE; i++)
			for (size_t k = 0; k < WM_LEVEL_NONE; k++)
				q[i * WM_LEVELS + k] *= ratio(wanted->col[k], m.col[k]);
	}
}

// What chance makes of the distance of n samples of independent fields from independence: each cell is off by a normal
// error of variance r (1 - r) c (1 - c) / n. Source: Bishop, Fienberg, Holland, Discrete Multivariate Analysis, 1975.
static double chance(const struct margins *m, double n)
{
	double rows = 0, cols = 0;

	for (size_t i = 0; i < WM_LEVEL_NONE; i++) {
		rows += sqrt(m->row[i] / m->sum * (1 - m->row[i] / m->sum));
		cols += sqrt(m->col[i] / m->sum * (1 - m->col[i] / m->sum));
	}
	return sqrt(M_2_PI / n) * rows * cols / 2;
}

// @param n How many samples p is of.
static double tie(const double *p, double n)
{
	struct margins m;
	double sum = 0;

	find_margins(&m, p);
	for (size_t i = 0; i < WM_LEVEL_NONE; i++)
		for (size_t k = 0; k < WM_LEVEL_NONE; k++)
			sum += fabs(p[i * WM_LEVELS + k] - m.row[i] * m.col[k] / m.sum) / 2;
	return fmax(sum / m.sum - chance(&m, n), 0);
}

struct wm_ties wm_ties_of(double p[WM_LEVEL_PAIRS], size_t na, double q[WM_LEVEL_PAIRS], size_t nb)
{
	struct margins a, b;
	double tie_a, tie_b;

	leave_common(p, q);
	find_margins(&a, p);
	find_margins(&b, q);
	if ((double)na * a.sum < SAMPLES_LEAST || (double)nb * b.sum < SAMPLES_LEAST)
		return (struct wm_ties){0};
	fit(q, &a);
	tie_a = tie(p, (double)na * a.sum);
	tie_b = tie(q, (double)nb * b.sum);
	return (struct wm_ties){.differ = fabs(tie_a - tie_b), .most = fmax(tie_a, tie_b)};
}

void wm_ties_add(struct wm_ties *t, struct wm_ties more)
{
	t->differ += more.differ;
	t->most += more.most;
}

double wm_ties_differ(const struct wm_ties *t)
{
	return t->differ / fmax(t->most, ties_least);
}
