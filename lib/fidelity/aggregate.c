// SPDX-License-Identifier: BSD-3-Clause
// Group E: traffic as a time series.
#include <fidelity/aggregate.h>
#include <fidelity/measure.h>

#include <errno.h>
#include <math.h>

enum { DISPERSION_LEAST = 16 };

double wm_rate_bin_s(double span_s)
{
	double unit = pow(10, floor(log10(span_s / 1000))), most = span_s / 1000 * (1 + 1e-9);

	return 5 * unit <= most ? 5 * unit : 2 * unit <= most ? 2 * unit : unit;
}

double *wm_rate_series(
	const struct wm_trace *t, bool in_bytes, double bin_s, double span_s, size_t *n, struct wm_scratch *s)
{
	double first, last = 0, limit = 4 * span_s / bin_s + 1000, *x;
	int64_t first_ns = INT64_MAX;

	for (size_t i = 0; i < t->n; i++)
		first_ns = t->time_ns[i] < first_ns ? t->time_ns[i] : first_ns;
	first = wm_seconds(first_ns);
	for (size_t i = 0; i < t->n; i++) {
		double k = (wm_seconds(t->time_ns[i]) - first) / bin_s;

		last = k < limit && k > last ? k : last;
	}
	*n = t->n > 0 ? (size_t)last + 1 : 0;
	x = wm_scratch_get(s, *n, sizeof(*x));
	for (size_t i = 0; x != NULL && i < t->n; i++) {
		double k = (wm_seconds(t->time_ns[i]) - first) / bin_s;

		if (k < limit)
			x[(size_t)k] += in_bytes ? t->field[WM_F_LEN][i] : 1;
	}
	return x;
}

void wm_logscale_of(struct wm_logscale *out, double *x, size_t n)
{
	out->n = 0;
	for (n &= ~(size_t)1; n >= 8 && out->n < WM_OCTAVES; n = n / 2 & ~(size_t)1) {
		const size_t half = n / 2;
		double sum = 0;

		for (size_t i = 0; i < half; i++) {
			double d = (x[2 * i] - x[2 * i + 1]) / M_SQRT2;

			sum += d * d;
			x[i] = (x[2 * i] + x[2 * i + 1]) / M_SQRT2;
		}
		out->energy[out->n] = log2(sum / (double)half + 1e-12);
		out->details[out->n++] = (double)half;
	}
}

// First and second derivative of log gamma: recurrence up to where the asymptotic series holds.
// Source: Abramowitz, Stegun, Handbook of Mathematical Functions, 6.3.5, 6.3.18, 6.4.6, 6.4.12.
static double digamma(double x)
{
	double sum = 0, r;

	while (x < 12) {
		sum -= 1 / x;
		x += 1;
	}
	r = 1 / (x * x);
	return sum + log(x) - 0.5 / x - r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r / 132))));
}

static double trigamma(double x)
{
	double sum = 0, r;

	while (x < 12) {
		sum += 1 / (x * x);
		x += 1;
	}
	r = 1 / (x * x);
	return sum + 1 / x + r / 2 + r / x * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * 5 / 66))));
}

double wm_hurst(const struct wm_logscale *l)
{
	double w = 0, wj = 0, wjy = 0, wjj = 0;
	unsigned used = 0;

	for (int pass = 0; pass < 2; pass++) { // the mean octave, then the slope about it
		for (size_t j = 2; j < l->n; j++) {
			double half = l->details[j] / 2, weight = 1 / trigamma(half);
			double y = l->energy[j] - (digamma(half) / M_LN2 - log2(half));
			double centred = (double)(j + 1) - wj / w;

			if (l->details[j] < 8 || l->energy[j] <= -30)
				continue;
			if (pass == 0) {
				w += weight;
				wj += weight * (double)(j + 1);
				used++;
			} else {
				wjy += weight * centred * y;
				wjj += weight * centred * centred;
			}
		}
	}
	return used < 3 ? (double)NAN : (wjy / wjj + 1) / 2;
}

// log2 of the index of dispersion (variance over mean) of counts, per doubling of the bin. x is used up.
// Source: Cox, Lewis, "The Statistical Analysis of Series of Events", 1966, section 4.5.
static size_t dispersion(double out[WM_OCTAVES], double *x, size_t n)
{
	size_t octaves = 0;

	for (; n >= DISPERSION_LEAST && octaves < WM_OCTAVES; n /= 2) {
		double mean = 0, variance = 0;

		for (size_t i = 0; i < n; i++)
			mean += x[i];
		mean /= (double)n;
		for (size_t i = 0; i < n; i++)
			variance += (x[i] - mean) * (x[i] - mean);
		out[octaves++] = log2(variance / (double)n / fmax(mean, 1e-12) + 1e-12);
		for (size_t i = 0; i < n / 2; i++)
			x[i] = x[2 * i] + x[2 * i + 1];
	}
	return octaves;
}

// Mean absolute difference over the octaves that both have, each at most 10.
static double octave_gap(const double *p, size_t np, const double *q, size_t nq)
{
	size_t n = np < nq ? np : nq;
	double sum = 0;

	if (np == 0)
		return (double)NAN;
	for (size_t i = 0; i < n; i++)
		sum += fmin(fabs(p[i] - q[i]), 10);
	return n > 0 ? sum / (double)n : (double)INFINITY;
}

static int measure_scale(const struct wm_comparison *c, bool in_bytes, double bin_s, const char *name)
{
	static const struct wm_pairs all = {.least = WM_FEW};
	const double span_s = wm_seconds(c->ref->span_ns);
	const char *unit = in_bytes ? "bytes" : "pkts";
	double curve_a[WM_LAGS], curve_b[WM_LAGS];
	struct wm_tally p, q;
	size_t na, nb;
	double *a = wm_rate_series(c->a, in_bytes, bin_s, span_s, &na, c->s);
	double *b = wm_rate_series(c->b, in_bytes, bin_s, span_s, &nb, c->s);

	if (a == NULL || b == NULL || wm_tally_doubles(&p, a, na, c->s) < 0 || wm_tally_doubles(&q, b, nb, c->s) < 0)
		return -ENOMEM;
	wm_acf(curve_a, a, na, &all);
	wm_acf(curve_b, b, nb, &all);
	wm_put(c->out, na > 0 && nb > 0 ? wm_w1n(&p, &q, wm_as_is) : (double)NAN, "E.%s_%s.W1n", unit, name);
	wm_put(c->out, wm_acf_gap(curve_a, curve_b), "E.%s_%s.ACF", unit, name);
	return 0;
}

struct scaling {
	struct wm_logscale logscale;
	double idc[WM_OCTAVES];
	size_t n_idc;
};

static int find_scaling(
	struct scaling *out, const struct wm_trace *t, bool in_bytes, double bin_s, double span_s, struct wm_scratch *s)
{
	size_t n;
	double *x = wm_rate_series(t, in_bytes, bin_s, span_s, &n, s);
	double *y = x == NULL ? NULL : wm_scratch_get(s, n, sizeof(*y));

	if (y == NULL)
		return -ENOMEM;
	memcpy(y, x, n * sizeof(*y));
	wm_logscale_of(&out->logscale, x, n);
	out->n_idc = dispersion(out->idc, y, n);
	return 0;
}

static int measure_scaling(const struct wm_comparison *c, bool in_bytes, double bin_s)
{
	const double span_s = wm_seconds(c->ref->span_ns);
	const char *unit = in_bytes ? "bytes" : "pkts";
	struct scaling a, b;
	double ha, hb;

	if (find_scaling(&a, c->a, in_bytes, bin_s, span_s, c->s) < 0
		|| find_scaling(&b, c->b, in_bytes, bin_s, span_s, c->s) < 0)
		return -ENOMEM;
	ha = wm_hurst(&a.logscale);
	hb = wm_hurst(&b.logscale);
	wm_put(c->out, octave_gap(a.logscale.energy, a.logscale.n, b.logscale.energy, b.logscale.n), "E.%s.haar", unit);
	wm_put(c->out, octave_gap(a.idc, a.n_idc, b.idc, b.n_idc), "E.%s.idc", unit);
	wm_put(c->out, isnan(hb) && !isnan(ha) ? (double)INFINITY : fabs(ha - hb), "E.%s.hurst", unit);
	return 0;
}

int wm_measure_aggregate(const struct wm_comparison *c)
{
	const double span_s = wm_seconds(c->ref->span_ns);
	const size_t mark = c->s->n;
	double bin_s;
	int rc = 0;

	if (c->ref->span_ns <= 0)
		return 0;
	bin_s = wm_rate_bin_s(span_s);
	for (int in_bytes = 1; in_bytes >= 0 && rc == 0; in_bytes--) {
		if (bin_s != 1 && span_s >= 60 && span_s <= 1e6)
			rc = measure_scale(c, in_bytes, 1, "1s");
		if (rc == 0)
			rc = measure_scale(c, in_bytes, bin_s, "auto");
		if (rc == 0)
			rc = measure_scaling(c, in_bytes, bin_s / 10);
		wm_scratch_release(c->s, mark);
	}
	return rc;
}
