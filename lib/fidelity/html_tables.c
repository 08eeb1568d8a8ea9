// SPDX-License-Identifier: BSD-3-Clause
#include "html_pvt.h"

#include <fidelity/remarks.h>

#include <inttypes.h>

void wm_html_groups(FILE *out, const struct wm_fidelity *f)
{
	(void)fputs(
		"<section id=\"groups\">\n<h2>Groups</h2>\n<p class=\"how\">Score counts merits, strict does not; "
		"against "
		"the noise alone, drift in the real traffic is not forgiven; holdout is what other real traffic "
		"gets.</p>\n"
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores of the groups\">\n<table>\n"
		"<caption>Scores of the groups <span>(1.0 = as real traffic is from "
		"itself)</span></caption>\n<thead><tr><th "
		"scope=\"col\">Group</th><th scope=\"col\">What it is about</th><th scope=\"col\">Verdict</th><th "
		"class=\"n\" "
		"scope=\"col\">Strict</th><th class=\"n\" scope=\"col\">Score</th><th class=\"n\" "
		"scope=\"col\">Against noise"
		"</th><th class=\"n\" scope=\"col\">Holdout</th><th class=\"n\" scope=\"col\">Within</th><th "
		"scope=\"col\">"
		"Worst metric</th></tr></thead>\n<tbody>\n",
		out);
	for (size_t i = 0; i <= f->n_groups; i++) {
		const struct wm_group_score *g = i < f->n_groups ? &f->groups[i] : &f->overall;

		(void)fprintf(out, "<tr><th scope=\"row\">%s %s</th><td>%s</td>", (char[]){g->letter, '\0'},
			i < f->n_groups ? g->name : "overall",
			i < f->n_groups ? g->words : "geometric mean of those that count");
		wm_html_verdict(out, g->verdict, g->follows);
		wm_html_cell(out, g->strict);
		wm_html_cell(out, g->score);
		wm_html_cell(out, g->vs_floor);
		wm_html_cell(out, g->holdout);
		if (i < f->n_groups)
			(void)fprintf(out, "<td class=\"n\">%u of %u</td><td><code>%s</code></td></tr>\n", g->within,
				g->of, g->worst < f->n_metrics ? f->metrics[g->worst].def->key : "\xe2\x80\x93");
		else
			(void)fputs("<td></td><td></td></tr>\n", out);
	}
	(void)fputs("</tbody>\n</table>\n</div>\n</section>\n", out);
}

static void put_metric(FILE *out, const struct wm_metric *m)
{
	(void)fprintf(out, "<tr><td>%s</td><td><code>%s</code></td>", m->def->field, m->def->key);
	wm_html_verdict(out, wm_verdict_of_metric(m), 0);
	wm_html_cell(out, m->ratio);
	wm_html_cell(out, m->value);
	wm_html_cell(out, m->floor);
	wm_html_cell(out, m->tfloor);
	wm_html_cell(out, m->holdout);
	(void)fputs("</tr>\n", out);
}

void wm_html_metrics(FILE *out, const struct wm_fidelity *f, const struct wm_metric **room)
{
	(void)fputs(
		"<section id=\"metrics\">\n<h2>All metrics</h2>\n<p class=\"how\">Worst first. Noise: the same between "
		"random "
		"halves of the real traffic; drift: between its first and its second half in time; times real: value "
		"over the larger of both.</p>\n",
		out);
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct wm_group_score *g = &f->groups[i];
		const size_t n = wm_html_metrics_of(f, g->letter, room);

		(void)fprintf(out,
			"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Metrics: %s\">\n<table>\n"
			"<caption>%s <span>%s</span></caption>\n<thead><tr><th scope=\"col\">What</th><th "
			"scope=\"col\">Key</th><th "
			"scope=\"col\">Verdict</th><th class=\"n\" scope=\"col\">Times real</th><th class=\"n\" "
			"scope=\"col\">"
			"Value</th><th class=\"n\" scope=\"col\">Noise</th><th class=\"n\" scope=\"col\">Drift</th><th "
			"class=\"n\" "
			"scope=\"col\">Holdout</th></tr></thead>\n<tbody>\n",
			g->name, g->name, g->words);
		for (size_t k = 0; k < n; k++)
			put_metric(out, room[k]);
		(void)fputs("</tbody>\n</table>\n</div>\n", out);
	}
	(void)fputs("</section>\n", out);
}

static bool is_first_of_its_measure(const struct wm_fidelity *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->metrics[k].def->measure == f->metrics[i].def->measure)
			return false;
	return true;
}

void wm_html_measures(FILE *out, const struct wm_fidelity *f)
{
	(void)fputs("<section id=\"measures\">\n<h2>How it is measured</h2>\n<p>Every number is a distance between two "
		    "parts of "
		    "traffic, taken several times: real against synthetic, between random halves of the real (noise), "
		    "between "
		    "its first and its second half (drift) and, where there is one, real against the holdout. The last "
		    "part of a "
		    "key names the distance.</p>\n<dl>\n",
		out);
	for (size_t i = 0; i < f->n_metrics; i++) {
		const struct wm_measure *m = f->metrics[i].def->measure;

		if (!is_first_of_its_measure(f, i))
			continue;
		(void)fprintf(out, "<dt><code>%s</code></dt><dd>", m->name);
		wm_html_text(out, m->words);
		if (m->eps > 0)
			(void)fprintf(out, "; below %g it does not matter", m->eps);
		(void)fputs(m->source[0] != '\0' ? " <span class=\"soft\">(" : "", out);
		wm_html_text(out, m->source);
		(void)fputs(m->source[0] != '\0' ? ")</span></dd>\n" : "</dd>\n", out);
	}
	(void)fputs("</dl>\n</section>\n", out);
}

static void put_notes(FILE *out, char *const *notes, size_t n)
{
	(void)fputs(n > 0 ? "<ul>\n" : "", out);
	for (size_t i = 0; i < n; i++) {
		(void)fputs("<li>", out);
		wm_html_text(out, notes[i]);
		(void)fputs("</li>\n", out);
	}
	(void)fputs(n > 0 ? "</ul>\n" : "", out);
}

void wm_html_inputs(FILE *out, const struct wm_fidelity *f)
{
	const char *unit = f->mode == WM_FIDELITY_FLOWS ? "Rows" : "Packets";

	(void)fprintf(out,
		"<section id=\"inputs\">\n<h2>Inputs</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"Inputs\">\n<table>\n<caption>What was compared</caption>\n<thead><tr><th "
		"scope=\"col\">Part</th><th "
		"scope=\"col\">File</th><th scope=\"col\">Format</th><th class=\"n\" scope=\"col\">%s</th><th "
		"class=\"n\" "
		"scope=\"col\">Flows</th><th class=\"n\" scope=\"col\">Bytes</th><th class=\"n\" "
		"scope=\"col\">Seconds</th></tr>"
		"</thead>\n<tbody>\n",
		unit);
	for (int role = 0; role < WM_INPUTS; role++) {
		const struct wm_fidelity_input *in = &f->inputs[role];

		if (in->path == NULL)
			continue;
		(void)fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"path\">", wm_html_roles[role]);
		wm_html_text(out, in->path);
		(void)fprintf(out,
			"</td><td>%s</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
			"</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%.3f</td></tr>\n",
			in->format, in->packets, in->flows, in->bytes, in->duration_s);
	}
	(void)fputs("</tbody>\n</table>\n</div>\n", out);
	for (int role = 0; role < WM_INPUTS; role++) {
		if (f->inputs[role].n_notes == 0)
			continue;
		(void)fprintf(out, "<h3>Notes on the %s traffic</h3>\n", wm_html_roles[role]);
		put_notes(out, f->inputs[role].notes, f->inputs[role].n_notes);
	}
	if (f->n_notes > 0)
		(void)fputs("<h3>Notes</h3>\n", out);
	put_notes(out, f->notes, f->n_notes);
	(void)fputs("</section>\n", out);
}
