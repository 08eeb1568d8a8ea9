// SPDX-License-Identifier: BSD-3-Clause
// pairs: fields as a few levels, and how far the joint distribution of every two is off.
#pragma once

#include <fidelity/measure.h>

enum { WM_LEVELS = 32, WM_LEVEL_NONE = WM_LEVELS - 1, WM_PAIR_FIELDS_MAX = 20 };

/** Deciles of ref. NAN has a level of its own. @param to (n) @return 0 or -ENOMEM. */
int wm_levels_of_number(uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, struct wm_scratch *s);

/** The `most` - 1 most frequent values of ref, the smaller first of those that are as frequent; others are most - 1.
 *  @return 0 or -ENOMEM. */
int wm_levels_of_category(
	uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, size_t most, struct wm_scratch *s);

/** How strongly two fields are tied: total variation distance of their joint distribution from what it would be if they
 *  had nothing to do with each other, over what has both, less what chance makes of so many. 0 = not at all.
 *  @param x, y (n): levels. */
double wm_tie(const uint16_t *x, const uint16_t *y, size_t n);

/** Ties of a field to others, in two parts of traffic. */
struct wm_ties {
	double differ; // sum of differences
	double most;   // sum of the stronger of each two
};
void wm_ties_add(struct wm_ties *t, double a, double b);
/** Share of the ties that only one part has: 0 = as strong, 1 = only one has any. */
double wm_ties_differ(const struct wm_ties *t);

/**
 * Put T.pairs.TVD and T.worst_pair.TVDmax: mean and largest total variation distance over all pairs of fields.
 *
 * T.NAME.tie is what share of the ties of one field to the others was lost or made up. Columns that were made
 * independent lose their ties and little else: traffic that drifts moves joint distributions as much, but hardly how
 * strongly fields are tied.
 *
 * @param a, b  (fields, n): levels of each field; at most WM_PAIR_FIELDS_MAX fields.
 * @param names (fields): of T.NAME.tie; NULL = none of them.
 */
void wm_put_pairs(struct wm_values *out, uint16_t *const *a, size_t na, uint16_t *const *b, size_t nb, size_t fields,
	const char *const *names);
