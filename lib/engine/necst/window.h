// SPDX-License-Identifier: BSD-3-Clause
// window: what a TCP segment says its sender can take. A window follows from the one before it and from how much has
// come since: receivers open it as they learn what their peer sends, and close it by what their application has not
// read. So it is a Markov chain on exact windows, one for each way that the two ends of a flow write headers (profile),
// with what was counted over all flows behind it, and behind that the change instead of the value.
//
//	window.next  key of what is known (necst_window_key()) -> the window
//	window.step  the same without the window before -> the change, modulo 2^16
//
// Source: Braden 1989 (RFC 1122 section 4.2.3.3), Fisk, Feng 2001 (dynamic right-sizing).
#pragma once

#include <engine/necst/codes.h>
#include <engine/necst/table.h>
#include <engine/necst/vocab.h>

#include <stdbool.h>
#include <stdint.h>

/** One end of a flow, as far as its windows go. */
struct necst_window_side {
	int32_t window; // the last one; -1 = none yet
	uint32_t heard; // payload from its peer since
	bool syn;       // that was a SYN's, which is not scaled (RFC 7323 section 2.2)
};

/** How much of what is known a key says. */
enum necst_window_level {
	NECST_WINDOW_SIDE,     // profile, direction
	NECST_WINDOW_OPENS,    // profile, shape: the side's first, or its first after a SYN
	NECST_WINDOW_FOLLOWS,  // profile, shape, last window, heard
	NECST_WINDOW_ANYWHERE, // shape, last window, heard
	NECST_WINDOW_CHANGES,  // profile, shape, heard
};

struct necst_windows {
	struct necst_table next, step;
};

/** Whether a window says something of the windows to come: that of a RST does not. */
static inline bool necst_window_counts(const struct necst_kind *k)
{
	return !necst_is_rst(k);
}

/** The key of what is known of the next window of a side, which comes with a packet of this kind. */
uint32_t necst_window_key(
	enum necst_window_level level, const struct necst_window_side *s, const struct necst_kind *k, uint32_t profile);

/** A packet of this kind and payload passed: take it to both ends' accounts. */
static inline void necst_window_note(
	struct necst_window_side side[2], const struct necst_kind *k, uint16_t window, uint32_t payload)
{
	struct necst_window_side *me = &side[k->reverse];

	if (necst_window_counts(k))
		*me = (struct necst_window_side){.window = window, .syn = necst_is_syn(k)};
	side[!k->reverse].heard += payload;
}

/** The key that says most of the window of the next packet, of this kind; memory is asked for what stands there. */
uint32_t necst_window_first(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile);

/**
 * Draw the window of the next packet, of this kind, by 32 random bits.
 *
 * @param side Of both ends; unchanged. @param first necst_window_first() of the same.
 */
uint16_t necst_window_draw(const struct necst_windows *w, const struct necst_window_side side[2],
	const struct necst_kind *k, uint32_t profile, uint32_t first, uint32_t random);
