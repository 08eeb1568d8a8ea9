// SPDX-License-Identifier: BSD-3-Clause
#include <plane/scout.h>

// The feed goes past ticks by itself.
static void catch_up(struct wm_scout *s)
{
	for (unsigned i = 0; i < s->feed->n_rings; i++) {
		size_t first = wm_ring_position(s->feed->rings[i].ring) + s->feed->rings[i].taken;

		if (!s->started || (ptrdiff_t)(first - s->at[i]) > 0)
			s->at[i] = first;
	}
	s->started = true;
}

// The sample that comes next, in ring *best; NULL = that is not known, or there will be none.
static const struct wm_sample *peek(struct wm_scout *s, unsigned *best)
{
	const struct wm_sample *first = NULL;
	bool open = false;

	for (unsigned i = 0; i < s->feed->n_rings; i++) {
		struct wm_ring *ring = s->feed->rings[i].ring;
		bool closed = atomic_load_explicit(&ring->closed, memory_order_acquire); // before what it holds
		const struct wm_sample *next = wm_ring_at(ring, s->at[i]);

		open |= next == NULL && !closed;
		if (next != NULL && (first == NULL || wm_sample_order(next, first) < 0)) {
			first = next;
			*best = i;
		}
	}
	s->ended |= first == NULL && !open;
	return open ? NULL : first;
}

bool wm_scout_look(struct wm_scout *s, unsigned max)
{
	catch_up(s);
	for (unsigned i = 0; i < max && s->next.n < WM_PACE_BLOCK && !s->ended; i++) {
		unsigned best = 0;
		const struct wm_sample *next = peek(s, &best);

		if (next == NULL)
			break;
		s->at[best]++;
		if (next->form != WM_FORM_TICK)
			wm_pace_block_add(&s->next, next->time_ns, next->len);
		else
			s->ended |= next->flags == WM_TICK_END;
	}
	return s->next.n == WM_PACE_BLOCK || (s->ended && s->next.n > 0);
}

bool wm_scout_stuck(const struct wm_scout *s)
{
	for (unsigned i = 0; i < s->feed->n_rings; i++)
		if (wm_ring_count(s->feed->rings[i].ring) > s->feed->rings[i].ring->mask)
			return s->next.n > 0;
	return false;
}
