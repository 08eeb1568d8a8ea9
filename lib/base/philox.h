// SPDX-License-Identifier: BSD-3-Clause
// philox: counter-based random numbers. The same (seed, stream, id, draw) gives the same number on any worker, in any
// order; there is no state that one draw hands to another, but the counter of draws itself.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11 (Philox4x32-10).
#pragma once

#include <stdint.h>

/** What a stream of random numbers is for; part of the counter, so that streams never meet. */
enum wm_stream {
	WM_STREAM_PLAN = 1,   // the planner's choices; id = flow
	WM_STREAM_PACKET,     // a flow's packets; id = flow
	WM_STREAM_INIT,       // initial weights; id = tensor
	WM_STREAM_TRAIN,      // order of examples, dropout, corruption; id = epoch
	WM_STREAM_EMBED,      // draws of the variational embedding; id = epoch
	WM_STREAM_CLUSTER,    // k-means++ seeding; id = restart
	WM_STREAM_TCP,        // initial numbers: of TCP, of UDP's exchanges; id = flow
	WM_STREAM_SOURCE,     // seeds of the models of a mix; id = place in the mix
	WM_STREAM_COURSE = 9, // which of the planned flows begin; id = flows that have begun
	WM_STREAM_ROWS,       // conversations of a flow table; id = conversation
	WM_STREAM_TEST = 99,  // tests
};

struct wm_rng {
	uint32_t key[2]; // seed
	uint32_t ctr[4]; // block of draws, stream, id low, id high
	uint32_t out[4];
	uint32_t used; // of out; 4 = none left
};

/** Ten rounds of Philox 4x32 on one counter. */
void wm_philox(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

/** Start at draw 0 of (seed, stream, id). Cheap enough to be done for each flow. */
void wm_rng_init(struct wm_rng *rng, uint64_t seed, enum wm_stream stream, uint64_t id);

/** Next 32 random bits. */
static inline uint32_t wm_rng_u32(struct wm_rng *rng)
{
	if (rng->used == 4) {
		wm_philox(rng->ctr, rng->key, rng->out);
		rng->ctr[0]++;
		rng->used = 0;
	}
	return rng->out[rng->used++];
}

/** Uniform in (0, 1), never 0 or 1, exact in binary32: log() of it is finite. */
static inline float wm_rng_f32(struct wm_rng *rng)
{
	return ((float)(wm_rng_u32(rng) >> 9) + 0.5f) * 0x1p-23f;
}

/** Uniform in 0 .. n-1 for n >= 1 (multiply-shift; bias below n / 2^32). */
static inline uint32_t wm_rng_below(struct wm_rng *rng, uint32_t n)
{
	return (uint32_t)(((uint64_t)wm_rng_u32(rng) * n) >> 32);
}

/** Standard normal (Box-Muller). For training only: uses libm, whose last bit differs between systems. */
float wm_rng_normal(struct wm_rng *rng);
