// SPDX-License-Identifier: BSD-3-Clause
// ledger: what a queue has sent lately, for the one who looks out for it at the other end. One writer, one reader, no
// locks. The writer never waits: what there is no room for is sent unseen, and counted.
//
// A packet may be back before its note is handed over. `turn` tells: it is odd from before a burst until its notes are
// there. The notes of all that was sent before a moment are there once it is even, or has gone on since.
#pragma once

#include <plane/count.h>

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

struct wm_note {
	uint64_t mark; // plane/mark.h
	uint64_t tsc;  // when it was handed to the port
};

struct wm_ledger {
	struct wm_note *notes; // read-only, as is mask
	size_t mask;

	// The writer's.
	alignas(64) atomic_size_t head;
	size_t tail_seen;
	atomic_uint turn;
	wm_count unseen; // sent without a note

	alignas(64) atomic_size_t tail; // the reader's
};

/** @param notes Room for n_notes, a power of two; borrowed. */
static inline void wm_ledger_init(struct wm_ledger *l, struct wm_note *notes, size_t n_notes)
{
	*l = (struct wm_ledger){.notes = notes, .mask = n_notes - 1};
}

/** Writer, before a burst of n packets: room for as many notes as there is. @return how many. */
static inline uint32_t wm_ledger_begin(struct wm_ledger *l, uint32_t n)
{
	size_t head = atomic_load_explicit(&l->head, memory_order_relaxed), room = l->mask + 1 - (head - l->tail_seen);

	// The port's own stores, which make the packets visible, come after this one.
	atomic_store_explicit(&l->turn, atomic_load_explicit(&l->turn, memory_order_relaxed) + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	if (room < n) {
		// Acquire pairs with the reader's release in wm_ledger_pop(): it has done with the notes.
		l->tail_seen = atomic_load_explicit(&l->tail, memory_order_acquire);
		room = l->mask + 1 - (head - l->tail_seen);
	}
	return room < n ? (uint32_t)room : n;
}

/** Writer, between begin and end: the i-th packet's note. */
static inline void wm_ledger_put(struct wm_ledger *l, uint32_t i, struct wm_note note)
{
	l->notes[(atomic_load_explicit(&l->head, memory_order_relaxed) + i) & l->mask] = note;
}

/** Writer, behind the burst: the port has taken `sent` packets, of which the first `noted` have notes. */
static inline void wm_ledger_end(struct wm_ledger *l, uint32_t noted, uint32_t sent)
{
	size_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
	uint32_t n = noted < sent ? noted : sent;

	atomic_store_explicit(&l->head, head + n, memory_order_release);
	atomic_store_explicit(&l->turn, atomic_load_explicit(&l->turn, memory_order_relaxed) + 1, memory_order_release);
	if (sent > n)
		wm_count_add(&l->unseen, sent - n);
}

/** Notes so far; any thread. */
static inline size_t wm_ledger_noted(const struct wm_ledger *l)
{
	return atomic_load_explicit(&l->head, memory_order_relaxed);
}

/** Reader: where the writer is. */
static inline unsigned wm_ledger_turn(const struct wm_ledger *l)
{
	return atomic_load_explicit(&l->turn, memory_order_acquire); // release: wm_ledger_end()
}

/** Reader: whether the notes of all that was sent before that turn was read are there. */
static inline bool wm_ledger_is_past(const struct wm_ledger *l, unsigned turn)
{
	unsigned now = wm_ledger_turn(l);

	return now % 2 == 0 || now != turn;
}

/** Reader: the oldest note. @return false if there is none. */
static inline bool wm_ledger_take(struct wm_ledger *l, struct wm_note *out)
{
	size_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

	if (atomic_load_explicit(&l->head, memory_order_acquire) == tail) // release: wm_ledger_end()
		return false;
	*out = l->notes[tail & l->mask];
	atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
	return true;
}
