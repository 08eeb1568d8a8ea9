// SPDX-License-Identifier: BSD-3-Clause
#include "html_style.h"

#include <fidelity/html.h>
#include <fidelity/plots.h>
#include <fidelity/remarks.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 6 }; // findings named in the summary

static const char *const role_names[WM_INPUTS] = {"real", "synthetic", "holdout"};

// Length of the UTF-8 sequence at p, or 0 if it is none (RFC 3629 section 4).
static size_t utf8_len(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t n = *s < 0x80                 ? 1
		   : *s >= 0xc2 && *s < 0xe0 ? 2
		   : *s >= 0xe0 && *s < 0xf0 ? 3
		   : *s >= 0xf0 && *s < 0xf5 ? 4
					     : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) || (*s == 0xf0 && s[1] < 0x90)
		|| (*s == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

// File names and notes may hold anything.
static void put_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t n = utf8_len(text);

		if (n == 0 || (n == 1 && (unsigned char)*text < ' ') || *text == 0x7f)
			(void)fputs("\xef\xbf\xbd", out); // replacement character
		else if (*text == '&')
			(void)fputs("&amp;", out);
		else if (*text == '<')
			(void)fputs("&lt;", out);
		else if (*text == '>')
			(void)fputs("&gt;", out);
		else if (*text == '"')
			(void)fputs("&quot;", out);
		else
			(void)fwrite(text, 1, n, out);
		text += n > 0 ? n : 1;
	}
}

static void put_cell(FILE *out, double v)
{
	char text[32];

	wm_remark_number(text, v);
	(void)fprintf(out, "<td class=\"n\">%s</td>", text);
}

static void put_verdict(FILE *out, enum wm_verdict v, char follows)
{
	char words[16];

	wm_verdict_words(words, v, follows);
	(void)fprintf(out, "<td class=\"w v%d\">%s</td>", (int)v, words);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

// A picture with its name and what it says for those who do not see it.
static void put_plot(FILE *out, const struct wm_plot *p, const char *name, const char *words)
{
	(void)fprintf(out, "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", p->width, p->height);
	put_text(out, name);
	(void)fputs(". ", out);
	put_text(out, words);
	(void)fprintf(out, "\">%s</svg>\n", p->svg);
}

static void put_head(FILE *out, const struct wm_fidelity *f)
{
	(void)fputs(
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
		"img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Fidelity of ",
		out);
	put_text(out, file_name(f->inputs[WM_INPUT_SYNTH].path));
	(void)fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>How close is ", html_style);
	put_text(out, file_name(f->inputs[WM_INPUT_SYNTH].path));
	(void)fputs(" to ", out);
	put_text(out, file_name(f->inputs[WM_INPUT_REAL].path));
	(void)fputs("?</h1>\n<p class=\"soft\">A fidelity report: synthetic traffic against real traffic.</p>\n"
		    "<nav aria-label=\"Sections\"><ul><li><a href=\"#summary\">Summary</a></li><li><a "
		    "href=\"#groups\">Groups</a></li>",
		out);
	if (f->n_series > 0)
		(void)fputs("<li><a href=\"#plots\">Plots</a></li>", out);
	(void)fputs("<li><a href=\"#metrics\">All metrics</a></li><li><a href=\"#measures\">How it is measured</a></li>"
		    "<li><a href=\"#inputs\">Inputs</a></li></ul></nav>\n</header>\n<main>\n",
		out);
}

static void put_overall(FILE *out, const struct wm_fidelity *f)
{
	static const char *const words[] = {
		[WM_VERDICT_NONE] = "There was not enough traffic to say.",
		[WM_VERDICT_AS_REAL] = "As close to the real traffic as that is to itself.",
		[WM_VERDICT_NEAR] =
			"Near: further off than the real traffic is from itself, but chance and drift may explain it.",
	};
	const enum wm_verdict v = f->overall.verdict;
	char number[32];

	wm_remark_number(number, f->overall.strict);
	(void)fprintf(out, "<p class=\"score v%d\">%s <small>overall (aim: 1.0)</small></p>\n<p class=\"verdict\">",
		(int)v, number);
	if (v == WM_VERDICT_DIFFERS)
		(void)fprintf(out, "It differs: %u of %u metrics are further off than chance and drift explain.",
			f->overall.findings, f->overall.of);
	else
		(void)fputs(words[v], out);
	(void)fputs("</p>\n", out);
}

static int worse(const void *a, const void *b)
{
	const struct wm_metric *const *x = a, *const *y = b;

	if ((*x)->ratio != (*y)->ratio)
		return (*x)->ratio > (*y)->ratio ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

// The metrics of a group (0 = all), worst first; those without a ratio last, in the order of the table.
static size_t metrics_of(const struct wm_fidelity *f, char letter, const struct wm_metric **out)
{
	size_t n = 0, rated;

	for (size_t i = 0; i < f->n_metrics; i++)
		if ((letter == 0 || f->metrics[i].def->key[0] == letter) && !isnan(f->metrics[i].ratio))
			out[n++] = &f->metrics[i];
	rated = n;
	for (size_t i = 0; i < f->n_metrics; i++)
		if ((letter == 0 || f->metrics[i].def->key[0] == letter) && isnan(f->metrics[i].ratio))
			out[n++] = &f->metrics[i];
	qsort(out, rated, sizeof(*out), worse);
	return n;
}

static void put_good(FILE *out, const struct wm_fidelity *f)
{
	unsigned n = 0;

	(void)fputs("<h3>What is good</h3>\n<ul>\n", out);
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct wm_group_score *g = &f->groups[i];

		if (g->verdict != WM_VERDICT_AS_REAL)
			continue;
		(void)fprintf(out, "<li><b>%s</b> (%s): %.2f</li>\n", g->name, g->words, g->strict);
		n++;
	}
	(void)fputs(n == 0 ? "<li>No group of metrics is as real traffic is to itself.</li>\n</ul>\n" : "</ul>\n", out);
}

static bool is_listed(const struct wm_metric *const *listed, unsigned n, const struct wm_metric *m)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(listed[i]->def->field, m->def->field) == 0)
			return true;
	return false;
}

// The worst finding of each field.
static void put_bad(FILE *out, const struct wm_metric *const *all, size_t n)
{
	const struct wm_metric *listed[LISTED];
	unsigned n_listed = 0, more = 0;

	(void)fputs("<h3>What is not</h3>\n<ul>\n", out);
	for (size_t i = 0; i < n; i++) {
		if (!all[i]->finding || is_listed(listed, n_listed, all[i]))
			continue;
		if (n_listed == LISTED) {
			more++;
			continue;
		}
		(void)fprintf(out, "<li><b>%s</b>: %.3g times as far off as real from itself (<code>%s</code>)</li>\n",
			all[i]->def->field, all[i]->ratio, all[i]->def->key);
		listed[n_listed++] = all[i];
	}
	if (more > 0)
		(void)fprintf(out, "<li>and %u more, <a href=\"#metrics\">below</a></li>\n", more);
	if (n_listed == 0)
		(void)fputs("<li>Nothing that chance or drift in the real traffic would not explain.</li>\n", out);
	(void)fputs("</ul>\n", out);
}

static void put_summary(
	FILE *out, const struct wm_fidelity *f, const struct wm_plot *scores, const struct wm_metric **room)
{
	const size_t n = metrics_of(f, 0, room);
	char number[32];

	(void)fputs("<section id=\"summary\">\n<h2>Summary</h2>\n<div class=\"summary\">\n<div class=\"card\">\n", out);
	put_overall(out, f);
	(void)fputs(
		"<p><b>1.0 means:</b> as far from the real traffic as its own parts are from each other, which is all "
		"that "
		"another hour of the same network would reach. 2.0 is twice as far. A metric that is better than 1.0 "
		"counts as 1.0, so that it cannot make up for a bad one.</p>\n",
		out);
	if (f->inputs[WM_INPUT_HOLDOUT].path != NULL) {
		wm_remark_number(number, f->overall.holdout);
		(void)fprintf(out,
			"<p>The holdout, real traffic of another time, scores %s in the synthetic one's place.</p>\n",
			number);
	}
	put_good(out, f);
	put_bad(out, room, n);
	(void)fputs(
		"</div>\n<figure class=\"card\">\n<figcaption><h3>Score of each group</h3><p>Bars begin at 1, where "
		"real traffic is from itself; shorter is better.</p></figcaption>\n",
		out);
	put_plot(out, scores, "Score of each group", "The table below has the same numbers.");
	(void)fputs("</figure>\n</div>\n</section>\n", out);
}

static void put_groups(FILE *out, const struct wm_fidelity *f)
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
		put_verdict(out, g->verdict, g->follows);
		put_cell(out, g->strict);
		put_cell(out, g->score);
		put_cell(out, g->vs_floor);
		put_cell(out, g->holdout);
		if (i < f->n_groups)
			(void)fprintf(out, "<td class=\"n\">%u of %u</td><td><code>%s</code></td></tr>\n", g->within,
				g->of, g->worst < f->n_metrics ? f->metrics[g->worst].def->key : "\xe2\x80\x93");
		else
			(void)fputs("<td></td><td></td></tr>\n", out);
	}
	(void)fputs("</tbody>\n</table>\n</div>\n</section>\n", out);
}

static void put_figure(FILE *out, const struct wm_series *s, const struct wm_plot *plots)
{
	const size_t n = wm_plots_of(s);
	char remark[WM_REMARK_SIZE], name[160];
	int role = 0;

	wm_remark_series(remark, s);
	(void)fprintf(out, "<figure class=\"card%s\">\n<figcaption><h3>", n > 1 ? " wide" : "");
	put_text(out, s->title);
	(void)fputs(s->kind == WM_SERIES_HISTOGRAM ? ": how often</h3><p>" : "</h3><p>", out);
	put_text(out, remark);
	(void)fputs("</p></figcaption>\n", out);
	if (s->kind != WM_SERIES_BIGRAM)
		put_plot(out, plots, s->title, remark);
	else
		(void)fputs("<div class=\"maps\">\n", out);
	for (size_t i = 0; s->kind == WM_SERIES_BIGRAM && i < n; i++, role++) {
		while (s->y[role] == NULL)
			role++;
		(void)snprintf(name, sizeof(name), "%s, %s", s->title, role_names[role]);
		put_plot(out, &plots[i], name, remark);
	}
	(void)fputs(s->kind == WM_SERIES_BIGRAM ? "</div>\n</figure>\n" : "</figure>\n", out);
}

// Plots of like kinds stand together, under a line on how to read them.
static const struct {
	const char *title;
	const char *how;
	unsigned kinds; // bits of enum wm_series_kind
} chapters[] = {
	{"Values",
		"The share of values up to x, and how often values occur. Good: the dashed line lies on the solid one.",
		1u << WM_SERIES_CDF | 1u << WM_SERIES_HISTOGRAM},
	{"Traffic over time",
		"Two recordings of one network are never the same here; level, peaks and calm should be alike.",
		1u << WM_SERIES_RATE},
	{"Memory",
		"How much a packet, or a second, tells of those after it; and how much the rate varies at each scale. "
		"Real "
		"traffic is bursty at all scales: its energy rises to the right.",
		1u << WM_SERIES_ACF | 1u << WM_SERIES_LOGSCALE},
	{"Which packet follows which",
		"Row: a packet; column: the next one of its flow. Dark pairs are frequent, white ones never happen; "
		"the maps "
		"should look alike.",
		1u << WM_SERIES_BIGRAM},
	{"Popularity", "Values by how frequent they are, whichever they are. A steep line: a few have nearly all.",
		1u << WM_SERIES_RANK},
};

static void put_chapters(FILE *out, const struct wm_fidelity *f, const struct wm_plot *plots)
{
	(void)fputs(f->n_series > 0 ? "<div id=\"plots\">\n" : "", out);
	for (size_t c = 0; c < sizeof(chapters) / sizeof(chapters[0]); c++) {
		const struct wm_plot *at = plots;
		bool open = false;

		for (size_t i = 0; i < f->n_series; at += wm_plots_of(&f->series[i++])) {
			if (!(chapters[c].kinds >> f->series[i].kind & 1))
				continue;
			if (!open)
				(void)fprintf(out,
					"<section>\n<h2>%s</h2>\n<p class=\"how\">%s</p>\n<div class=\"plots\">\n",
					chapters[c].title, chapters[c].how);
			open = true;
			put_figure(out, &f->series[i], at);
		}
		if (open)
			(void)fputs("</div>\n</section>\n", out);
	}
	(void)fputs(f->n_series > 0 ? "</div>\n" : "", out);
}

static void put_metric(FILE *out, const struct wm_metric *m)
{
	(void)fprintf(out, "<tr><td>%s</td><td><code>%s</code></td>", m->def->field, m->def->key);
	put_verdict(out, wm_verdict_of_metric(m), 0);
	put_cell(out, m->ratio);
	put_cell(out, m->value);
	put_cell(out, m->floor);
	put_cell(out, m->tfloor);
	put_cell(out, m->holdout);
	(void)fputs("</tr>\n", out);
}

static void put_metrics(FILE *out, const struct wm_fidelity *f, const struct wm_metric **room)
{
	(void)fputs(
		"<section id=\"metrics\">\n<h2>All metrics</h2>\n<p class=\"how\">Worst first. Noise: the same between "
		"random "
		"halves of the real traffic; drift: between its first and its second half in time; times real: value "
		"over the larger of both.</p>\n",
		out);
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct wm_group_score *g = &f->groups[i];
		const size_t n = metrics_of(f, g->letter, room);

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

static void put_measures(FILE *out, const struct wm_fidelity *f)
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
		put_text(out, m->words);
		if (m->eps > 0)
			(void)fprintf(out, "; below %g it does not matter", m->eps);
		(void)fputs(m->source[0] != '\0' ? " <span class=\"soft\">(" : "", out);
		put_text(out, m->source);
		(void)fputs(m->source[0] != '\0' ? ")</span></dd>\n" : "</dd>\n", out);
	}
	(void)fputs("</dl>\n</section>\n", out);
}

static void put_notes(FILE *out, char *const *notes, size_t n)
{
	(void)fputs(n > 0 ? "<ul>\n" : "", out);
	for (size_t i = 0; i < n; i++) {
		(void)fputs("<li>", out);
		put_text(out, notes[i]);
		(void)fputs("</li>\n", out);
	}
	(void)fputs(n > 0 ? "</ul>\n" : "", out);
}

static void put_inputs(FILE *out, const struct wm_fidelity *f)
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
		(void)fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"path\">", role_names[role]);
		put_text(out, in->path);
		(void)fprintf(out,
			"</td><td>%s</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
			"</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%.3f</td></tr>\n",
			in->format, in->packets, in->flows, in->bytes, in->duration_s);
	}
	(void)fputs("</tbody>\n</table>\n</div>\n", out);
	for (int role = 0; role < WM_INPUTS; role++) {
		if (f->inputs[role].n_notes == 0)
			continue;
		(void)fprintf(out, "<h3>Notes on the %s traffic</h3>\n", role_names[role]);
		put_notes(out, f->inputs[role].notes, f->inputs[role].n_notes);
	}
	if (f->n_notes > 0)
		(void)fputs("<h3>Notes</h3>\n", out);
	put_notes(out, f->notes, f->n_notes);
	(void)fputs("</section>\n", out);
}

int wm_fidelity_html(const struct wm_fidelity *f, FILE *out, struct wm_err *err)
{
	const struct wm_metric **room = calloc(f->n_metrics + 1, sizeof(*room));
	struct wm_plots plots = {0};
	int rc = room != NULL ? wm_plots_draw(&plots, f, err) : wm_err_sys(err, -ENOMEM, "the report");

	if (rc == 0) {
		put_head(out, f);
		put_summary(out, f, &plots.plots[0], room);
		put_groups(out, f);
		put_chapters(out, f, plots.plots + 1);
		put_metrics(out, f, room);
		put_measures(out, f);
		put_inputs(out, f);
		(void)fprintf(out,
			"</main>\n<footer>Made by wiremill-compare %s; numbering of metrics %d. This page needs "
			"nothing else: it "
			"can be kept, sent and printed.</footer>\n</body>\n</html>\n",
			WM_VERSION, WM_FIDELITY_SCHEMA);
	}
	wm_plots_free(&plots);
	free(room);
	return rc;
}
