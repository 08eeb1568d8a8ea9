// SPDX-License-Identifier: BSD-3-Clause
// bins: features of samples as small numbers, in their order, so that a tree looks for splits in histograms.
#pragma once

#include <fidelity/scratch.h>

#include <stdbool.h>
#include <stdint.h>

enum { WM_BINS = 255 };

struct wm_bins {
	size_t n;
	size_t cols;
	uint8_t *bin;     // (cols, n): 0 .. n_bins - 1; n_bins where the sample has none
	double *edge;     // (cols, WM_BINS - 1): the largest value of a bin, but of the last
	uint16_t *n_bins; // (cols), of values
	bool *lacks;      // (cols): whether a sample has none
};

/**
 * Bins at the middle between neighbours: of all distinct values, or of the quantiles if there are more than WM_BINS.
 *
 * @param x (n, cols), NAN where a sample has none.
 * @param out Lives until the scratch is released. @return 0 or -ENOMEM.
 */
int wm_bins_of(struct wm_bins *out, const double *x, size_t n, size_t cols, struct wm_scratch *s);
