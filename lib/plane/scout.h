// SPDX-License-Identifier: BSD-3-Clause
// scout: goes ahead of a queue's feed, in the same order, and sums up the packets that come next, so that their pace is
// known before the first of them is due. It takes nothing, and looks at a few samples at a time, so that no packet has
// to wait for it.
#pragma once

#include <plane/feed.h>
#include <plane/pace.h>
#include <plane/roles.h>

#include <stdbool.h>
#include <stddef.h>

struct wm_scout {
	struct wm_feed *feed;
	size_t at[WM_WORKERS_MAX + 1]; // position in each ring
	struct wm_pace_block next;     // up to WM_PACE_BLOCK packets
	bool ended;                    // nothing comes behind it
	bool started;
};

/** Begin anew, behind what the feed has taken. */
static inline void wm_scout_init(struct wm_scout *s, struct wm_feed *feed)
{
	*s = (struct wm_scout){.feed = feed};
}

/** Look at up to max more samples. @return whether `next` is a whole block, or the last one. */
bool wm_scout_look(struct wm_scout *s, unsigned max);

/** Whether `next` cannot become more, for a ring is full of what it holds. */
bool wm_scout_stuck(const struct wm_scout *s);

/** Take `next`. */
static inline struct wm_pace_block wm_scout_take(struct wm_scout *s)
{
	struct wm_pace_block block = s->next;

	s->next = (struct wm_pace_block){0};
	return block;
}
