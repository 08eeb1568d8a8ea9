// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/score.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ratio_min = .1, ratio_max = 1000;
static const double near = 1.5; // up to this strict score a group without findings is as real
// A finding is so far above the floors that neither chance nor drift explains it:
static const double finding_ratio = 3;     // its ratio to them
static const double finding_eps = 2;       // how much it is above them, in eps
static const double finding_holdout = 1.5; // its ratio to what the holdout gets, if there is one

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

static double value_of(const struct wm_values *v, size_t i, const struct wm_measure *measure)
{
	return !v->has[i] ? (double)NAN : isinf(v->v[i]) ? measure->worst : v->v[i];
}

// How far a value is from what is best, but at least what matters.
static double excess(const struct wm_measure *m, double v)
{
	if (strcmp(m->name, "auc") == 0)
		v = 2 * v - 1;
	else if (strcmp(m->name, "dcr") == 0)
		v -= .5;
	return v > m->eps || isnan(v) ? v : m->eps;
}

static double ratio(const struct wm_metric_def *def, double x, double base)
{
	double least = def->flags & WM_METRIC_ONE_SIDED ? 1 : ratio_min, r = x / base;

	return isnan(r) ? (double)NAN : r > ratio_max ? ratio_max : r < least ? least : r;
}

static void set_ratios(struct wm_metric *m)
{
	const struct wm_measure *measure = m->def->measure;
	double value = excess(measure, m->value), floor = excess(measure, m->floor),
	       tfloor = excess(measure, m->tfloor);
	double holdout = excess(measure, m->holdout), base = fmax(floor, tfloor); // of one that is NAN the other

	m->ratio = m->floor_ratio = m->holdout_ratio = (double)NAN;
	if (measure->eps == 0)
		return;
	if (m->def->key[0] == 'G' && !isnan(holdout))
		base = holdout;
	m->ratio = ratio(m->def, value, base);
	m->holdout_ratio = ratio(m->def, holdout, base);
	m->floor_ratio = ratio(m->def, value, isnan(floor) ? base : floor);
	m->finding = m->ratio >= finding_ratio && value >= base + finding_eps * measure->eps
		     && !(holdout * finding_holdout > value);
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
			.holdout = value_of(&m->holdout, i, defs[i].measure),
		};
		set_ratios(x);
		f->n_metrics++;
	}
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

// Which groups' findings bring findings of another with them: those that look at the same through other glasses
// whenever there are any, others if they are further off than what they bring.
static const struct {
	char letter;
	const char *always;
	const char *if_further;
} causes[] = {
	{'A', "", "BCT"},
	{'B', "", "ACT"},
	{'C', "", "ABT"},
	{'D', "", "CT"},
	{'E', "", "ABCT"},
	{'T', "", "ACN"},
	{'N', "AC", ""},
	{'F', "ABCDENTR", ""},
	{'U', "ABCNT", ""},
};

static const struct wm_group_score *group_of(const struct wm_fidelity *f, char letter)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (f->groups[i].letter == letter)
			return &f->groups[i];
	return NULL;
}

// What a finding counts where groups are compared. Packets are as their flows are, but for directions; several together
// are never nearer than each by itself, nor is what TCP makes of them, or what they add up to; ties end where a field
// has but one value; what pairs are off is no more than what their fields bring, if these are.
static double weight_of(const struct wm_metric *m)
{
	const bool is_tie = strcmp(m->def->measure->name, "tie") == 0;

	switch (m->def->key[0]) {
	case 'A':
		return .8;
	case 'B':
		return is_tie ? 1 : .5;
	case 'C':
		return strncmp(m->def->key, "C.rev_", 6) == 0 ? .25 : 1;
	case 'D':
		return .25;
	case 'E':
		return .5;
	case 'T':
		return is_tie ? .5 : .001;
	default:
		return 1;
	}
}

// How far off a group is, 0..1, whatever its floors: its furthest finding as a share of the worst that can be. Ratios
// do not serve here: a floor of ten thousand packets is lower than that of a hundred flows.
static double extent_of(const struct wm_fidelity *f, char letter)
{
	double extent = 0;

	for (size_t i = 0; i < f->n_metrics; i++) {
		const struct wm_metric *m = &f->metrics[i];

		if (m->def->key[0] == letter && m->finding)
			extent = fmax(extent, weight_of(m) * m->value / m->def->measure->worst);
	}
	return extent;
}

// The one of the groups that is the furthest off, if it is further than that. 0 = none.
static char furthest_of(const struct wm_fidelity *f, const char *letters, double least)
{
	char found = 0;

	for (; *letters != '\0'; letters++) {
		double extent = extent_of(f, *letters);

		if (extent > least) {
			found = *letters;
			least = extent;
		}
	}
	return found;
}

static void set_verdict(struct wm_fidelity *f, struct wm_group_score *g)
{
	const double extent = extent_of(f, g->letter);

	if (g->findings == 0) {
		g->verdict = isnan(g->strict)   ? WM_VERDICT_NONE
			     : g->strict > near ? WM_VERDICT_NEAR
						: WM_VERDICT_AS_REAL;
		return;
	}
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && g->follows == 0; i++) {
		if (causes[i].letter != g->letter)
			continue;
		g->follows = furthest_of(f, causes[i].always, 0);
		if (g->follows == 0)
			g->follows = furthest_of(f, causes[i].if_further, extent);
	}
	g->verdict = g->follows != 0 ? WM_VERDICT_FOLLOWS : WM_VERDICT_DIFFERS;
}

// Where a chain of groups that follow one another begins. There are no rings: among A, B, C, E
// and T what is followed is the further off, and they follow none of the others but N, which follows A and C alone.
static char root_of(const struct wm_fidelity *f, char letter)
{
	const struct wm_group_score *g = group_of(f, letter);

	for (size_t hops = 0; g != NULL && g->follows != 0 && hops < f->n_groups; hops++)
		g = group_of(f, g->follows);
	return (char)(g == NULL ? 0 : g->letter);
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
	for (size_t i = 0; i < f->n_groups; i++)
		set_verdict(f, &f->groups[i]);
	for (size_t i = 0; i < f->n_groups; i++)
		f->groups[i].follows = root_of(f, f->groups[i].follows);
	f->overall.name = "overall";
	f->overall.words = "geometric mean of groups";
	f->overall.worst = SIZE_MAX;
	f->overall.score = mean_of(&score);
	f->overall.strict = mean_of(&strict);
	f->overall.vs_floor = mean_of(&vs_floor);
	f->overall.holdout = mean_of(&holdout);
	set_verdict(f, &f->overall);
	return 0;
}

const struct wm_metric *wm_fidelity_find(const struct wm_fidelity *f, const char *key)
{
	for (size_t i = 0; i < f->n_metrics; i++)
		if (strcmp(f->metrics[i].def->key, key) == 0)
			return &f->metrics[i];
	return NULL;
}
