// SPDX-License-Identifier: BSD-3-Clause
// feed: a queue's samples in one order, out of the rings that all workers fill for it.
//
// The next sample is known once every ring that is not closed holds one. A worker that has nothing for a queue says how
// far it has come with a tick, a sample without a packet, so that one queue never waits for what will only come after
// another queue has been emptied.
#pragma once

#include <plane/departures.h>
#include <synth/ring.h>
#include <synth/worker.h>

#include <stdbool.h>
#include <stdint.h>

struct wm_feed_ring {
	struct wm_ring *ring;
	const struct wm_sample *next; // samples looked at: next .. end
	const struct wm_sample *end;
	size_t taken; // not yet given back
};

struct wm_feed {
	struct wm_feed_ring *rings; // caller's
	unsigned n_rings;
	unsigned best;                    // whose sample wm_feed_peek() gave
	bool over;                        // the run ends here: what may follow is not wanted
	struct wm_departures *departures; // who is told of flows that end; NULL
	uint32_t n_flows;                 // that ended without a packet that says so; the caller's to take
};

/** @param rings n_rings of them with `ring` set, zero otherwise; borrowed. */
static inline void wm_feed_init(struct wm_feed *f, struct wm_feed_ring *rings, unsigned n_rings)
{
	*f = (struct wm_feed){.rings = rings, .n_rings = n_rings};
}

/** Give back what was taken: its slots are the workers' again. */
static inline void wm_feed_release(struct wm_feed *f)
{
	for (unsigned i = 0; i < f->n_rings; i++)
		if (f->rings[i].taken > 0) {
			wm_ring_pop(f->rings[i].ring, f->rings[i].taken);
			f->rings[i].taken = 0;
		}
}

/** wm_feed_peek() for any number of rings, ticks passed over. */
const struct wm_sample *wm_feed_merge(struct wm_feed *f);

/** The next sample, or NULL if it is not known yet. It stays where it is until wm_feed_release(). */
static inline const struct wm_sample *wm_feed_peek(struct wm_feed *f)
{
	struct wm_feed_ring *r = f->rings;

	if (f->n_rings == 1 && r->next != r->end && r->next->form != WM_FORM_TICK)
		return r->next;
	return wm_feed_merge(f);
}

/** Go past the sample that wm_feed_peek() gave. */
static inline void wm_feed_take(struct wm_feed *f)
{
	f->rings[f->best].next++;
	f->rings[f->best].taken++;
}

/** The run has come to its end, or all workers have closed their rings and nothing is left in them. */
bool wm_feed_ended(struct wm_feed *f);
