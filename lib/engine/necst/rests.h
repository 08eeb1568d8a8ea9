// SPDX-License-Identifier: BSD-3-Clause
// rests: what a pause leaves of a flow's time. Bins of gaps are wide where gaps are long, wider than all that comes
// behind the pause: a pause from the bin in which what is left lies takes the flow to near its end, and how near was
// counted.
//
//	gap.rest  token, packets left -> bin of the time that is left behind the gap
#pragma once

#include <engine/necst/clocks.h>
#include <engine/necst/clusters.h>
#include <engine/necst/codes.h>
#include <engine/necst/gaps.h>
#include <engine/necst/table.h>

#include <stdint.h>

enum { NECST_RESTS_ANY = 0xffff }; // in place of a token: of all

static inline uint32_t necst_rest_key(uint32_t token, uint32_t pkts_left)
{
	return token << 8 | necst_code_count(pkts_left);
}

/** Count and put. @return 0 or -ENOMEM. */
int necst_rests_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_clusters *tokens,
	const struct necst_clocks *clocks, const struct necst_gaps *gaps);

/**
 * What a gap leaves of a flow's time, by 32 random bits.
 *
 * @param pkts_left With the packet behind the gap.
 * @return false: no such gap was seen.
 */
static inline bool necst_rest_draw(const struct necst_table *t, const struct necst_gaps *gaps, uint32_t token,
	uint32_t pkts_left, uint32_t random, uint64_t *rest_ns)
{
	const struct necst_entry *e = necst_table_find(t, necst_rest_key(token, pkts_left));
	uint32_t bin;

	if (e == NULL)
		e = necst_table_find(t, necst_rest_key(NECST_RESTS_ANY, pkts_left));
	if (e == NULL)
		return false;
	bin = necst_table_draw(t, e, random);
	// What the draw leaves of the random number, in units of its step, is uniform again.
	*rest_ns = necst_gap_draw(gaps, bin, random * necst_table_total(t, e));
	return true;
}
