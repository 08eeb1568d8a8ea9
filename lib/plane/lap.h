// SPDX-License-Identifier: BSD-3-Clause
// lap: samples that have been sent are sent again when no fresh ones are there (--underflow recycle). What is sent once
// more is a later lap: its time goes on from what was sent last, and its flows are others: the client's address moves
// within its subnet, its port within its range, TCP numbers and ICMP identifiers move too, all of them by steps that
// belong to the lap. Both directions of a flow move alike, and two flows of one lap never become one.
#pragma once

#include <base/err.h>
#include <packet/draft.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How far a lap's flows are from those that the model made. Lap 0 does not move.
struct wm_lap_shift {
	uint32_t host; // 0 .. 253, of the address's last byte
	uint32_t port;
	uint32_t seq[2]; // client's numbers, server's
};

struct wm_lap {
	struct wm_draft *kept;     // the last mask + 1 fresh samples
	struct wm_sample *samples; // the same, as they were; NULL if nobody is to be told
	size_t mask;
	uint64_t n_kept; // so far; [n_kept - mask - 1, n_kept) are there
	uint64_t cursor; // the next one to be sent again
	uint32_t lap;
	struct wm_lap_shift shift;
	struct wm_move move; // the same, for drafts
	uint64_t late_ns;    // how much the timeline is behind the fresh samples' own time, by what was put in between
	uint64_t now_ns;     // time of the last sample that was sent
};

/** @param kept, samples Room for n_kept, a power of two; borrowed; samples may be NULL. */
void wm_lap_init(struct wm_lap *l, struct wm_draft *kept, struct wm_sample *samples, size_t n_kept);

/** Keep a fresh sample as it is sent, late_ns behind its own time. */
static inline void wm_lap_keep(struct wm_lap *l, const struct wm_draft *d, const struct wm_sample *s)
{
	if (l->samples != NULL && s != NULL)
		l->samples[l->n_kept & l->mask] = *s;
	l->kept[l->n_kept++ & l->mask] = *d;
	l->now_ns = d->time_ns + l->late_ns;
}

/**
 * The next samples to be sent again: l->kept[*at] and those behind it. l->move and l->shift are theirs.
 *
 * @param later_ns By how much each goes out later than its own time (modulo 2^64).
 * @return how many there are; 0 = none was ever kept.
 */
size_t wm_lap_peek(struct wm_lap *l, size_t *at, uint64_t *later_ns);

/** Go past the first n samples of wm_lap_peek(), the last of which is sent at time_ns. */
static inline void wm_lap_take(struct wm_lap *l, size_t n, uint64_t time_ns)
{
	l->cursor += n;
	l->late_ns += time_ns - l->now_ns;
	l->now_ns = time_ns;
}

/** Move a sample's flow. */
void wm_lap_move(struct wm_sample *s, const struct wm_lap_shift *shift);

/** The shift of a lap. */
struct wm_lap_shift wm_lap_shift(uint32_t lap);

/** A shift as drafts take it. */
void wm_lap_shift_drafts(struct wm_move *out, const struct wm_lap_shift *shift);
