// SPDX-License-Identifier: BSD-3-Clause
// steer: what other threads ask of a model while it runs: its weight, and whether it pauses. One word that all its
// planners look at between windows.
//
// What it says is about flows that have not begun: those in flight go on to their end.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct wm_steer {
	_Atomic uint64_t word; // the weight as binary32; bit 32: it pauses
};

static const uint64_t wm_steer_paused = UINT64_C(1) << 32;

static inline uint64_t wm_steer_word(float weight, bool paused)
{
	uint32_t bits;

	memcpy(&bits, &weight, sizeof(bits));
	return bits | (paused ? wm_steer_paused : 0);
}

static inline float wm_steer_weight_of(uint64_t word)
{
	const uint32_t bits = (uint32_t)word;
	float weight;

	memcpy(&weight, &bits, sizeof(weight));
	return weight;
}

/** Before the run. @param weight What the mix gives it. */
static inline void wm_steer_init(struct wm_steer *s, double weight)
{
	atomic_init(&s->word, wm_steer_word((float)weight, false));
}

/** From now on so many times as many of its flows begin as learned; 0 = none. Whether it pauses stays. Any thread.
 *  @param weight 0, or 1e-6 .. 1e6; what is beyond is taken for the nearest. */
static inline void wm_steer_set_weight(struct wm_steer *s, double weight)
{
	uint64_t was = atomic_load_explicit(&s->word, memory_order_relaxed);

	weight = !(weight > 0) ? 0 : weight < 1e-6 ? 1e-6 : weight > 1e6 ? 1e6 : weight;
	while (!atomic_compare_exchange_weak_explicit(&s->word, &was,
		wm_steer_word((float)weight, (was & wm_steer_paused) != 0), memory_order_relaxed, memory_order_relaxed))
		;
}

/** No flow of it begins, or they do again, from where the model was. Any thread. */
static inline void wm_steer_pause(struct wm_steer *s, bool paused)
{
	if (paused)
		(void)atomic_fetch_or_explicit(&s->word, wm_steer_paused, memory_order_relaxed);
	else
		(void)atomic_fetch_and_explicit(&s->word, ~wm_steer_paused, memory_order_relaxed);
}

/** What was asked for last. Any thread. */
static inline double wm_steer_get(const struct wm_steer *s, bool *paused)
{
	const uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);

	*paused = (word & wm_steer_paused) != 0;
	return (double)wm_steer_weight_of(word);
}
