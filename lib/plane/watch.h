// SPDX-License-Identifier: BSD-3-Clause
// watch: one direction through the device under test: what its sending queues have noted down against what arrives at
// the other end. Arithmetic alone, no DPDK.
//
// noted = received + lost + under way. A packet is lost when it has not come back within WM_WATCH_WAIT_NS, when so many
// others were sent after it that it is forgotten, or at the end. It is reordered if one that its queue sent later was
// there before it (RFC 4737 section 3.3, type-P-reordered, for each queue). What comes once more is a duplicate; what
// nobody sent, or came too late, is a stranger.
//
// Arrivals wait in a row until the notes of all that was sent before them are in.
#pragma once

#include <base/err.h>
#include <plane/count.h>
#include <plane/ledger.h>
#include <plane/spread.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WM_WATCH_ROW = 4096,           // arrivals that can wait, a power of two
	WM_WATCH_WAIT_NS = 1000000000, // for a packet
};

struct wm_flight {
	struct wm_note note;
	uint32_t next;   // of the same bucket: number + 1, 0 = none
	uint16_t ledger; // where the note is from
	bool waiting;
};

struct wm_bucket {
	uint32_t first; // number + 1, 0 = none
	uint32_t last;
};

struct wm_watch_counts {
	wm_count noted;
	wm_count received;   // of these, each once
	wm_count bytes;      // of these, without FCS
	wm_count lost;       // of these
	wm_count reordered;  // of those received
	wm_count duplicates; // what had been received before
	wm_count strangers;  // anything else
};

struct wm_watch {
	// Set up before the start, read-only after.
	struct wm_ledger *const *ledgers;
	unsigned n_ledgers;
	uint64_t wait_tsc;
	size_t mask; // of the following three

	// The reader's lcore alone.
	struct wm_flight *flights; // noted packets by number, the last mask + 1 of them
	struct wm_bucket *buckets; // by mark
	uint64_t *seen;            // marks that were received
	uint64_t *latest;          // of each ledger: number + 1 of the last packet received in order
	unsigned *turns;           // of each ledger: where it was when `asked` was set
	uint64_t n_noted;
	uint64_t n_settled; // all before it are received or lost
	struct wm_arrival {
		struct wm_note note; // when it came
		uint32_t len;
	} * row; // WM_WATCH_ROW
	uint64_t row_head;
	uint64_t row_tail;
	uint64_t asked;  // arrivals before this one wait for the ledgers to get past `turns`
	uint64_t judged; // the notes of arrivals before this one are there, if anybody sent them

	// Written by the reader's lcore, read by control.
	struct wm_watch_counts count;
	struct wm_spread latency; // in TSC
};

/** Bytes of memory that a watch over n_window packets, a power of two, and n_ledgers queues needs. */
size_t wm_watch_size(size_t n_window, unsigned n_ledgers);

/** @param memory wm_watch_size() bytes, all zero, aligned to 8; borrowed, as are the ledgers. */
void wm_watch_init(struct wm_watch *w, void *memory, size_t n_window, struct wm_ledger *const *ledgers,
	unsigned n_ledgers, double tsc_per_ns);

/** How many arrivals there is room for. */
static inline size_t wm_watch_room(const struct wm_watch *w)
{
	return WM_WATCH_ROW - (size_t)(w->row_head - w->row_tail);
}

/** A packet has arrived; there is room for it. */
void wm_watch_arrive(struct wm_watch *w, struct wm_note note, uint32_t len);

/**
 * Take notes over, match arrivals, give up what has been waited for too long.
 * @param now In TSC; 0 = there are more arrivals, so nothing is given up for its age. @return whether there was
 * anything to do.
 */
bool wm_watch_turn(struct wm_watch *w, uint64_t now);

/** Packets that are still waited for. */
static inline uint64_t wm_watch_under_way(const struct wm_watch *w)
{
	return wm_count_get(&w->count.noted) - wm_count_get(&w->count.received) - wm_count_get(&w->count.lost);
}

/** At the end: what has arrived is judged, what has not is lost. */
void wm_watch_finish(struct wm_watch *w);
