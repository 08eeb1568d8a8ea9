// SPDX-License-Identifier: BSD-3-Clause
// arena: memory of fixed size for what samples in rings point at, taken piece by piece in the order of the samples.
// Nothing is given back: what is older than the oldest sample in a ring is free.
#pragma once

#include <synth/ring.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes stand at virtual positions, which go up for ever; tail .. head, always less than the size, may be in use.
struct wm_arena {
	uint8_t *bytes;
	size_t size; // a power of two
	uint64_t head;
	uint64_t tail;
	struct wm_ring *rings;
	unsigned n_rings;
};

/** Where the next piece will be, or begin to be looked for. */
static inline uint8_t *wm_arena_at(const struct wm_arena *a, uint64_t position)
{
	return a->bytes + (position & (a->size - 1));
}

/**
 * Take len bytes in one piece.
 *
 * @param begin A head of before: what was taken since belongs to samples that are in no ring yet.
 * @param reuse What samples pointed at before may be overwritten. @return NULL if there is no room (now).
 */
uint8_t *wm_arena_take(struct wm_arena *a, size_t len, uint64_t begin, bool reuse);
