// SPDX-License-Identifier: BSD-3-Clause
// gaps: times before packets inside flows, by their clocks, as bins: values that recur exactly keep a bin of their own,
// the rest is cut at quantiles, and wide tails once more. Inside a bin the distribution is piecewise linear.
#pragma once

#include <engine/necst/clocks.h>
#include <engine/necst/schema.h>

#include <dataset/dataset.h>

#include <stddef.h>
#include <stdint.h>

struct necst_gaps {
	uint32_t n;
	uint64_t knots[NECST_GAPS_MAX][NECST_GAP_PARTS + 1]; // ns; quantiles of the bin's gaps, first and last included
	uint64_t resolution_ns;                              // all times of the capture are multiples of it
};

/** Learn bins from all times inside flows. @param token (records). @return 0 or -ENOMEM. */
int necst_gaps_fit(
	struct necst_gaps *g, const struct wm_dataset *ds, const struct necst_clocks *clocks, const uint16_t *token);

/** The bin of a gap; gaps beyond the last bin belong to it. */
static inline uint32_t necst_gap_bin(const struct necst_gaps *g, uint64_t gap_ns)
{
	uint32_t lo = 0, hi = g->n;

	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (g->knots[mid][0] <= gap_ns)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/** A gap of the bin, by 32 random bits; a multiple of the resolution. */
static inline uint64_t necst_gap_draw(const struct necst_gaps *g, uint32_t bin, uint32_t random)
{
	const uint64_t *knot = &g->knots[bin][random >> 29];          // 8 pieces
	const uint64_t width = knot[1] - knot[0], part = random << 3; // part / 2^32 of the width
	uint64_t gap = knot[0] + (width >> 32) * part + (((width & UINT32_MAX) * part) >> 32);

	if (g->resolution_ns > 1)
		gap = (gap + g->resolution_ns / 2) / g->resolution_ns * g->resolution_ns;
	return gap;
}
