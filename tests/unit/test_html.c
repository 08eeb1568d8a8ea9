// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/gnuplot.h>
#include <fidelity/html.h>
#include <fidelity/remarks.h>

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 40, PAIRS = 3 };

static const struct wm_measure jsd = {"JSDx", .002, .02, 1, "divergence of <exact> values", "Lin & 1991"};
static const struct wm_measure w1 = {"W1n", .01, .08, 10, "distance", ""};
static const struct wm_metric_def defs[] = {{"A.len.JSDx", "packet length", &jsd, 0},
	{"A.len.W1n", "packet length", &w1, 0}, {"B.dir.W1n", "directions", &w1, 0}};

// A report with a series of every kind.
struct made {
	struct wm_fidelity f;
	struct wm_metric metrics[3];
	struct wm_series series[7];
	double x[N];
	double y[WM_INPUTS][N];
	double pairs[2][PAIRS * PAIRS];
	char labels[PAIRS][24];
	char path[WM_INPUTS][64];
	char note[64];
	char *notes[1];
};

static void make_series(struct made *m)
{
	static const char *const names[] = {"cdf", "histogram", "rate", "acf", "logscale", "rank", "pairs"};

	for (int i = 0; i < N; i++) {
		m->x[i] = i + 1;
		for (int role = 0; role < WM_INPUTS; role++)
			m->y[role][i] = i < N - 5 * role ? 1 / (1.0 + i + role) : (double)NAN;
	}
	for (int i = 0; i < PAIRS; i++)
		(void)snprintf(m->labels[i], sizeof(m->labels[i]), i == 1 ? "<'%d'>" : "kind %d", i);
	for (int i = 0; i < PAIRS * PAIRS; i++) {
		m->pairs[0][i] = i == 4 ? 0 : .125;
		m->pairs[1][i] = i == 5 ? 1 : 0;
	}
	for (int k = WM_SERIES_CDF; k <= WM_SERIES_BIGRAM; k++) {
		struct wm_series *s = &m->series[k];

		*s = (struct wm_series){.kind = (enum wm_series_kind)k,
			.title = "It's 100% <b>",
			.unit = "ms",
			.log_x = k == WM_SERIES_LOGSCALE,
			.n = N,
			.x = m->x,
			.y = {m->y[0], m->y[1], m->y[2]}};
		(void)snprintf(s->name, sizeof(s->name), "%s", names[k]);
		if (k == WM_SERIES_BIGRAM) {
			s->n = PAIRS;
			s->x = NULL;
			s->y[0] = m->pairs[0];
			s->y[1] = m->pairs[1];
			s->y[2] = NULL;
			s->labels = m->labels;
		}
	}
}

static void make(struct made *m)
{
	static const double ratios[] = {1, 12, (double)NAN};

	memset(m, 0, sizeof(*m));
	make_series(m);
	for (size_t i = 0; i < 3; i++)
		m->metrics[i] = (struct wm_metric){
			&defs[i], .1, .01, (double)NAN, .01, .02, ratios[i], ratios[i], 1, ratios[i] > 3};
	strcpy(m->path[WM_INPUT_REAL], "/data/real \"one\".pcap");
	strcpy(m->path[WM_INPUT_SYNTH], "/data/<script>alert(1)</script>&\xff\n\xc3\xa9.pcap");
	strcpy(m->note, "cut short </ul>");
	m->notes[0] = m->note;
	m->f = (struct wm_fidelity){
		.inputs = {{m->path[0], 100, 10, 1000, 1.5, "capture", m->notes, 1},
			{m->path[1], 90, 9, 900, 1, "capture", NULL, 0}},
		.metrics = m->metrics,
		.n_metrics = 3,
		.groups = {{'A', "marginals", "each field", 3.5, 3.5, 3.5, 1, 1, 2, 1, 1, WM_VERDICT_DIFFERS, 0, true},
			{'B', "sequence", "order", (double)NAN, (double)NAN, (double)NAN, (double)NAN, 0, 0, 0,
				SIZE_MAX, WM_VERDICT_NONE, 0, true}},
		.n_groups = 2,
		.overall = {.of = 2,
			.findings = 1,
			.score = 3.5,
			.strict = 3.5,
			.vs_floor = 3.5,
			.holdout = 1,
			.verdict = WM_VERDICT_DIFFERS},
		.series = m->series,
		.n_series = 7,
	};
}

static char *page_of(const struct wm_fidelity *f)
{
	struct wm_err err = {{0}};
	size_t len;
	char *page = NULL;
	FILE *out = open_memstream(&page, &len);
	int rc;

	assert_non_null(out);
	rc = wm_fidelity_html(f, out, &err);
	assert_int_equal(fclose(out), 0);
	if (rc < 0)
		print_message("%s\n", err.msg);
	assert_int_equal(rc, 0);
	return page;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static int gnuplot_is_there(void)
{
	return wm_gnuplot_check(NULL) == 0;
}

static void every_series_has_its_plot_and_words(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	page = page_of(&m.f);
	assert_int_equal(count(page, "<svg "), 1 + 6 + 2); // scores, a curve each, two maps
	assert_int_equal(count(page, "</svg>"), 9);
	assert_int_equal(count(page, "role=\"img\" aria-label=\""), 9);
	assert_int_equal(count(page, "<figure"), 1 + 7);
	assert_int_equal(count(page, "<defs>"), 1);
	assert_non_null(strstr(page, "The curves are at most 50.0 percentage points apart, at 1 ms."));
	assert_non_null(strstr(page, "Real: 0.107 per second on average, 1 at the peak"));
	assert_non_null(strstr(
		page, "most where kind 2 follows &lt;'1'&gt;: 12.5 % of the real pairs, 100.0 % of the synthetic"));
	free(page);
}

// Points that no plot shows: none at all, none of an input, those that are not numbers.
static void a_plot_without_data_says_so_in_its_place(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	for (int i = 0; i < N; i++) {
		m.x[i] = 1;
		m.y[WM_INPUT_REAL][i] = m.y[WM_INPUT_SYNTH][i] = (double)NAN;
		m.y[WM_INPUT_HOLDOUT][i] = (double)NAN;
	}
	memset(m.pairs[0], 0, sizeof(m.pairs[0]));
	m.series[WM_SERIES_CDF].n = 0;
	m.series[WM_SERIES_HISTOGRAM].y[WM_INPUT_SYNTH] = NULL;
	m.f.groups[0].strict = (double)NAN;
	page = page_of(&m.f);
	assert_int_equal(count(page, "<svg "), 1); // the map of the synthetic pairs
	assert_int_equal(count(page, "<figure"), 1 + 7);
	assert_int_equal(count(page, "<p class=\"nothing\">"), 1 + 6 + 1);
	assert_int_equal(count(page, "There is too little traffic for this plot: it needs 100 pairs"), 1);
	assert_int_equal(count(page, "There is too little real traffic for this plot: it needs flows"), 2);
	free(page);
}

static void a_plot_of_one_point_is_drawn(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	for (size_t k = 0; k < WM_SERIES_BIGRAM; k++)
		m.series[k].n = 1;
	m.series[WM_SERIES_RANK].y[WM_INPUT_SYNTH][0] = 0; // which a logarithmic axis cannot show
	page = page_of(&m.f);
	assert_int_equal(count(page, "<svg "), 1 + 6 + 2);
	free(page);
}

static void what_is_in_files_cannot_become_markup(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	page = page_of(&m.f);
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "<b>\""));
	assert_null(strstr(page, "\xff"));
	assert_non_null(
		strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9.pcap"));
	assert_non_null(strstr(page, "real &quot;one&quot;.pcap"));
	assert_non_null(strstr(page, "<li>cut short &lt;/ul&gt;</li>"));
	assert_non_null(strstr(page, "It's 100% &lt;b&gt;"));
	assert_int_equal(count(page, "<ul>"), count(page, "</ul>"));
	free(page);
}

static void summary_names_what_is_off_and_only_that(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	page = page_of(&m.f);
	assert_non_null(
		strstr(page, "<b>packet length</b>: 12 times as far off as real from itself (<code>A.len.W1n</code>)"));
	assert_int_equal(count(page, "times as far off as real from itself"), 1);
	assert_non_null(
		strstr(page, "It differs in marginals. 1 metric is further off than chance and drift explain."));
	free(page);
}

static void page_loads_nothing(void **state)
{
	struct made m;
	char *page;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	make(&m);
	page = page_of(&m.f);
	assert_null(strstr(page, "src="));
	assert_null(strstr(page, "@import"));
	assert_null(strstr(page, "url("));
	assert_int_equal(count(page, "href=\"http"), 0);
	free(page);
}

static void a_missing_gnuplot_gets_one_sentence(void **state)
{
	const char *path = getenv("PATH");
	char *before = strdup(path != NULL ? path : "");
	struct wm_err err = {{0}};
	struct made m;

	(void)state;
	assert_non_null(before);
	make(&m);
	assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
	assert_int_equal(wm_gnuplot_check(&err), -ENOENT);
	assert_int_equal(wm_fidelity_html(&m.f, stdout, &err), -ENOENT);
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_string_equal(
		err.msg, "gnuplot, which draws the plots, is not installed (Debian: apt-get install gnuplot-nox)");
	free(before);
}

static void a_script_that_gnuplot_does_not_take_is_told(void **state)
{
	FILE *script = tmpfile();
	struct wm_err err = {{0}};
	char *text = NULL;

	(void)state;
	if (!gnuplot_is_there())
		skip();
	assert_non_null(script);
	(void)fputs("plot nonsense with no sense\n", script);
	assert_int_equal(wm_gnuplot_run(script, &text, &err), -EINVAL);
	assert_null(text);
	assert_non_null(strstr(err.msg, "gnuplot failed: "));
	(void)fclose(script);
}

static void verdicts_follow_findings_and_ratios(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(wm_verdict_of_metric(&(struct wm_metric){.ratio = (double)NAN}), WM_VERDICT_NONE);
	assert_int_equal(wm_verdict_of_metric(&(struct wm_metric){.ratio = 1.5}), WM_VERDICT_AS_REAL);
	assert_int_equal(wm_verdict_of_metric(&(struct wm_metric){.ratio = 4}), WM_VERDICT_NEAR);
	assert_int_equal(wm_verdict_of_metric(&(struct wm_metric){.ratio = 4, .finding = true}), WM_VERDICT_DIFFERS);
	wm_verdict_words(text, WM_VERDICT_DIFFERS, 'A');
	assert_string_equal(text, "differs");
	wm_verdict_words(text, WM_VERDICT_FOLLOWS, 'A');
	assert_string_equal(text, "follows A");
	wm_remark_quantity(text, 604000, "");
	assert_string_equal(text, "604 k");
	wm_remark_quantity(text, .000149, "s");
	assert_string_equal(text, "149 \xc2\xb5s");
	wm_remark_number(text, 1234.5);
	assert_string_equal(text, "1234");
	wm_remark_number(text, .000012);
	assert_string_equal(text, "1.2e-05");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_series_has_its_plot_and_words),
		cmocka_unit_test(a_plot_without_data_says_so_in_its_place),
		cmocka_unit_test(a_plot_of_one_point_is_drawn),
		cmocka_unit_test(what_is_in_files_cannot_become_markup),
		cmocka_unit_test(summary_names_what_is_off_and_only_that),
		cmocka_unit_test(page_loads_nothing),
		cmocka_unit_test(a_missing_gnuplot_gets_one_sentence),
		cmocka_unit_test(a_script_that_gnuplot_does_not_take_is_told),
		cmocka_unit_test(verdicts_follow_findings_and_ratios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
