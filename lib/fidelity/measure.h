// SPDX-License-Identifier: BSD-3-Clause
// measure: what the families of metrics share. A family compares two parts of traffic and puts its values under the
// keys that metrics.c defines.
#pragma once

#include <fidelity/fidelity.h>
#include <fidelity/tally.h>
#include <fidelity/trace.h>

enum { WM_FEW = 20 };          // fewer samples than this: not measurable
enum { WM_METRICS_MAX = 192 }; // in the table

/** Values by number of the metric. INFINITY = the second part has nothing to measure where the first has. */
struct wm_values {
	double v[WM_METRICS_MAX];
	bool has[WM_METRICS_MAX];
};

/** Put a value under a key. */
void wm_put(struct wm_values *out, double v, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** Two parts of packets. */
struct wm_comparison {
	const struct wm_trace *ref; // the whole real trace, from which bins come
	const struct wm_trace *a;   // stands for the real one
	const struct wm_trace *b;
	struct wm_scratch *s; // released by the caller
	struct wm_values *out;
};

/** A family of metrics. @return 0 or -ENOMEM. Thread: none of its own; one at a time for each scratch. */
typedef int wm_family(const struct wm_comparison *c);

wm_family wm_measure_marginals, wm_measure_sequence, wm_measure_flows, wm_measure_validity, wm_measure_aggregate,
	wm_measure_classifier, wm_measure_memorisation, wm_measure_pairwise, wm_measure_netshare, wm_measure_usefulness;

enum { WM_JSDX = 1, WM_JSDV = 2, WM_JSDQ = 4, WM_JSDR = 8, WM_W1N = 16, WM_W1LOG = 32 };

/**
 * Put the measures (WM_JSDX | ...) of two samples under "KEY.measure"; none if a is too small, INFINITY if b is empty.
 *
 * @param as What W1log takes the logarithm with. @return 0 or -ENOMEM.
 */
int wm_compare_tallies(struct wm_values *out, const char *key, const struct wm_tally *a, const struct wm_tally *b,
	unsigned measures, double (*as)(double), struct wm_scratch *s);

/** As wm_compare_tallies, of doubles, none of them NAN. */
int wm_compare_doubles(struct wm_values *out, const char *key, const double *a, size_t na, const double *b, size_t nb,
	unsigned measures, double (*as)(double), struct wm_scratch *s);

/** The tally of doubles. @return 0 or -ENOMEM. */
int wm_tally_doubles(struct wm_tally *out, const double *v, size_t n, struct wm_scratch *s);

/** Correlation of x[i] and x[i + k] for k = 1..10, over i with a partner; NAN where there are fewer than least. */
enum { WM_LAGS = 10 };
struct wm_pairs {
	const uint8_t *behind; // (n): how many of those behind x[i] it goes with, at most 10; NULL = all
	double least;
};
void wm_acf(double out[WM_LAGS], const double *x, size_t n, const struct wm_pairs *pairs);
/** Mean absolute difference; a lag that only b lacks counts as uncorrelated. NAN if a has none. */
double wm_acf_gap(const double a[WM_LAGS], const double b[WM_LAGS]);

/** Correlations inside flows. @return 0 or -ENOMEM. */
struct wm_curves {
	double len[WM_LAGS];
	double loggap[WM_LAGS];
	double dir[WM_LAGS];
};
int wm_find_curves(struct wm_curves *out, const struct wm_trace *t, struct wm_scratch *s);

/** A flow (or the piece of one that a half holds) as a row. */
struct wm_flow_row {
	uint32_t first; // row of the trace
	uint32_t n;
	double bytes;
	double start_s; // since the capture's first packet
	double end_s;
	double dur_s;
	double rev_pkts;  // share of packets from the server
	double rev_bytes; // of bytes
};
struct wm_flow_row *wm_flow_rows(const struct wm_trace *t, size_t *n, struct wm_scratch *s); // NULL without memory

/** Share of b that occurs in a; 0 if b is empty. */
double wm_share_copied(const struct wm_tally *a, const struct wm_tally *b);

/** 64-bit hash of integers: h is what came before. */
static inline uint64_t wm_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}
