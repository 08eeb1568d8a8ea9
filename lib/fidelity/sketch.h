// SPDX-License-Identifier: BSD-3-Clause
// sketch: the summaries with which switches and monitors find heavy hitters, 5 rows of 1,000 counters each.
//
// Sources: Cormode, Muthukrishnan, "An improved data stream summary: the count-min sketch", J. Algorithms 55(1), 2005;
// Charikar, Chen, Farach-Colton, "Finding frequent items in data streams", ICALP 2002; Liu et al., "One sketch to rule
// them all: UnivMon", SIGCOMM 2016.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WM_SKETCH_ROWS = 5, WM_SKETCH_WIDTH = 1000, WM_SKETCH_LEVELS = 10 };
enum wm_sketch_kind { WM_SKETCH_COUNTMIN, WM_SKETCH_COUNT, WM_SKETCH_UNIVMON, WM_SKETCHES };

struct wm_sketch {
	enum wm_sketch_kind kind;
	int64_t counters[WM_SKETCH_LEVELS][WM_SKETCH_ROWS][WM_SKETCH_WIDTH]; // UnivMon uses all levels, the others one
};

/** Count a key `n` times. The sketch is all zero but for its kind at first. */
void wm_sketch_add(struct wm_sketch *sk, uint64_t key, int64_t n);

/** How often a key was counted, by estimate. */
double wm_sketch_estimate(const struct wm_sketch *sk, uint64_t key);
