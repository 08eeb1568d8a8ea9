// SPDX-License-Identifier: BSD-3-Clause
// count: counters that one thread writes and any thread reads. No locked instruction: the writer is alone.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t wm_count;

static inline uint64_t wm_count_get(const wm_count *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void wm_count_add(wm_count *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}
