// SPDX-License-Identifier: BSD-3-Clause
#include "html_pvt.h"

#include <fidelity/remarks.h>

// A map for each input that has one.
static void put_maps(FILE *out, const struct wm_series *s, const struct wm_plot *plots, const char *remark)
{
	char name[160];

	(void)fputs("<div class=\"maps\">\n", out);
	for (int role = 0; role < WM_INPUTS; role++) {
		if (s->y[role] == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%s, %s", s->title, wm_html_roles[role]);
		wm_html_plot(out, plots++, name, remark);
	}
	(void)fputs("</div>\n", out);
}

static void put_figure(FILE *out, const struct wm_series *s, const struct wm_plot *plots)
{
	const size_t n = wm_plots_of(s);
	char remark[WM_REMARK_SIZE];

	wm_remark_series(remark, s);
	(void)fprintf(out, "<figure class=\"card%s\">\n<figcaption><h3>", n > 1 ? " wide" : "");
	wm_html_text(out, s->title);
	(void)fputs(s->kind == WM_SERIES_HISTOGRAM ? ": how often</h3>" : "</h3>", out);
	if (plots[0].svg != NULL) { // else the remark is in its place
		(void)fputs("<p>", out);
		wm_html_text(out, remark);
		(void)fputs("</p>", out);
	}
	(void)fputs("</figcaption>\n", out);
	if (s->kind == WM_SERIES_BIGRAM)
		put_maps(out, s, plots, remark);
	else
		wm_html_plot(out, plots, s->title, remark);
	(void)fputs("</figure>\n", out);
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

void wm_html_chapters(FILE *out, const struct wm_fidelity *f, const struct wm_plot *plots)
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
