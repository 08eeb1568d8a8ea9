// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/remarks.h>
#include <fidelity/series.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

void wm_remark_number(char out[32], double v)
{
	if (isnan(v))
		(void)snprintf(out, 32, "\xe2\x80\x93");
	else
		(void)snprintf(out, 32, fabs(v) >= 100 ? "%.0f" : fabs(v) >= 0.001 || v == 0 ? "%.3g" : "%.1e", v);
}

// Prefixes of SI; a tenth of a thousand of something is still written out.
void wm_remark_quantity(char out[32], double v, const char *unit)
{
	static const struct {
		double least;
		double of;
		const char *prefix;
	} steps[] = {{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e5, 1e3, "k"}, {1, 1, ""}, {1e-3, 1e-3, "m"},
		{1e-6, 1e-6, "\xc2\xb5"}, {0, 1e-9, "n"}};
	const bool only_large = strcmp(unit, "s") != 0; // a millihop is nothing
	size_t i = 0;

	while (fabs(v) < steps[i].least && !(only_large && steps[i].of <= 1) && fabs(v) > 0)
		i++;
	v /= v != 0 ? steps[i].of : 1;
	(void)snprintf(
		out, 32, fabs(v) >= 100 ? "%.0f %s%.16s" : "%.3g %s%.16s", v, fabs(v) > 0 ? steps[i].prefix : "", unit);
	if (out[strlen(out) - 1] == ' ')
		out[strlen(out) - 1] = '\0';
}

// The largest difference of two curves and where it is, and the mean of all.
struct gap {
	double largest;
	double mean;
	size_t at;
	size_t n; // compared
};

static struct gap gap_of(const struct wm_series *s)
{
	const double *real = s->y[WM_INPUT_REAL], *synth = s->y[WM_INPUT_SYNTH];
	const size_t n = s->kind == WM_SERIES_BIGRAM ? s->n * s->n : s->n;
	struct gap g = {0};

	for (size_t i = 0; i < n; i++) {
		double d = fabs(real[i] - synth[i]);

		if (isnan(d))
			continue;
		g.mean += d;
		g.n++;
		if (d > g.largest) {
			g.largest = d;
			g.at = i;
		}
	}
	g.mean /= g.n > 0 ? (double)g.n : 1;
	return g;
}

static void mean_and_peak(const double *y, size_t n, double *mean, double *peak)
{
	size_t there = 0;

	*mean = *peak = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		*mean += y[i];
		*peak = fmax(*peak, y[i]);
		there++;
	}
	*mean /= there > 0 ? (double)there : 1;
}

static void remark_rate(char out[WM_REMARK_SIZE], const struct wm_series *s)
{
	char words[2][2][32];

	for (int role = WM_INPUT_REAL; role <= WM_INPUT_SYNTH; role++) {
		double mean, peak;

		mean_and_peak(s->y[role], s->n, &mean, &peak);
		wm_remark_quantity(words[role][0], mean, "");
		wm_remark_quantity(words[role][1], peak, "");
	}
	(void)snprintf(out, WM_REMARK_SIZE, "Real: %s per second on average, %s at the peak; synthetic: %s and %s.",
		words[0][0], words[0][1], words[1][0], words[1][1]);
}

static void remark_pairs(char out[WM_REMARK_SIZE], const struct wm_series *s, const struct gap *g)
{
	(void)snprintf(out, WM_REMARK_SIZE,
		"%.1f %% of the pairs differ; most where %s follows %s: %.1f %% of the real pairs, %.1f %% of the "
		"synthetic.",
		50 * g->mean * (double)g->n, s->labels[g->at % s->n], s->labels[g->at / s->n],
		100 * s->y[WM_INPUT_REAL][g->at], 100 * s->y[WM_INPUT_SYNTH][g->at]);
}

// What a series needs, where an input has not got it.
static const char *const needs[] = {
	[WM_SERIES_CDF] = "it has no such values",
	[WM_SERIES_HISTOGRAM] = "it has no such values",
	[WM_SERIES_RATE] = "it needs traffic that lasts",
	[WM_SERIES_ACF] = "it needs 100 pairs of packets of the same flows",
	[WM_SERIES_LOGSCALE] = "it needs traffic that lasts",
	[WM_SERIES_RANK] = "it has no such values",
	[WM_SERIES_BIGRAM] = "it needs flows of two packets and more",
};

// What cannot be compared is said.
static bool remark_lack(char out[WM_REMARK_SIZE], const struct wm_series *s)
{
	const bool real = wm_series_shows(s, WM_INPUT_REAL), synth = wm_series_shows(s, WM_INPUT_SYNTH);

	if (real && synth)
		return false;
	(void)snprintf(out, WM_REMARK_SIZE, "There is too little %s for this plot: %s.",
		real    ? "synthetic traffic"
		: synth ? "real traffic"
			: "traffic",
		needs[s->kind]);
	return true;
}

void wm_remark_series(char out[WM_REMARK_SIZE], const struct wm_series *s)
{
	char where[32] = "";
	double at = (double)NAN;
	struct gap g;

	if (remark_lack(out, s))
		return;
	g = gap_of(s);
	if (s->x != NULL) {
		at = s->x[g.at];
		wm_remark_quantity(where, at, s->unit);
	}
	switch (s->kind) {
	case WM_SERIES_CDF:
		(void)snprintf(out, WM_REMARK_SIZE, "The curves are at most %.1f percentage points apart, at %s.",
			100 * g.largest, where);
		break;
	case WM_SERIES_HISTOGRAM:
		(void)snprintf(out, WM_REMARK_SIZE, "%.1f %% of the synthetic values lie in the wrong bin.",
			50 * g.mean * (double)g.n);
		break;
	case WM_SERIES_RATE:
		remark_rate(out, s);
		break;
	case WM_SERIES_ACF:
		(void)snprintf(out, WM_REMARK_SIZE, "The correlations differ by %.2f on average, by %.2f at lag %g.",
			g.mean, g.largest, at);
		break;
	case WM_SERIES_LOGSCALE:
		(void)snprintf(out, WM_REMARK_SIZE,
			"The energies differ by a factor of %.1f on average, of %.1f at the scale of %s.", exp2(g.mean),
			exp2(g.largest), where);
		break;
	case WM_SERIES_RANK:
		(void)snprintf(out, WM_REMARK_SIZE,
			"The most frequent one has %.1f %% of the real traffic and %.1f %% of the synthetic.",
			100 * s->y[WM_INPUT_REAL][0], 100 * s->y[WM_INPUT_SYNTH][0]);
		break;
	case WM_SERIES_BIGRAM:
		remark_pairs(out, s, &g);
		break;
	}
}

enum wm_verdict wm_verdict_of_metric(const struct wm_metric *m)
{
	if (isnan(m->ratio))
		return WM_VERDICT_NONE;
	if (m->finding)
		return WM_VERDICT_DIFFERS;
	return m->ratio > 1.5 ? WM_VERDICT_NEAR : WM_VERDICT_AS_REAL;
}

void wm_verdict_words(char out[16], enum wm_verdict v, char follows)
{
	static const char *const words[] = {
		[WM_VERDICT_NONE] = "-",
		[WM_VERDICT_AS_REAL] = "as real",
		[WM_VERDICT_NEAR] = "near",
		[WM_VERDICT_DIFFERS] = "differs",
	};

	if (v == WM_VERDICT_FOLLOWS)
		(void)snprintf(out, 16, "follows %c", follows);
	else
		(void)snprintf(out, 16, "%s", words[v]);
}
