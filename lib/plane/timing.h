// SPDX-License-Identifier: BSD-3-Clause
// timing: how exactly packets leave. The error of a gap is how far the time between two packets' departures, as the
// port's burst function was called for them, is from the time between them that was planned.
//
// Errors are counted in bins by their size in ticks, sixteen to an octave, so a figure read from them is off by a
// sixteenth at most.
#pragma once

#include <plane/count.h>

#include <stdbool.h>
#include <stdint.h>

enum {
	WM_TIMING_SUB = 16,
	WM_TIMING_BINS = WM_TIMING_SUB * 44, // up to 2^47 ticks, and all beyond
	WM_TIMING_WITHIN = 4,
	WM_TIMING_OCTAVES = 40, // of nanoseconds, for people
};

// Written by the queue's lcore, read by control.
struct wm_timing {
	wm_count bins[WM_TIMING_BINS];
	wm_count max;     // ticks
	wm_count bunched; // packets that left in one call with the one before, though planned later

	// The lcore's alone.
	int64_t late; // ticks from plan to departure of the packet before
	bool began;
};

// Errors of one or more queues, as they stood at one moment.
struct wm_timing_tally {
	double ticks_per_ns; // the same all through a run: an error stays in its bin
	uint64_t bins[WM_TIMING_BINS];
	uint64_t max;
	uint64_t bunched;
};

// What people are told.
struct wm_timing_summary {
	uint64_t gaps;
	uint64_t bunched;
	double p50_ns;
	double p99_ns;
	double max_ns;
	double within[WM_TIMING_WITHIN];     // share of errors within 64, 128, 256, 512 ns
	uint64_t octaves[WM_TIMING_OCTAVES]; // [i] = errors of 2^(i-1) .. 2^i ns, [0]: below 1 ns
};

static inline unsigned wm_timing_bin(uint64_t ticks)
{
	unsigned octave, bin;

	if (ticks < WM_TIMING_SUB)
		return (unsigned)ticks;
	octave = 63u - (unsigned)__builtin_clzll(ticks) - 4; // SUB = 2^4
	bin = WM_TIMING_SUB * (octave + 1) + (unsigned)(ticks >> octave) - WM_TIMING_SUB;
	return bin < WM_TIMING_BINS ? bin : WM_TIMING_BINS - 1;
}

/** A packet leaves `late` ticks after its time (before, if negative). */
static inline void wm_timing_add(struct wm_timing *t, int64_t late)
{
	uint64_t error = (uint64_t)(late > t->late ? late - t->late : t->late - late);

	t->late = late;
	if (!t->began) {
		t->began = true;
		return;
	}
	wm_count_add(&t->bins[wm_timing_bin(error)], 1);
	if (error > wm_count_get(&t->max))
		atomic_store_explicit(&t->max, error, memory_order_relaxed);
}

/** The plan was moved by `by` ticks: that is no error of a gap. */
static inline void wm_timing_shift(struct wm_timing *t, uint64_t by)
{
	t->late -= (int64_t)by;
}

/** Add a queue's errors. Any thread. */
void wm_timing_count(struct wm_timing_tally *sum, const struct wm_timing *t);

/** What has come since `before`, of the same run. The largest error is then known to a sixteenth. */
void wm_timing_since(
	struct wm_timing_tally *out, const struct wm_timing_tally *now, const struct wm_timing_tally *before);

void wm_timing_sum_up(struct wm_timing_summary *out, const struct wm_timing_tally *tally);

/** Sum of all errors, in ns, each taken from the middle of its bin. */
double wm_timing_total_ns(const struct wm_timing_tally *tally);
