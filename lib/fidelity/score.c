// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/score.h>
#include <fidelity/verdict.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ratio_min = .1, ratio_max = 1000;

static const struct {
	char letter;
	bool packets; // whether it enters the overall score of captures ...
	bool flows;   // ... of flow tables
	const char *name;
	const char *words;
} groups[] = {
	{'A', true, false, "marginals", "each field by itself"},
	{'B', true, false, "sequence", "packets of a flow in order"},
	{'C', true, false, "flows", "flows' sizes and arrivals"},
	{'D', true, false, "validity", "TCP rules, checksums, time"},
	{'E', true, false, "aggregate", "rate over time and scales"},
	{'N', false, true, "fields", "columns, NetShare's way"},
	{'T', false, true, "pairs", "every two fields together"},
	{'F', true, true, "classifier", "can trees tell it from real"},
	{'R', false, true, "rules", "what a row must obey"},
	{'U', false, false, "usefulness", "use in place of real data"},
	{'G', true, true, "memorisation", "how much of real it copies"},
};
_Static_assert(sizeof(groups) / sizeof(groups[0]) <= WM_FIDELITY_GROUPS, "a report has room for them all");

void wm_measured_add_floor(struct wm_measured *m, const struct wm_values *v)
{
	for (size_t i = 0; i < WM_METRICS_MAX; i++) {
		if (!v->has[i] || !isfinite(v->v[i]))
			continue;
		m->floor_sum[i] += v->v[i];
		m->floor_n[i]++;
	}
}

void wm_measured_add_reach(struct wm_measured *m, const struct wm_values *v)
{
	for (size_t i = 0; i < WM_METRICS_MAX; i++) {
		if (!v->has[i] || !isfinite(v->v[i]))
			continue;
		if (m->reach_n[i]++ == 0 || v->v[i] > m->reach[i])
			m->reach[i] = v->v[i];
	}
}

static double value_of(const struct wm_values *v, size_t i, const struct wm_measure *measure)
{
	return !v->has[i] ? (double)NAN : isinf(v->v[i]) ? measure->worst : v->v[i];
}

static double ratio(const struct wm_metric_def *def, double x, double base)
{
	double least = def->flags & WM_METRIC_ONE_SIDED ? 1 : ratio_min, r = x / base;

	return isnan(r) ? (double)NAN : r > ratio_max ? ratio_max : r < least ? least : r;
}

static void set_ratios(struct wm_metric *m)
{
	const struct wm_measure *measure = m->def->measure;
	double value = wm_excess(measure, m->value), floor = wm_excess(measure, m->floor),
	       tfloor = wm_excess(measure, m->tfloor);
	double holdout = wm_excess(measure, m->holdout), base = fmax(floor, tfloor); // of one that is NAN the other

	m->ratio = m->floor_ratio = m->holdout_ratio = (double)NAN;
	if (measure->eps == 0)
		return;
	if (m->def->key[0] == 'G' && !isnan(holdout))
		base = holdout;
	m->ratio = ratio(m->def, value, base);
	m->holdout_ratio = ratio(m->def, holdout, base);
	m->floor_ratio = ratio(m->def, value, isnan(floor) ? base : floor);
}

static int set_metrics(struct wm_fidelity *f, const struct wm_measured *m)
{
	size_t n;
	const struct wm_metric_def *defs = wm_metric_defs(&n);

	f->metrics = calloc(n, sizeof(*f->metrics));
	if (f->metrics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct wm_metric *x = &f->metrics[f->n_metrics];

		if (!m->value.has[i])
			continue;
		*x = (struct wm_metric){
			.def = &defs[i],
			.value = value_of(&m->value, i, defs[i].measure),
			.floor = m->floor_n[i] > 0 ? m->floor_sum[i] / m->floor_n[i] : (double)NAN,
			.tfloor = m->tfloor.has[i] && isfinite(m->tfloor.v[i]) ? m->tfloor.v[i] : (double)NAN,
			.reach = m->reach_n[i] > 0 ? m->reach[i] : (double)NAN,
			.holdout = value_of(&m->holdout, i, defs[i].measure),
		};
		set_ratios(x);
		f->n_metrics++;
	}
	wm_find(f);
	return 0;
}

struct mean { // geometric
	double sum;
	unsigned n;
};

static void add(struct mean *m, double v)
{
	if (isnan(v))
		return;
	m->sum += log(v);
	m->n++;
}

static double mean_of(const struct mean *m)
{
	return m->n > 0 ? exp(m->sum / m->n) : (double)NAN;
}

// Fills a group; false if nothing of it was measured.
static bool score_group(struct wm_group_score *g, const struct wm_fidelity *f)
{
	struct mean score = {0}, strict = {0}, vs_floor = {0}, holdout = {0};
	bool any = false;

	g->worst = SIZE_MAX;
	for (size_t i = 0; i < f->n_metrics; i++) {
		const struct wm_metric *m = &f->metrics[i];

		assert(m->def != NULL);
		if (m->def->key[0] != g->letter)
			continue;
		any = true;
		g->findings += m->finding;
		if (m->def->flags & WM_METRIC_SHOWN)
			continue;
		add(&score, m->ratio);
		add(&strict, m->ratio < 1 ? 1 : m->ratio);
		add(&vs_floor, m->floor_ratio);
		add(&holdout, m->holdout_ratio);
		g->within += m->ratio <= 1 ? 1 : 0;
		g->of += isnan(m->ratio) ? 0 : 1;
		if (!isnan(m->ratio) && (g->worst == SIZE_MAX || m->ratio > f->metrics[g->worst].ratio))
			g->worst = i;
	}
	g->score = mean_of(&score);
	g->strict = mean_of(&strict);
	g->vs_floor = mean_of(&vs_floor);
	g->holdout = mean_of(&holdout);
	return any;
}

int wm_score(struct wm_fidelity *f, const struct wm_measured *m)
{
	struct mean score = {0}, strict = {0}, vs_floor = {0}, holdout = {0};

	if (set_metrics(f, m) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct wm_group_score *g = &f->groups[f->n_groups];

		*g = (struct wm_group_score){.letter = groups[i].letter,
			.name = groups[i].name,
			.words = groups[i].words,
			.in_overall = f->mode == WM_FIDELITY_PACKETS ? groups[i].packets : groups[i].flows};
		if (!score_group(g, f))
			continue;
		f->n_groups++;
		f->overall.findings += g->findings;
		if (!g->in_overall)
			continue;
		add(&score, g->score);
		add(&strict, g->strict);
		add(&vs_floor, g->vs_floor);
		add(&holdout, g->holdout);
		f->overall.within += g->within;
		f->overall.of += g->of;
	}
	f->overall.name = "overall";
	f->overall.words = "geometric mean of groups";
	f->overall.worst = SIZE_MAX;
	f->overall.score = mean_of(&score);
	f->overall.strict = mean_of(&strict);
	f->overall.vs_floor = mean_of(&vs_floor);
	f->overall.holdout = mean_of(&holdout);
	wm_judge(f);
	return 0;
}

const struct wm_metric *wm_fidelity_find(const struct wm_fidelity *f, const char *key)
{
	for (size_t i = 0; i < f->n_metrics; i++)
		if (strcmp(f->metrics[i].def->key, key) == 0)
			return &f->metrics[i];
	return NULL;
}
