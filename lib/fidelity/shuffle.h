// SPDX-License-Identifier: BSD-3-Clause
// shuffle: random orders, drawn one after the other from one seed. They are those of NumPy's default_rng(seed) and its
// permutation(), so that whoever measures with NumPy and the same seed cuts traffic into the same halves and folds and
// differs for reasons alone, not by chance.
//
// Source: O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
// Generation", HMC-CS-2014-0905 (PCG64 XSL-RR); "Developing a seed_seq Alternative with Better Properties", 2015 (how a
// seed is spread); Fisher and Yates' shuffle.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 wm_u128;

struct wm_shuffler {
	wm_u128 state;
	wm_u128 step;  // odd
	uint32_t half; // of 64 random bits, what was not used yet
	bool has_half;
};

enum { WM_SHUFFLE_SEED = 7 }; // of all that is random in a comparison

void wm_shuffler_init(struct wm_shuffler *s, uint32_t seed);

/** The next random order of 0 .. n-1, n < 2^32. */
void wm_shuffle(struct wm_shuffler *s, uint32_t *order, size_t n);
