// SPDX-License-Identifier: BSD-3-Clause
// life: times without memory: how long a device stays, and until the next one comes.
#pragma once

#include <engine/lora/draw.h>

/** A time of this mean, exponential to a thousandth of it. */
static inline uint64_t lora_draw_life(uint64_t mean_ns, struct wm_rng *rng)
{
	uint64_t step_ns = mean_ns / 1024;

	return lora_draw_misses(UINT32_MAX / 1024, wm_rng_u32(rng)) * step_ns
	       + (uint64_t)((double)step_ns * (double)wm_rng_u32(rng) * 0x1p-32);
}
