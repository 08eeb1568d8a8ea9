// SPDX-License-Identifier: BSD-3-Clause
// numbers: whole numbers, cut into bins: values that are frequent have a bin each (atoms), others share bins that are
// narrow (a quarter of their value) and hold few. Inside a shared bin values that came again are drawn as such, others
// evenly, so that tails are as they were.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { ROWS_BINS_MAX = 4096 };

struct rows_bin {
	uint64_t lo, hi; // an atom if they are the same
};

struct rows_numbers {
	const struct rows_bin *bins; // (n)
	size_t n;
	const uint64_t *exact; // (n_exact), ascending: values that came again, without atoms
	size_t n_exact;
};
