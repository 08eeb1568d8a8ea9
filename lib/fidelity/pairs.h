// SPDX-License-Identifier: BSD-3-Clause
// pairs: fields as a few levels, and how far the joint distribution of every two is off.
#pragma once

#include <fidelity/measure.h>
#include <fidelity/ties.h>

enum { WM_PAIR_FIELDS_MAX = 20 };

/** Deciles of ref. NAN has a level of its own. @param to (n) @return 0 or -ENOMEM. */
int wm_levels_of_number(uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, struct wm_scratch *s);

/** The `most` - 1 most frequent values of ref, the smaller first of those that are as frequent; others are most - 1.
 *  @return 0 or -ENOMEM. */
int wm_levels_of_category(
	uint16_t *to, const double *v, size_t n, const double *ref, size_t n_ref, size_t most, struct wm_scratch *s);

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
