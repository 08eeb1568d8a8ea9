// SPDX-License-Identifier: BSD-3-Clause
// spread: how values of one kind are spread, in a fixed room: exact below 128, within 1/64 of the value above. One
// writer; any thread reads.
#pragma once

#include <plane/count.h>

enum {
	WM_SPREAD_BITS = 6, // 64 steps to the next power of two
	WM_SPREAD_CELLS = (65 - WM_SPREAD_BITS) << WM_SPREAD_BITS,
};

struct wm_spread {
	wm_count cells[WM_SPREAD_CELLS];
	wm_count n;
	wm_count least; // UINT64_MAX if there is none
	wm_count most;
};

static inline void wm_spread_init(struct wm_spread *s)
{
	atomic_store_explicit(&s->least, UINT64_MAX, memory_order_relaxed);
}

static inline unsigned wm_spread_cell(uint64_t v)
{
	unsigned power = 63u - (unsigned)__builtin_clzll(v | 1);

	if (power < WM_SPREAD_BITS)
		return (unsigned)v;
	return ((power - WM_SPREAD_BITS + 1) << WM_SPREAD_BITS)
	       + (unsigned)(v >> (power - WM_SPREAD_BITS) & ((1 << WM_SPREAD_BITS) - 1));
}

static inline void wm_spread_add(struct wm_spread *s, uint64_t v)
{
	wm_count_add(&s->cells[wm_spread_cell(v)], 1);
	wm_count_add(&s->n, 1);
	if (v < wm_count_get(&s->least))
		atomic_store_explicit(&s->least, v, memory_order_relaxed);
	if (v > wm_count_get(&s->most))
		atomic_store_explicit(&s->most, v, memory_order_relaxed);
}

/** The value that a share of all, 0..1, are not above: the middle of its cell. @return 0 if there are no values. */
uint64_t wm_spread_at(const struct wm_spread *s, double share);
