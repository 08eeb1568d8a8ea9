// SPDX-License-Identifier: BSD-3-Clause
// tally: a sample as its distinct values in ascending order, each with how often it occurs, and distances between two.
// Values are 64-bit keys, whose order is that of the numbers they stand for, so that one radix sort serves doubles and
// words of n-grams alike.
#pragma once

#include <fidelity/scratch.h>

#include <stdint.h>
#include <string.h>

struct wm_tally {
	uint64_t *key;   // (n)
	uint32_t *count; // (n), none 0
	size_t n;
	size_t total; // sum of counts
};

static inline uint64_t wm_key_of(double v)
{
	uint64_t bits;

	v += 0.0; // of the two zeros the positive one
	memcpy(&bits, &v, sizeof(bits));
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline double wm_key_value(uint64_t key)
{
	uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/** Sort ascending. @param spare Room for n more. */
void wm_sort_u64(uint64_t *v, size_t n, uint64_t *spare);

/**
 * Order of n keys: ascending, equal ones in order of their index.
 *
 * @param order (n), written. @return 0 or -ENOMEM.
 */
int wm_sort_order(uint32_t *order, const uint64_t *keys, size_t n, struct wm_scratch *s);

/** Count n (< 2^32) keys, which are lost. The tally lives until the scratch is released. @return 0 or -ENOMEM. */
int wm_tally_of(struct wm_tally *out, uint64_t *keys, size_t n, struct wm_scratch *s);

/** A monotone transformation of a value before a distance is taken. */
double wm_as_is(double v);
double wm_log_time(double s);  // log10 of seconds, at least 1 us
double wm_log_count(double n); // log10 of a count, at least 1

/** The value that a share q (0..1) of the sample is below (linear interpolation). */
double wm_quantile(const struct wm_tally *t, double q);

/** The value at each quantile 0, 1/k, ..., 1, without repetition.
 *  @param edges Room for k + 1. @return how many. */
size_t wm_quantile_edges(double *edges, const struct wm_tally *t, size_t k);

/** Bin of v between edges: 0 .. n - 1; the last edge (an atom at the maximum) has a bin of its own. */
size_t wm_quantile_bin(double v, const double *edges, size_t n);

/**
 * Jensen-Shannon divergence in bits (0..1) of two histograms of n bins, which need not be normalised, neither all zero.
 *
 * Source: Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37(1), 1991, eq. 3.1;
 * base 2.
 */
double wm_jsd(const double *p, const double *q, size_t n);

/* All of these: a, b not empty. */
double wm_jsd_exact(const struct wm_tally *a, const struct wm_tally *b);
/** Over at most k bins at the quantiles of a. @return -1 without memory. */
double wm_jsd_binned(const struct wm_tally *a, const struct wm_tally *b, size_t k);
/** Of the sorted frequencies, blind to which value is the frequent one. @return -1 without memory. */
double wm_jsd_ranked(const struct wm_tally *a, const struct wm_tally *b, struct wm_scratch *s);

/** Wasserstein-1 distance. Source: Vallender, Theory Probab. Appl. 18(4), 1974: the area between the two CDFs. */
double wm_w1(const struct wm_tally *a, const struct wm_tally *b, double (*as)(double));
/** Wasserstein-1 distance over the standard deviation of a; NAN if that is 0. */
double wm_w1n(const struct wm_tally *a, const struct wm_tally *b, double (*as)(double));

double wm_tally_deviation(const struct wm_tally *t, double (*as)(double));
