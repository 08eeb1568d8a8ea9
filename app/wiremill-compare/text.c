// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <fidelity/measure.h>
#include <fidelity/remarks.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const roles[WM_INPUTS] = {"real", "synthetic", "holdout"};

enum { COLUMNS = 80, LINES = 23 }; // of the smallest terminal, above the next prompt
enum { WORST_LEAST = 5, NOTES = 5, SHORT = 8, LONG = 9 };

// A number in so many columns.
static void put_number(FILE *out, int width, double v)
{
	if (isnan(v))
		(void)fprintf(out, "%*s", width, "-");
	else
		(void)fprintf(out, fabs(v) < 1000 ? "%*.*f" : "%*.*g", width, width == SHORT ? 2 : 4, v);
}

// @return How many lines it takes.
static size_t put_inputs(FILE *out, const struct wm_fidelity *f)
{
	size_t lines = f->n_notes;

	for (size_t i = 0; i < WM_INPUTS; i++) {
		const struct wm_fidelity_input *in = &f->inputs[i];

		if (in->path == NULL)
			continue;
		(void)fprintf(out, "%-10s %s: %" PRIu64 " %s, %" PRIu64 " flows, %.6g s\n", roles[i], in->path,
			in->packets, f->mode == WM_FIDELITY_PACKETS ? "packets" : "rows", in->flows, in->duration_s);
		lines++;
		for (size_t k = 0; k < in->n_notes && k < NOTES; k++, lines++)
			(void)fprintf(out, "           note: %s\n", in->notes[k]);
	}
	for (size_t i = 0; i < f->n_notes; i++)
		(void)fprintf(out, "note: %s\n", f->notes[i]);
	return lines;
}

static void put_score(FILE *out, const struct wm_fidelity *f, const struct wm_group_score *g)
{
	char verdict[16];

	wm_verdict_words(verdict, g->verdict, g->follows);
	(void)fprintf(out, "%c %-13s", g->letter != '\0' ? g->letter : ' ', g->name);
	put_number(out, SHORT, g->score);
	put_number(out, SHORT, g->strict);
	if (f->inputs[WM_INPUT_HOLDOUT].path != NULL)
		put_number(out, SHORT, g->holdout);
	(void)fprintf(out, "  %-9s  %s\n", verdict, g->words);
}

// Words that fit in what is left of a line.
static void put_words(FILE *out, const char *words, size_t room)
{
	size_t len = strlen(words);

	if (len <= room) {
		(void)fprintf(out, "%s\n", words);
		return;
	}
	for (len = room - 3; len > 0 && words[len] != ' ';)
		len--;
	(void)fprintf(out, "%.*s...\n", (int)len, words);
}

static void put_metric(FILE *out, const struct wm_metric *m, bool all)
{
	(void)fprintf(out, "%-32s", m->def->key);
	if (all) {
		put_number(out, LONG, m->value);
		put_number(out, LONG, m->floor);
		put_number(out, LONG, m->tfloor);
	}
	put_number(out, all ? LONG : SHORT, m->ratio);
	(void)fprintf(out, " %c ", m->finding ? '*' : ' ');
	put_words(out, m->def->field, all ? SIZE_MAX : COLUMNS - 32 - SHORT - 3);
}

// Findings first, then by how far off.
static int compare_worst(const void *a, const void *b)
{
	const struct wm_metric *x = *(const struct wm_metric *const *)a, *y = *(const struct wm_metric *const *)b;

	if (x->finding != y->finding)
		return x->finding ? -1 : 1;
	if (x->ratio > y->ratio || x->ratio < y->ratio)
		return x->ratio > y->ratio ? -1 : 1;
	return x < y ? -1 : 1;
}

static void put_worst(FILE *out, const struct wm_fidelity *f, size_t most)
{
	const struct wm_metric *worst[WM_METRICS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < f->n_metrics; i++)
		if (f->metrics[i].ratio > 1) // nor one that has none
			worst[n++] = &f->metrics[i];
	// cppcheck-suppress uninitvar ; all below n were written
	// NOLINTNEXTLINE(bugprone-sizeof-expression): it is pointers that are sorted
	qsort(worst, n, sizeof(worst[0]), compare_worst);
	for (size_t i = 0; i < n && i < most; i++)
		put_metric(out, worst[i], false);
}

void text_report(FILE *out, const struct wm_fidelity *f, bool all)
{
	const bool holdout = f->inputs[WM_INPUT_HOLDOUT].path != NULL;
	size_t lines = put_inputs(out, f);

	(void)fprintf(out, "\n%-15s%*s%*s", "group", SHORT, "score", SHORT, "strict");
	(void)fprintf(out, "%*s  %-9s  %s\n", holdout ? SHORT : 0, holdout ? "holdout" : "", "verdict",
		"1.0 = as real is to itself");
	for (size_t i = 0; i < f->n_groups; i++)
		put_score(out, f, &f->groups[i]);
	put_score(out, f, &f->overall);
	lines += f->n_groups + 5; // empty lines and headings too
	if (!all) {
		(void)fprintf(out, "\n%-32s%*s   * = neither chance nor drift\n", "worst metrics", SHORT, "ratio");
		put_worst(out, f, lines + WORST_LEAST < LINES ? LINES - lines : WORST_LEAST);
		return;
	}
	(void)fprintf(out, "\n%-32s%*s%*s%*s%*s   %s\n", "metric", LONG, "value", LONG, "floor", LONG, "tfloor", LONG,
		"ratio", "of");
	for (size_t i = 0; i < f->n_metrics; i++)
		put_metric(out, &f->metrics[i], true);
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
