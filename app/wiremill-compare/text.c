// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <fidelity/remarks.h>

#include <inttypes.h>
#include <math.h>

static const char *const roles[WM_INPUTS] = {"real", "synthetic", "holdout"};

enum { WORST = 12, NOTES = 5 };

static void put_number(FILE *out, double v)
{
	if (isnan(v))
		(void)fprintf(out, "%9s", "-");
	else
		(void)fprintf(out, fabs(v) < 1000 ? "%9.4f" : "%9.4g", v);
}

static void put_inputs(FILE *out, const struct wm_fidelity *f)
{
	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_fidelity_input *in = &f->inputs[i];

		if (in->path == NULL)
			continue;
		(void)fprintf(out, "%-10s %s: %" PRIu64 " %s, %" PRIu64 " flows, %.6g s\n", roles[i], in->path,
			in->packets, f->mode == WM_FIDELITY_PACKETS ? "packets" : "rows", in->flows, in->duration_s);
		for (size_t k = 0; k < in->n_notes && k < NOTES; k++)
			(void)fprintf(out, "           note: %s\n", in->notes[k]);
	}
	for (size_t i = 0; i < f->n_notes; i++)
		(void)fprintf(out, "note: %s\n", f->notes[i]);
}

static void put_score(FILE *out, const struct wm_fidelity *f, const struct wm_group_score *g)
{
	bool holdout = f->inputs[WM_INPUT_HOLDOUT].path != NULL;
	char verdict[16];

	wm_verdict_words(verdict, g->verdict, g->follows);
	(void)fprintf(out, "%c %-13s", g->letter != '\0' ? g->letter : ' ', g->name);
	put_number(out, g->score);
	put_number(out, g->strict);
	if (holdout)
		put_number(out, g->holdout);
	(void)fprintf(out, "  %-9s %3u/%-3u  %s\n", verdict, g->within, g->of, g->words);
}

static void put_metric(FILE *out, const struct wm_metric *m)
{
	(void)fprintf(out, "%-32s", m->def->key);
	put_number(out, m->value);
	put_number(out, m->floor);
	put_number(out, m->tfloor);
	put_number(out, m->ratio);
	(void)fprintf(out, " %c %s\n", m->finding ? '*' : ' ', m->def->field);
}

// The worst metrics first, each once.
static void put_worst(FILE *out, const struct wm_fidelity *f)
{
	double last = (double)INFINITY;

	for (size_t shown = 0; shown < WORST;) {
		const struct wm_metric *worst = NULL;
		double below = last;

		for (size_t i = 0; i < f->n_metrics; i++) // of those with the same ratio all are shown in a row
			if (f->metrics[i].ratio < below && (worst == NULL || f->metrics[i].ratio > worst->ratio))
				worst = &f->metrics[i];
		if (worst == NULL || worst->ratio <= 1)
			return;
		last = worst->ratio;
		for (const struct wm_metric *m = worst; m < f->metrics + f->n_metrics && shown < WORST; m++) {
			if (m->ratio != last) // nor one that has none
				continue;
			put_metric(out, m);
			shown++;
		}
	}
}

void text_report(FILE *out, const struct wm_fidelity *f, bool all)
{
	bool holdout = f->inputs[WM_INPUT_HOLDOUT].path != NULL;

	put_inputs(out, f);
	(void)fprintf(out, "\n%-15s%9s%9s%s  %-9s %7s  %s\n", "group", "score", "strict", holdout ? "  holdout" : "",
		"verdict", "within", "1.0 = as close as real data is to itself");
	for (size_t i = 0; i < f->n_groups; i++)
		put_score(out, f, &f->groups[i]);
	put_score(out, f, &f->overall);
	(void)fprintf(out, "\n%-32s%9s%9s%9s%9s   %s\n", all ? "metric" : "worst metrics", "value", "floor", "tfloor",
		"ratio", "of");
	if (!all) {
		put_worst(out, f);
		return;
	}
	for (size_t i = 0; i < f->n_metrics; i++)
		put_metric(out, &f->metrics[i]);
}

size_t text_limits(FILE *out, const struct wm_fidelity *f, const struct gate *gate)
{
	size_t n = 0;

	for (size_t i = 0; i < gate->n; i++) {
		const struct gate_limit *l = &gate->limits[i];
		double v = gate_value(l, f);

		if (gate_keeps(l, f))
			continue;
		n++;
		if (isnan(v))
			(void)fprintf(
				out, "failed: %s could not be measured, so it is not at most %g\n", l->name, l->most);
		else
			(void)fprintf(out, "failed: %s is %.6g, above %g\n", l->name, v, l->most);
	}
	return n;
}

void text_metrics(FILE *out)
{
	size_t n;
	const struct wm_metric_def *defs = wm_metric_defs(&n);

	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "%-32s %s: %s\n", defs[i].key, defs[i].field, defs[i].measure->words);
}
