// SPDX-License-Identifier: BSD-3-Clause
// gaps: times before packets inside flows, by their clocks, as bins: values that recur exactly keep a bin of their own,
// the rest is cut at quantiles, and wide tails once more. Inside a bin the distribution is piecewise linear.
#pragma once

#include <engine/necst/clocks.h>
#include <engine/necst/schema.h>

#include <dataset/dataset.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NECST_GAP_CODES = 496 }; // of 64 bits

struct necst_gaps {
	uint32_t n;
	uint64_t knots[NECST_GAPS_MAX][NECST_GAP_PARTS + 1]; // ns; quantiles of the bin's gaps, first and last included
	uint64_t resolution_ns;                              // all times of the capture are multiples of it
	uint8_t lowest[NECST_GAP_CODES];                     // bin of the shortest gap of each code
};

/** Times by their highest four bits: what is found by it is nearly found. */
static inline uint32_t necst_gap_code(uint64_t gap_ns)
{
	return gap_ns < 8 ? (uint32_t)gap_ns : necst_octave(gap_ns, 3) - 8 * 2;
}

/** Make necst_gap_bin() ready, once n and knots are there. */
static inline void necst_gaps_index(struct necst_gaps *g)
{
	uint32_t bin = 0;

	for (uint32_t code = 0; code < NECST_GAP_CODES; code++) {
		const uint64_t shortest = code < 8 ? code : (uint64_t)(8 + code % 8) << (code / 8 - 1);

		while (bin + 1 < g->n && g->knots[bin + 1][0] <= shortest)
			bin++;
		g->lowest[code] = (uint8_t)bin;
	}
}

/** Learn bins from all times inside flows. @param token (records). @return 0 or -ENOMEM. */
int necst_gaps_fit(
	struct necst_gaps *g, const struct wm_dataset *ds, const struct necst_clocks *clocks, const uint16_t *token);

/** The bin of a gap; gaps beyond the last bin belong to it. */
static inline uint32_t necst_gap_bin(const struct necst_gaps *g, uint64_t gap_ns)
{
	uint32_t bin = g->lowest[necst_gap_code(gap_ns)];

	while (bin + 1 < g->n && g->knots[bin + 1][0] <= gap_ns)
		bin++;
	return bin;
}

/** Whether a gap's bin is this one. */
static inline bool necst_gap_is_in(const struct necst_gaps *g, uint32_t bin, uint64_t gap_ns)
{
	return (bin == 0 || g->knots[bin][0] <= gap_ns) && (bin + 1 == g->n || gap_ns < g->knots[bin + 1][0]);
}

/** Whether a gap is no longer than those that were seen: the last bin takes longer ones, too. */
static inline bool necst_gap_was_seen(const struct necst_gaps *g, uint64_t gap_ns)
{
	return gap_ns <= g->knots[g->n - 1][NECST_GAP_PARTS];
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
