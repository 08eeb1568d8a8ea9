// SPDX-License-Identifier: BSD-3-Clause
// supply: a worker, or a capture that is replayed, and the rings that it fills, one for each queue. A flow's samples
// all go to one queue, which follows from its model and number alone. What a port adds to frames is added to samples'
// lengths here.
#pragma once

#include <plane/count.h>
#include <synth/replay.h>
#include <synth/ring.h>
#include <synth/worker.h>

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WM_SUPPLY_BLOCK = 256 };

struct wm_supply {
	// Set up before the start, read-only after.
	struct wm_worker *worker;
	struct wm_replay *replay; // instead of a worker; borrowed
	struct wm_ring *rings;    // one for each queue
	unsigned n_queues;
	const _Atomic uint64_t *until_ns;            // nothing from then on; NULL = as far as there is room
	const struct wm_form *const *const *dressed; // [2 * queue + direction][model]; NULL = no port adds anything

	// The worker's lcore alone. Samples on their way to several queues, and the last ticks.
	struct wm_sample *block; // WM_SUPPLY_BLOCK; NULL with one queue
	struct wm_sample *ticks; // n_queues; NULL with one queue, unless there is until_ns
	size_t at;
	size_t n;
	unsigned told; // queues that know of the run's end
	bool over;     // the worker's time: what is in the block is the last
	bool closed;   // the rings, since all was handed over

	// Written by the worker's lcore, read by control.
	alignas(64) wm_count generated; // samples, as the worker made them
	atomic_bool full;               // there has been a time without room for more
	atomic_int failed;              // -errno of the worker
};

/** The queue of a sample's flow. */
static inline unsigned wm_supply_queue(const struct wm_sample *s, unsigned n_queues)
{
	uint32_t x = (s->flow + (wm_sample_model(s) << 27)) * 0x9E3779B1u; // Knuth's multiplicative hash

	return (unsigned)(((uint64_t)(x ^ x >> 16) * n_queues) >> 32);
}

/** Make up to max (at most WM_SUPPLY_BLOCK) samples and hand them over.
 *  @return how many were handed over; 0 = no room, failed, or no more. */
size_t wm_supply_turn(struct wm_supply *s, size_t max);

/** Samples that were made and not handed over yet; once the lcore has stopped. */
size_t wm_supply_left(const struct wm_supply *s);
