// SPDX-License-Identifier: BSD-3-Clause
#include <synth/arena.h>

// The samples in the rings say what is free.
static void move_tail(struct wm_arena *a, uint64_t begin)
{
	a->tail = begin;
	for (unsigned i = 0; i < a->n_rings; i++) {
		const struct wm_sample *s = wm_ring_oldest(&a->rings[i]);
		uint64_t used = s != NULL ? (a->head - (uint64_t)(s->bytes - a->bytes)) & (a->size - 1) : 0;

		if (s != NULL && a->head - used < a->tail)
			a->tail = a->head - used;
	}
}

uint8_t *wm_arena_take(struct wm_arena *a, size_t len, uint64_t begin, bool reuse)
{
	size_t at = a->head & (a->size - 1), skip = at + len > a->size ? a->size - at : 0;

	if (reuse && a->head + skip + len - a->tail >= a->size)
		move_tail(a, begin);
	if (a->head + skip + len - a->tail >= a->size)
		return NULL;
	a->head += skip + len;
	return wm_arena_at(a, a->head - len);
}
