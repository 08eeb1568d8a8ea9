// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/measure.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void wm_put(struct wm_values *out, double v, const char *fmt, ...)
{
	const struct wm_metric_def *defs = wm_metric_defs(&(size_t){0}), *def;
	char key[64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	def = wm_metric_def_of(key);
	assert(def != NULL); // metrics.c defines them all
	out->v[def - defs] = v;
	out->has[def - defs] = true;
}

static double measure(
	unsigned what, const struct wm_tally *a, const struct wm_tally *b, double (*as)(double), struct wm_scratch *s)
{
	switch (what) {
	case WM_JSDQ:
		return wm_jsd_binned(a, b, 50);
	case WM_JSDR:
		return wm_jsd_ranked(a, b, s);
	case WM_W1N:
		return wm_w1n(a, b, wm_as_is);
	case WM_W1LOG:
		return wm_w1n(a, b, as);
	default:
		return wm_jsd_exact(a, b);
	}
}

int wm_compare_tallies(struct wm_values *out, const char *key, const struct wm_tally *a, const struct wm_tally *b,
	unsigned measures, double (*as)(double), struct wm_scratch *s)
{
	static const char *const names[] = {"JSDx", "JSDv", "JSDq", "JSDr", "W1n", "W1log"};

	if (a->total < WM_FEW)
		return 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		double v;

		if (!(measures & 1u << i))
			continue;
		v = b->total > 0 ? measure(1u << i, a, b, as, s) : (double)INFINITY;
		if (v < 0)
			return -ENOMEM;
		wm_put(out, v, "%s.%s", key, names[i]);
	}
	return 0;
}

int wm_tally_doubles(struct wm_tally *out, const double *v, size_t n, struct wm_scratch *s)
{
	uint64_t *keys = wm_scratch_get(s, n, sizeof(*keys));

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		keys[i] = wm_key_of(v[i]);
	return wm_tally_of(out, keys, n, s);
}

int wm_compare_doubles(struct wm_values *out, const char *key, const double *a, size_t na, const double *b, size_t nb,
	unsigned measures, double (*as)(double), struct wm_scratch *s)
{
	const size_t mark = s->n;
	struct wm_tally p, q;
	int rc = wm_tally_doubles(&p, a, na, s);

	if (rc == 0)
		rc = wm_tally_doubles(&q, b, nb, s);
	if (rc == 0)
		rc = wm_compare_tallies(out, key, &p, &q, measures, as, s);
	wm_scratch_release(s, mark);
	return rc;
}

// Of the pairs of each lag, side by side: the sums of one lag grow in order, and those of several at once.
struct moments {
	double n[WM_LAGS];
	double x[WM_LAGS]; // sums, then means
	double y[WM_LAGS];
	double xx[WM_LAGS]; // of products of what differs from the mean
	double yy[WM_LAGS];
	double xy[WM_LAGS];
};

static inline void add_pairs(struct moments *m, const double *x, size_t lags)
{
	for (size_t k = 0; k < lags; k++) {
		m->n[k]++;
		m->x[k] += x[0];
		m->y[k] += x[k + 1];
	}
}

static inline void add_products(struct moments *m, const double *x, size_t lags)
{
	for (size_t k = 0; k < lags; k++) {
		double dx = x[0] - m->x[k], dy = x[k + 1] - m->y[k];

		m->xx[k] += dx * dx;
		m->yy[k] += dy * dy;
		m->xy[k] += dx * dy;
	}
}

// How many lags a value has a partner for.
static size_t lags_of(const struct wm_pairs *pairs, size_t i, size_t n)
{
	size_t behind = pairs->behind != NULL ? pairs->behind[i] : n - 1 - i;

	return behind < WM_LAGS ? behind : WM_LAGS;
}

void wm_acf(double out[WM_LAGS], const double *x, size_t n, const struct wm_pairs *pairs)
{
	struct moments m = {.n = {0}};

	for (size_t i = 0; i < n; i++) {
		size_t lags = lags_of(pairs, i, n);

		if (lags == WM_LAGS)
			add_pairs(&m, x + i, WM_LAGS);
		else
			add_pairs(&m, x + i, lags);
	}
	for (size_t k = 0; k < WM_LAGS; k++) {
		m.x[k] /= m.n[k];
		m.y[k] /= m.n[k];
	}
	for (size_t i = 0; i < n; i++) {
		size_t lags = lags_of(pairs, i, n);

		if (lags == WM_LAGS)
			add_products(&m, x + i, WM_LAGS);
		else
			add_products(&m, x + i, lags);
	}
	for (size_t k = 0; k < WM_LAGS; k++) {
		double v = sqrt(m.xx[k] / m.n[k]) * sqrt(m.yy[k] / m.n[k]);

		out[k] = m.n[k] < pairs->least ? (double)NAN : v > 1e-12 ? m.xy[k] / m.n[k] / v : 0;
	}
}

double wm_acf_gap(const double a[WM_LAGS], const double b[WM_LAGS])
{
	double sum = 0;
	unsigned n = 0;

	for (size_t k = 0; k < WM_LAGS; k++) {
		if (isnan(a[k]))
			continue;
		sum += fabs(a[k] - (isnan(b[k]) ? 0 : b[k]));
		n++;
	}
	return n > 0 ? sum / n : (double)NAN;
}

struct wm_flow_row *wm_flow_rows(const struct wm_trace *t, size_t *n, struct wm_scratch *s)
{
	const uint32_t *runs = wm_trace_runs(t, n, s);
	struct wm_flow_row *rows = runs == NULL ? NULL : wm_scratch_get(s, *n, sizeof(*rows));

	for (size_t f = 0; rows != NULL && f < *n; f++) {
		struct wm_flow_row *r = &rows[f];
		double rev = 0, rev_bytes = 0;

		*r = (struct wm_flow_row){.first = runs[f], .n = runs[f + 1] - runs[f]};
		for (size_t i = r->first; i < runs[f + 1]; i++) {
			r->bytes += t->field[WM_F_LEN][i];
			rev += t->field[WM_F_DIR][i];
			rev_bytes += (double)t->field[WM_F_LEN][i] * t->field[WM_F_DIR][i];
		}
		r->start_s = wm_seconds(t->time_ns[r->first]);
		r->end_s = wm_seconds(t->time_ns[runs[f + 1] - 1]);
		r->dur_s = r->end_s - r->start_s;
		r->rev_pkts = rev / r->n;
		r->rev_bytes = rev_bytes / (r->bytes > 1 ? r->bytes : 1);
	}
	return rows;
}
