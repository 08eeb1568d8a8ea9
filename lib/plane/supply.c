// SPDX-License-Identifier: BSD-3-Clause
#include <plane/feed.h>
#include <plane/supply.h>

#include <errno.h>

static void note_full(struct wm_supply *s)
{
	if (!atomic_load_explicit(&s->full, memory_order_relaxed))
		atomic_store_explicit(&s->full, true, memory_order_relaxed);
}

static size_t count_packets(const struct wm_sample *samples, size_t n)
{
	size_t packets = 0;

	for (size_t i = 0; i < n; i++)
		packets += samples[i].form != WM_FORM_TICK;
	return packets;
}

// Make room in a sample's length for what its port adds to the frame.
static void grow(const struct wm_supply *s, unsigned queue, struct wm_sample *sample)
{
	bool reverse = (sample->bits & WM_BIT_REVERSE) != 0;
	const struct wm_form *form;
	uint32_t len;

	if (sample->form == WM_FORM_TICK)
		return;
	form = &s->dressed[2 * queue + reverse][wm_sample_model(sample)][sample->form];
	len = sample->len + (uint32_t)form->grown;
	sample->len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
}

// The worker's next samples. Fewer than asked for means that it has failed, that its time is over, or that it may not
// go further now.
static size_t make(struct wm_supply *s, struct wm_sample *out, size_t n)
{
	size_t made;
	int rc;

	if (s->until_ns != NULL)
		wm_worker_limit(s->worker, atomic_load_explicit(s->until_ns, memory_order_relaxed));
	made = wm_worker_next(s->worker, out, n);
	rc = made < n ? wm_worker_failed(s->worker) : 0;

	if (rc == -ERANGE || rc == -ENODATA)
		s->over = true;
	else if (rc != 0)
		atomic_store_explicit(&s->failed, rc, memory_order_relaxed);
	wm_count_add(&s->generated, made);
	return made;
}

// The same of a capture, which may have none for want of room.
static size_t read_on(struct wm_supply *s, struct wm_sample *out, size_t n)
{
	size_t made = wm_replay_next(s->replay, out, n);
	int rc = wm_replay_failed(s->replay, NULL);

	s->over = wm_replay_over(s->replay);
	if (rc != 0)
		atomic_store_explicit(&s->failed, rc, memory_order_relaxed);
	else if (made < n)
		note_full(s);
	wm_count_add(&s->generated, count_packets(out, made));
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
		s->ticks[q].flags = WM_TICK_TIME;
		*room = s->ticks[q];
		wm_ring_push(&s->rings[q], 1);
	}
}

// The worker may not go further now, or has nothing before that: queues are not to wait for it.
static void tick_limit(struct wm_supply *s)
{
	const struct wm_sample bound = {
		.time_ns = atomic_load_explicit(s->until_ns, memory_order_relaxed), .form = WM_FORM_TICK};

	note_full(s);
	if (!s->over)
		tick(s, &bound);
}

static bool ends_run(const struct wm_sample *s)
{
	return s->form == WM_FORM_TICK && s->flags == WM_TICK_END;
}

// Every queue has to know. @return false if one has no room yet.
static bool tell_all(struct wm_supply *s, const struct wm_sample *end)
{
	struct wm_sample *room;

	for (; s->told < s->n_queues && wm_ring_room(&s->rings[s->told], &room) > 0; s->told++) {
		*room = *end;
		wm_ring_push(&s->rings[s->told], 1);
	}
	return s->told == s->n_queues;
}

// Hand over what is in the block, up to the first sample whose queue has no room.
static size_t deal(struct wm_supply *s)
{
	size_t first = s->at;

	while (s->at < s->n) {
		unsigned queue = wm_supply_queue(&s->block[s->at], s->n_queues);
		struct wm_sample *room;

		if (ends_run(&s->block[s->at])) {
			if (!tell_all(s, &s->block[s->at]))
				break;
			s->at++;
			continue;
		}
		if (wm_ring_room(&s->rings[queue], &room) == 0) {
			note_full(s);
			break;
		}
		*room = s->block[s->at++];
		if (s->dressed != NULL)
			grow(s, queue, room);
		wm_ring_push(&s->rings[queue], 1);
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
	note_full(s); // as full as they will be
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
			n = s->replay != NULL ? read_on(s, s->block, max) : make(s, s->block, max);
			if (n > 0) { // what was in the block before still tells the queues how far it is
				s->at = 0;
				s->n = n;
			} else if (s->until_ns != NULL) {
				tick_limit(s);
				return 0;
			}
		}
		return deal(s);
	}
	n = wm_ring_room(s->rings, &room);
	if (n == 0) {
		note_full(s);
		return 0;
	}
	n = n < max ? n : max;
	n = s->replay != NULL ? read_on(s, room, n) : make(s, room, n);
	for (size_t i = 0; s->dressed != NULL && i < n; i++)
		grow(s, 0, &room[i]);
	wm_ring_push(s->rings, n);
	if (n == 0 && s->until_ns != NULL)
		tick_limit(s);
	return n;
}

size_t wm_supply_left(const struct wm_supply *s)
{
	return count_packets(s->block + s->at, s->n - s->at);
}
