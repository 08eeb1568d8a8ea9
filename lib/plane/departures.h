// SPDX-License-Identifier: BSD-3-Clause
// departures: what a queue has sent, packet by packet, for who writes it down: copies of samples in a ring, from the
// queue's lcore to a thread that may wait. What finds no room is counted as untold, and never waited for.
//
// Copies are kept beside the row while packets wait in it, and told when the port has taken them, with the TSC as their
// time. That a flow has ended is known when the next sample is looked at, while its last packets may still wait: such a
// tick says behind how many packets it stands, and the reader holds it back until it has seen so many.
#pragma once

#include <plane/count.h>
#include <synth/ring.h>

#include <stdbool.h>
#include <stdint.h>

enum { WM_DEPARTURES_ROW = 256 }; // WM_TX_ROW

struct wm_departures {
	struct wm_ring ring;
	uint32_t queue; // its number
	// The queue's lcore alone.
	struct wm_sample row[WM_DEPARTURES_ROW];
	bool again[WM_DEPARTURES_ROW]; // which of the row are sent again
	uint64_t n_built;              // packets that came into the row so far
	uint64_t n_missed;             // that have left it, and the reader does not know yet
	wm_count untold;               // sent, and not told
};

/** Which queue sent a packet, and on which lap of what it sends again; 0 = for the first time. Where numbers of the
 *  sample were: those of captured frames are noted there, which are sent once. */
static inline uint32_t wm_departure_lap(const struct wm_sample *s)
{
	return s->ack;
}

static inline uint32_t wm_departure_queue(const struct wm_sample *s)
{
	return s->seq;
}

struct wm_departures_reader {
	uint64_t n_seen; // packets that have left the row
	struct wm_sample *held;
	size_t n_held, first_held, cap;
};

/** A packet has come into the row at `at`. Raw frames are looked at now: they are gone later (packet/raw.h). */
void wm_departures_build(struct wm_departures *d, uint32_t at, const struct wm_sample *s, bool raw);

/** The same of one that is sent again: as it is on that lap. */
void wm_departures_build_again(struct wm_departures *d, uint32_t at, const struct wm_sample *s, uint32_t lap);

/** The port has taken n packets of the row, from `at` on. */
void wm_departures_send(struct wm_departures *d, uint32_t at, uint32_t n, uint64_t tsc);

/** They have left the row otherwise. */
void wm_departures_drop(struct wm_departures *d, uint32_t at, uint32_t n);

/** The sample's flow has ended behind what was built so far. */
void wm_departures_end(struct wm_departures *d, const struct wm_sample *s);

/** And so have all flows of a lap. */
void wm_departures_end_lap(struct wm_departures *d, uint32_t lap);

/**
 * Hand over what there is, in order: packets, and ticks WM_TICK_FLOW and WM_TICK_LAP. @return how many; -ENOMEM.
 * Thread: one at a time.
 */
int wm_departures_read(struct wm_departures *d, struct wm_departures_reader *r,
	void (*take)(void *arg, struct wm_sample *s), void *arg);
