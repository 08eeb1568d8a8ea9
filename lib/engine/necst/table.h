// SPDX-License-Identifier: BSD-3-Clause
// table: what was counted: for each key the values seen with it and how often, ready to be drawn from.
#pragma once

#include <base/err.h>
#include <model/model.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct necst_table {
	uint32_t n;            // keys
	const uint32_t *key;   // (n) ascending
	const uint32_t *first; // (n + 1) the values of key i are value[first[i] .. first[i + 1])
	const uint32_t *value;
	const uint32_t *upto; // running sums of the counts inside a key
};

struct necst_pair {
	uint32_t key;
	uint32_t value;
};

enum { NECST_NO_ROW = -1 };

/** Row of a key, or NECST_NO_ROW. */
static inline int64_t necst_table_row(const struct necst_table *t, uint32_t key)
{
	uint32_t lo = 0, hi = t->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->key[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && t->key[lo] == key ? (int64_t)lo : NECST_NO_ROW;
}

/** How often the row's key was seen. */
static inline uint32_t necst_table_total(const struct necst_table *t, size_t row)
{
	return t->upto[t->first[row + 1] - 1];
}

/** One of the row's values, with probability as counted, by 32 random bits. */
static inline uint32_t necst_table_draw(const struct necst_table *t, size_t row, uint32_t random)
{
	uint32_t lo = t->first[row], hi = t->first[row + 1] - 1;
	uint32_t at = (uint32_t)(((uint64_t)random * t->upto[hi]) >> 32);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->upto[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return t->value[lo];
}

/** Count pairs (sorted in place) and put the table into a model as NAME.key, .first, .value, .upto. */
int necst_table_put(struct wm_model_writer *w, const char *name, struct necst_pair *pairs, size_t n);

/** Borrow a table from a model; checks that it is one. */
int necst_table_get(struct necst_table *t, const struct wm_model *m, const char *name, struct wm_err *err);
