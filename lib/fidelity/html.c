// SPDX-License-Identifier: BSD-3-Clause
#include "html_pvt.h"
#include "html_style.h"

#include <fidelity/html.h>
#include <fidelity/remarks.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 6 }; // findings named in the summary

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void put_head(FILE *out, const struct wm_fidelity *f)
{
	(void)fputs(
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
		"img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Fidelity of ",
		out);
	wm_html_text(out, file_name(f->inputs[WM_INPUT_SYNTH].path));
	(void)fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>How close is ", html_style);
	wm_html_text(out, file_name(f->inputs[WM_INPUT_SYNTH].path));
	(void)fputs(" to ", out);
	wm_html_text(out, file_name(f->inputs[WM_INPUT_REAL].path));
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

// "It differs in flows. Sequence and pairs follow from that."
static void put_differing(FILE *out, const struct wm_fidelity *f)
{
	static const struct {
		enum wm_verdict verdict;
		const char *before;
	} parts[] = {{WM_VERDICT_DIFFERS, "It differs in "}, {WM_VERDICT_FOLLOWS, " What follows from that: "}};

	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
		unsigned n = 0;

		for (size_t i = 0; i < f->n_groups; i++)
			if (f->groups[i].verdict == parts[p].verdict)
				(void)fprintf(out, "%s%s", n++ == 0 ? parts[p].before : ", ", f->groups[i].name);
		if (n > 0)
			(void)fputc('.', out);
	}
	(void)fprintf(out, " %u metric%s further off than chance and drift explain.", f->overall.findings,
		f->overall.findings == 1 ? " is" : "s are");
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

	(void)fprintf(out, "<p class=\"score v%d\">%.2f <small>overall (aim: 1.0)</small></p>\n<p class=\"verdict\">",
		(int)v, f->overall.strict);
	if (v == WM_VERDICT_DIFFERS)
		put_differing(out, f);
	else
		(void)fputs(words[v], out);
	(void)fputs("</p>\n", out);
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

static bool differs(const struct wm_fidelity *f, const struct wm_metric *m)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (f->groups[i].letter == m->def->key[0])
			return f->groups[i].verdict == WM_VERDICT_DIFFERS;
	return false;
}

// The worst finding of each field: first of groups that differ, then of those that follow.
static void put_bad(FILE *out, const struct wm_fidelity *f, const struct wm_metric *const *all, size_t n)
{
	const struct wm_metric *listed[LISTED];
	unsigned n_listed = 0, more = 0;

	(void)fputs("<h3>What is not</h3>\n<ul>\n", out);
	for (size_t k = 0; k < 2 * n; k++) {
		const size_t i = k < n ? k : k - n;

		if (!all[i]->finding || differs(f, all[i]) != (k < n) || is_listed(listed, n_listed, all[i]))
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
	const size_t n = wm_html_metrics_of(f, 0, room);
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
	put_bad(out, f, room, n);
	(void)fputs(
		"</div>\n<figure class=\"card\">\n<figcaption><h3>Score of each group</h3><p>Bars begin at 1, where "
		"real traffic is from itself; shorter is better.</p></figcaption>\n",
		out);
	wm_html_plot(out, scores, "Score of each group", "The table below has the same numbers.");
	(void)fputs("</figure>\n</div>\n</section>\n", out);
}

int wm_fidelity_html(const struct wm_fidelity *f, FILE *out, struct wm_err *err)
{
	// NOLINTNEXTLINE(bugprone-sizeof-expression): it is pointers that are sorted
	const struct wm_metric **room = calloc(f->n_metrics + 1, sizeof(*room));
	struct wm_plots plots = {0};
	int rc = room != NULL ? wm_plots_draw(&plots, f, err) : wm_err_sys(err, -ENOMEM, "the report");

	if (rc == 0) {
		put_head(out, f);
		put_summary(out, f, &plots.plots[0], room);
		wm_html_groups(out, f);
		wm_html_chapters(out, f, plots.plots + 1);
		wm_html_metrics(out, f, room);
		wm_html_measures(out, f);
		wm_html_inputs(out, f);
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
