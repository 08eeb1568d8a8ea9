// SPDX-License-Identifier: BSD-3-Clause
// numbers_fit: cut numbers into bins.
#pragma once

#include <engine/rows/numbers.h>

/** In preparation: own memory. */
struct rows_cut {
	struct rows_numbers numbers;
	struct rows_bin *bins; // atoms, ascending, then the others, ascending
	uint64_t *exact;
	size_t n_atoms;
};

/**
 * @param values (n) Bins are made for; will be sorted. @param exact (n_exact) Where values that come again are looked
 *        for; will be sorted; may be `values`.
 * @return 0 or -ENOMEM.
 */
int rows_cut_fit(struct rows_cut *out, uint64_t *values, size_t n, uint64_t *exact, size_t n_exact);
void rows_cut_free(struct rows_cut *c);

/** The bin of a value that was among those. */
uint32_t rows_cut_bin(const struct rows_cut *c, uint64_t value);

/** 1 + its place among those that came again; 0 for others. */
uint32_t rows_cut_exact(const struct rows_cut *c, uint64_t value);
