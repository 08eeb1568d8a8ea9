// SPDX-License-Identifier: BSD-3-Clause
#include <plane/feed.h>
#include <plane/supply.h>

#include <errno.h>

static void note_full(struct wm_supply *s)
{
	if (!atomic_load_explicit(&s->full, memory_order_relaxed))
		atomic_store_explicit(&s->full, true, memory_order_relaxed);
}

// The worker's next samples. Fewer than asked for means that it has failed, or that its time is over.
static size_t make(struct wm_supply *s, struct wm_sample *out, size_t n)
{
	size_t made = wm_worker_next(s->worker, out, n);
	int rc = made < n ? wm_worker_failed(s->worker) : 0;

	if (rc == -ERANGE)
		s->over = true;
	else if (rc != 0)
		atomic_store_explicit(&s->failed, rc, memory_order_relaxed);
	wm_count_add(&s->generated, made);
	return made;
}

// Tell the queues that have run dry how far this worker has come: nothing before `bound` will follow.
static void tick(struct wm_supply *s, const struct wm_sample *bound)
{
	for (unsigned q = 0; q < s->n_queues; q++) {
		struct wm_sample *room;

		if (wm_ring_count(&s->rings[q]) > 0 || wm_sample_order(bound, &s->ticks[q]) <= 0)
			continue;
		if (wm_ring_room(&s->rings[q], &room) == 0)
			continue;
		s->ticks[q] = *bound;
		s->ticks[q].form = WM_FORM_TICK;
		*room = s->ticks[q];
		wm_ring_push(&s->rings[q], 1);
	}
}

// Hand over what is in the block, up to the first sample whose queue has no room.
static size_t deal(struct wm_supply *s)
{
	size_t first = s->at;

	while (s->at < s->n) {
		struct wm_ring *ring = &s->rings[wm_supply_queue(&s->block[s->at], s->n_queues)];
		struct wm_sample *room;

		if (wm_ring_room(ring, &room) == 0) {
			note_full(s);
			break;
		}
		*room = s->block[s->at++];
		wm_ring_push(ring, 1);
	}
	if (s->n > 0)
		tick(s, &s->block[s->at < s->n ? s->at : s->n - 1]);
	return s->at - first;
}

static void close_rings(struct wm_supply *s)
{
	for (unsigned q = 0; q < s->n_queues; q++)
		wm_ring_close(&s->rings[q]);
	s->closed = true;
}

size_t wm_supply_turn(struct wm_supply *s, size_t max)
{
	struct wm_sample *room;
	size_t n;

	if (s->closed || atomic_load_explicit(&s->failed, memory_order_relaxed) != 0)
		return 0;
	if (s->over && s->at == s->n) {
		close_rings(s);
		return 0;
	}
	if (s->n_queues > 1) {
		if (s->at == s->n) {
			s->at = 0;
			s->n = make(s, s->block, max);
		}
		return deal(s);
	}
	n = wm_ring_room(s->rings, &room);
	if (n == 0) {
		note_full(s);
		return 0;
	}
	n = make(s, room, n < max ? n : max);
	wm_ring_push(s->rings, n);
	return n;
}
