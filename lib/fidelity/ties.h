// SPDX-License-Identifier: BSD-3-Clause
// ties: how strongly two fields hang together, whatever each is by itself.
//
// A tie is the total variation distance of a joint distribution from what it would be if both fields had nothing to do
// with each other, over what has both, less what chance makes of so many: 0 = not at all.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WM_LEVELS = 32, WM_LEVEL_NONE = WM_LEVELS - 1 };
enum { WM_LEVEL_PAIRS = WM_LEVELS * WM_LEVELS };

/** Two fields of a part of traffic, as levels below WM_LEVELS; each (n). WM_LEVEL_NONE = has none. */
struct wm_pair {
	const uint16_t *x;
	const uint16_t *y;
	size_t n;
};

/** Shares of all pairs of levels, row-major by x; all 0 if n is. */
void wm_pair_shares(double shares[WM_LEVEL_PAIRS], const struct wm_pair *pair);

/** Ties in two parts of traffic, of one pair of fields or of several. */
struct wm_ties {
	double differ; // sum of differences
	double most;   // sum of the stronger of each two
};

/**
 * The ties of two parts. The second is weighted until its fields by themselves are as those of the first; levels that
 * one part lacks, or nearly, are left out. So ties are off only if something else is than the fields are. None where
 * a part has fewer than 20 samples of what is left.
 *
 * @param p, q Shares of pairs of na and nb samples; used up.
 */
struct wm_ties wm_ties_of(double p[WM_LEVEL_PAIRS], size_t na, double q[WM_LEVEL_PAIRS], size_t nb);

void wm_ties_add(struct wm_ties *t, struct wm_ties more);

/** Share of the ties that only one part has: 0 = as strong, 1 = only one has any. Ties of less than a hundredth in all
 *  count as a hundredth. */
double wm_ties_differ(const struct wm_ties *t);
