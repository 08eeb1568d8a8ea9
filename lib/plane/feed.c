// SPDX-License-Identifier: BSD-3-Clause
#include <plane/feed.h>

// Look at the ring for more samples. @return whether there are any.
static bool refill(struct wm_feed_ring *r)
{
	size_t n;

	if (r->taken > 0)
		wm_ring_pop(r->ring, r->taken);
	r->taken = 0;
	n = wm_ring_peek(r->ring, &r->next);
	r->end = r->next + n;
	return n > 0;
}

const struct wm_sample *wm_feed_merge(struct wm_feed *f)
{
	for (;;) {
		const struct wm_sample *first = NULL;

		for (unsigned i = 0; i < f->n_rings; i++) {
			struct wm_feed_ring *r = &f->rings[i];

			if (r->next == r->end && !refill(r)) {
				if (!wm_ring_ended(r->ring))
					return NULL;
				continue;
			}
			if (first == NULL || wm_sample_order(r->next, first) < 0) {
				first = r->next;
				f->best = i;
			}
		}
		if (first == NULL || first->form != WM_FORM_TICK)
			return first;
		wm_feed_take(f);
		f->n_flows += first->flags == WM_TICK_FLOW;
		if (first->flags == WM_TICK_FLOW && f->departures != NULL)
			wm_departures_end(f->departures, first);
		if (first->flags == WM_TICK_END) {
			f->over = true;
			return NULL;
		}
	}
}

bool wm_feed_ended(struct wm_feed *f)
{
	if (f->over)
		return true;
	for (unsigned i = 0; i < f->n_rings; i++)
		if (f->rings[i].next != f->rings[i].end || !wm_ring_ended(f->rings[i].ring))
			return false;
	return true;
}
