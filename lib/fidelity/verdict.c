// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/measure.h>
#include <fidelity/verdict.h>

#include <math.h>
#include <string.h>

static const double near = 1.5;         // up to this strict score a group without findings is as real
static const double beyond_reach = 2;   // a finding is so many times further off than flows dealt to two hands ...
static const double beyond_drift = 3;   // ... than halves in time ...
static const double beyond_holdout = 2; // ... and than the holdout, if there is one;
static const double beyond_copies = 3;  // memorisation: than the holdout or, without one, halves of the real traffic

double wm_excess(const struct wm_measure *m, double v)
{
	if (strcmp(m->name, "auc") == 0)
		v = 2 * v - 1;
	else if (strcmp(m->name, "dcr") == 0)
		v -= .5;
	return v > m->eps || isnan(v) ? v : m->eps;
}

// Whether v is `times` as far off as base. What cannot be above 1 has no room for multiples: there it is how much is
// left below 1 that shrinks as often.
static bool is_beyond(const struct wm_measure *m, double v, double base, double times)
{
	return m->worst == 1 ? 1 - v <= pow(1 - fmin(base, 1), times) + 1e-12 : v >= times * base;
}

// Whether more is copied than other traffic of the network would share with the real; halves have half as much to be
// found in.
static bool is_copied(const struct wm_metric *m, double value)
{
	const struct wm_measure *measure = m->def->measure;
	double base = wm_excess(measure, m->holdout);

	if (isnan(base) && strcmp(measure->name, "copy") == 0)
		base = 1 - pow(1 - fmin(wm_excess(measure, m->reach), 1), 2);
	return isnan(base) ? m->ratio >= beyond_copies : is_beyond(measure, value, base, beyond_copies);
}

// @param chance How much of the traffic can be off by chance.
static bool is_finding(const struct wm_metric *m, double chance)
{
	const struct wm_measure *measure = m->def->measure;
	double value = wm_excess(measure, m->value), reach = wm_excess(measure, chance * m->reach),
	       drift = wm_excess(measure, chance * m->tfloor), base;

	if (measure->eps == 0 || isnan(m->ratio))
		return false;
	if (m->def->key[0] == 'G')
		return value >= measure->least && is_copied(m, value);
	if (strcmp(measure->name, "auc") == 0) { // 0.5 is what chance makes of it
		reach = wm_excess(measure, m->reach);
		drift = wm_excess(measure, m->tfloor);
	}
	base = fmax(reach, drift); // of one that is NAN the other
	if (isnan(base) || value < base + measure->least)
		return false;
	if (!isnan(m->holdout) && !is_beyond(measure, value, wm_excess(measure, m->holdout), beyond_holdout))
		return false;
	return (isnan(reach) || is_beyond(measure, value, reach, beyond_reach))
	       && (isnan(drift) || is_beyond(measure, value, drift, beyond_drift));
}

static bool begins(const char *key, const char *with)
{
	return strncmp(key, with, strlen(with)) == 0;
}

static double copied_share(const struct wm_fidelity *f, const char *key)
{
	const struct wm_metric *m = wm_fidelity_find(f, key);

	return m != NULL && is_finding(m, 1) ? fmin(m->value, 1) : 0;
}

// How much of the synthetic traffic can be off by chance: not what was copied, be it to the nanosecond or flow by flow.
static double chance_of(const struct wm_fidelity *f)
{
	const double exact = fmax(copied_share(f, "G.exact_windows.copy"), copied_share(f, "G.exact_trace.copy"));

	return 1 - fmax(exact, copied_share(f, "G.flows.copy"));
}

void wm_find(struct wm_fidelity *f)
{
	const double chance = chance_of(f);

	for (size_t i = 0; i < f->n_metrics; i++)
		f->metrics[i].finding = is_finding(&f->metrics[i], chance);
}

#define ROLES "A.dir A.svc A.cport A.sport A.dport A.src A.dst "
#define GRAMS "B.2gram B.3gram "
#define PACKETS "A.len A.payload A.ttl A.flags A.win A.proto "

// What brings what with it, by beginnings of keys; the first line that an effect begins with counts. Some causes always
// do: who is client says what a direction is, what a packet has of each field says what comes in a row, what flows and
// packets are says what they add up to. Others do if they are further off: packets are as the flows are that they are
// of, and flows are as the packets are that make them up.
static const struct rule {
	const char *effects;
	const char *always;
	const char *if_further;
} rules[] = {
	{"A.gap A.tgap ", "B.gap_rank B.loggap B.joint ", "C. T.flags " ROLES},
	{"A.dir A.svc A.cport ", "", "C. T.flags "},
	{"A. ", "", "C. "},
	{"B.gap_rank B.loggap B.len ", "T.len T.payload T.flags T.dir ", "A. C. "},
	{"B. ", ROLES "T.len T.payload T.flags T.dir ", "A. C. "},
	{"C.rev_bytes ", ROLES "T.len T.payload T.dir ", "A.len A.payload B.dir T. " GRAMS},
	{"C.rev_pkts ", ROLES, "A.len A.payload B.dir T. " GRAMS},
	{"C.bytes ", "T.len T.payload T.dir ", "A.len A.payload T.flags " ROLES},
	{"C.dur C.active C.startgap ", "", "A.gap A.tgap B.gap_rank B.loggap T.flags " ROLES},
	{"C. ", "", "T.flags " ROLES},
	{"D.ip_checksum D.l4_checksum D.time_order ", "", ""},
	{"D. ", "A.len A.payload A.flags B. C.pkts T.len T.payload T.flags " ROLES, ""},
	{"E. ", "A.len A.payload A.gap A.tgap B. C. " ROLES, ""},
	{"T.pairs T.worst_pair ", "A. B. C. N. T.len T.payload T.ttl T.flags T.win T.proto T.svc T.dir ", ""},
	{"T.svc ", "C. " ROLES, PACKETS},
	{"T.dir ", ROLES, "C. " PACKETS},
	{"T. ", "", "A.svc A.dir C. " PACKETS},
	{"N. ", "A. B. C. T.len T.payload T.ttl T.flags T.win T.proto T.svc T.dir ", ""},
	{"R. ", "N. T. ", ""},
	{"U. ", "A. B. C. N. T. ", ""},
	{"F. ", "A. B. C. D. E. N. R. T. ", ""},
};

// Whether a key begins with one of some words, each with a space behind it.
static bool is_among(const char *key, const char *words)
{
	for (const char *end; *words != '\0'; words = end + 1) {
		end = strchr(words, ' ');
		if (strncmp(key, words, (size_t)(end - words)) == 0)
			return true;
	}
	return false;
}

static const struct rule *rule_of(const char *key)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (is_among(key, rules[i].effects))
			return &rules[i];
	return NULL;
}

// How far off a finding is beyond chance, so that it can be compared: of what cannot be above 1 alone. n packets in a
// row are at most n times as far off as each by itself; packets are as the flows are that they are of; ties end
// altogether where columns are dealt out.
static double extent_of(const struct wm_metric *m, double chance)
{
	const char *key = m->def->key, *measure = m->def->measure->name;
	const bool is_tie = strcmp(measure, "tie") == 0;
	double floor = isnan(m->floor) ? 0 : fmin(chance * m->floor, .8), weight = 1;

	if (!begins(measure, "JSD") && strcmp(measure, "share") != 0 && !is_tie)
		return 0;
	if (key[0] == 'A')
		weight = 4. / 5;
	else if (begins(key, "B.2gram") || (is_tie && key[0] == 'T'))
		weight = 1. / 2;
	else if (begins(key, "B.3gram"))
		weight = 1. / 3;
	else if (begins(key, "B.joint"))
		weight = 1. / 4;
	return weight * fmax(m->value - floor, 0) / (1 - floor);
}

// A metric's finding, if it is one, and the number of the metric that explains it.
enum { NOTHING = WM_METRICS_MAX };
struct finding {
	const char *key; // NULL = it is none
	double extent;
	size_t always; // what always does; NOTHING
	size_t cause;  // that, or what is further off; NOTHING
};
struct findings {
	struct finding of[WM_METRICS_MAX];
	size_t n;
};

// The one that is the furthest off of some, and further off than that.
static size_t furthest(const struct findings *f, const char *among, double than, bool unexplained)
{
	size_t found = NOTHING;

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->of[i];

		if (x->key == NULL || (unexplained && x->always != NOTHING) || !is_among(x->key, among)
			|| x->extent <= than)
			continue;
		found = i;
		than = x->extent;
	}
	return found;
}

static void explain(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->of[i];
		const struct rule *rule = x->key == NULL ? NULL : rule_of(x->key);

		x->always = rule == NULL ? NOTHING : furthest(f, rule->always, -1, false);
	}
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->of[i];
		const struct rule *rule = x->key == NULL ? NULL : rule_of(x->key);

		x->cause = x->always;
		if (rule != NULL && x->cause == NOTHING) // what is explained itself explains nothing
			x->cause = furthest(f, rule->if_further, x->extent, true);
	}
}

static void find_all(struct findings *out, const struct wm_fidelity *f)
{
	const double chance = chance_of(f);

	out->n = f->n_metrics;
	for (size_t i = 0; i < out->n; i++) {
		const struct wm_metric *m = &f->metrics[i];

		out->of[i] = (struct finding){.key = m->finding ? m->def->key : NULL, .extent = extent_of(m, chance)};
	}
	explain(out);
}

// Where a chain of causes begins. There are no rings: what is followed because it is further off is so, and the rules
// let nothing be followed always by what it always follows.
static const struct finding *root_of(const struct findings *f, size_t i)
{
	for (size_t hops = 0; f->of[i].cause != NOTHING && hops < f->n; hops++)
		i = f->of[i].cause;
	return &f->of[i];
}

// The letter of the group that all findings of a group come from, that of the furthest off if there are several; 0 =
// its own.
static char cause_of(const struct findings *f, char letter)
{
	double extent = -1;
	char cause = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *root;

		if (f->of[i].key == NULL || f->of[i].key[0] != letter)
			continue;
		root = root_of(f, i);
		if (root->key[0] == letter)
			return 0;
		if (root->extent > extent)
			cause = root->key[0];
		extent = fmax(extent, root->extent);
	}
	return cause;
}

static enum wm_verdict verdict_of(const struct wm_group_score *g)
{
	if (g->findings > 0)
		return g->follows != 0 ? WM_VERDICT_FOLLOWS : WM_VERDICT_DIFFERS;
	return isnan(g->strict) ? WM_VERDICT_NONE : g->strict > near ? WM_VERDICT_NEAR : WM_VERDICT_AS_REAL;
}

void wm_judge(struct wm_fidelity *f)
{
	struct findings all;

	find_all(&all, f);
	for (size_t i = 0; i < f->n_groups; i++) {
		f->groups[i].follows = cause_of(&all, f->groups[i].letter);
		f->groups[i].verdict = verdict_of(&f->groups[i]);
	}
	f->overall.verdict = verdict_of(&f->overall);
}
