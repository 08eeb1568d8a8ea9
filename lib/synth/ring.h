// SPDX-License-Identifier: BSD-3-Clause
// ring: samples on their way from one thread to another: one producer, one consumer, no locks. Both sides work in
// place: the producer writes samples into free slots and pushes them, the consumer reads them and pops them.
#pragma once

#include <packet/sample.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct wm_ring {
	struct wm_sample *slots; // read-only, as is mask
	size_t mask;

	alignas(64) atomic_size_t head; // producer: samples pushed so far
	size_t tail_seen;               // producer: tail when it last looked
	atomic_bool closed;             // producer: nothing more will come

	alignas(64) atomic_size_t tail; // consumer: samples popped so far
	size_t head_seen;               // consumer: head when it last looked
};

/** @param slots Room for n_slots samples, a power of two; borrowed. */
static inline void wm_ring_init(struct wm_ring *r, struct wm_sample *slots, size_t n_slots)
{
	*r = (struct wm_ring){.slots = slots, .mask = n_slots - 1};
}

/** Producer: free slots that lie side by side. @return how many there are at *span (0 = full). */
static inline size_t wm_ring_room(struct wm_ring *r, struct wm_sample **span)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed), n_slots = r->mask + 1, at = head & r->mask;
	size_t room = n_slots - (head - r->tail_seen);

	if (room == 0) {
		// Acquire pairs with the consumer's release in wm_ring_pop: it has done with the slots.
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		room = n_slots - (head - r->tail_seen);
	}
	*span = r->slots + at;
	return room < n_slots - at ? room : n_slots - at;
}

/** Producer: hand the first n slots of the last wm_ring_room() over. */
static inline void wm_ring_push(struct wm_ring *r, size_t n)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + n, memory_order_release);
}

/** Producer: the sample that has waited longest, or NULL if the consumer has given back all. */
static inline const struct wm_sample *wm_ring_oldest(struct wm_ring *r)
{
	// Acquire pairs with the consumer's release in wm_ring_pop.
	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	return r->tail_seen == atomic_load_explicit(&r->head, memory_order_relaxed) ? NULL
										    : &r->slots[r->tail_seen & r->mask];
}

/** Producer: nothing more will come. */
static inline void wm_ring_close(struct wm_ring *r)
{
	atomic_store_explicit(&r->closed, true, memory_order_release);
}

/** Consumer: samples that lie side by side. @return how many there are at *span (0 = empty). */
static inline size_t wm_ring_peek(struct wm_ring *r, const struct wm_sample **span)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed), at = tail & r->mask;

	// Acquire pairs with the producer's release in wm_ring_push: the samples are written.
	if (r->head_seen == tail)
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	*span = r->slots + at;
	return r->head_seen - tail < r->mask + 1 - at ? r->head_seen - tail : r->mask + 1 - at;
}

/** Consumer: give the first n slots of the last wm_ring_peek() back. */
static inline void wm_ring_pop(struct wm_ring *r, size_t n)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + n, memory_order_release);
}

/** Consumer: samples popped so far: the position of the first that wm_ring_peek() gives. */
static inline size_t wm_ring_position(const struct wm_ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

/** Consumer: the sample at a position, that of the first or one behind it without a hole between; NULL = it has not
 * come yet. It stays until it is popped. */
static inline const struct wm_sample *wm_ring_at(struct wm_ring *r, size_t position)
{
	if (r->head_seen == position) // acquire: as in wm_ring_peek
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	return r->head_seen == position ? NULL : &r->slots[position & r->mask];
}

/** Consumer: empty, and for good. */
static inline bool wm_ring_ended(struct wm_ring *r)
{
	const struct wm_sample *span;

	// In this order: what was pushed before the ring was closed is seen.
	return atomic_load_explicit(&r->closed, memory_order_acquire) && wm_ring_peek(r, &span) == 0;
}

/** Samples in the ring, for statistics (any thread). */
static inline size_t wm_ring_count(const struct wm_ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	return atomic_load_explicit(&r->head, memory_order_relaxed) - tail;
}
