// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/measure.h>
#include <fidelity/sketch.h>

#include <stdlib.h>

// Place of a key in a row, and its sign there: 1 in all of Count-Min.
static size_t place(const struct wm_sketch *sk, unsigned level, unsigned row, uint64_t key, int64_t *sign)
{
	uint64_t h = wm_mix(wm_mix(0, (uint64_t)level << 8 | row), key);

	*sign = sk->kind == WM_SKETCH_COUNTMIN || h >> 63 ? 1 : -1;
	return (h & UINT32_MAX) * WM_SKETCH_WIDTH >> 32;
}

// UnivMon's level l counts the keys whose hash ends in l ones: half as many on each.
static unsigned deepest_level(const struct wm_sketch *sk, uint64_t key)
{
	uint64_t h = wm_mix(1, key);
	unsigned level = 0;

	while (sk->kind == WM_SKETCH_UNIVMON && level + 1 < WM_SKETCH_LEVELS && (h >> level & 1))
		level++;
	return level;
}

void wm_sketch_add(struct wm_sketch *sk, uint64_t key, int64_t n)
{
	for (unsigned level = 0; level <= deepest_level(sk, key); level++) {
		for (unsigned row = 0; row < WM_SKETCH_ROWS; row++) {
			int64_t sign;
			size_t at = place(sk, level, row, key, &sign);

			sk->counters[level][row][at] += sign * n;
		}
	}
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

double wm_sketch_estimate(const struct wm_sketch *sk, uint64_t key)
{
	const unsigned level = deepest_level(sk, key); // where the fewest keys collide
	int64_t said[WM_SKETCH_ROWS];

	for (unsigned row = 0; row < WM_SKETCH_ROWS; row++) {
		int64_t sign;
		size_t at = place(sk, level, row, key, &sign);

		said[row] = sign * sk->counters[level][row][at];
	}
	qsort(said, WM_SKETCH_ROWS, sizeof(*said), by_value);
	return (double)said[sk->kind == WM_SKETCH_COUNTMIN ? 0 : WM_SKETCH_ROWS / 2];
}
