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
	const uint32_t *upto;      // running sums of the counts inside a key
	struct necst_entry *index; // (1 << index_bits) by hash; linear probing, at least half of it is free
	unsigned index_bits;
};

struct necst_entry {
	uint32_t key;
	uint32_t n;     // values; 0 = free
	uint32_t first; // of them
	uint32_t value; // that one: most keys have no other
};

struct necst_pair {
	uint32_t key;
	uint32_t value;
};

static inline uint32_t necst_table_hash(uint32_t key, unsigned bits)
{
	return (uint32_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits));
}

/** A key of an indexed table, or NULL. */
static inline const struct necst_entry *necst_table_find(const struct necst_table *t, uint32_t key)
{
	for (uint32_t i = necst_table_hash(key, t->index_bits);; i = (i + 1) & ((1u << t->index_bits) - 1)) {
		const struct necst_entry *e = &t->index[i];

		if (e->n == 0)
			return NULL;
		if (e->key == key)
			return e;
	}
}

/** How often the key was seen. */
static inline uint32_t necst_table_total(const struct necst_table *t, const struct necst_entry *e)
{
	return t->upto[e->first + e->n - 1];
}

/** One of the key's values, with probability as counted, by 32 random bits. */
static inline uint32_t necst_table_draw(const struct necst_table *t, const struct necst_entry *e, uint32_t random)
{
	const uint32_t *upto = t->upto + e->first;
	uint32_t lo = 0, at;

	if (e->n == 1)
		return e->value;
	at = (uint32_t)(((uint64_t)random * upto[e->n - 1]) >> 32);
	for (uint32_t n = e->n; n > 1; n -= n / 2) // without a branch that nobody can foretell
		lo += upto[lo + n / 2 - 1] <= at ? n / 2 : 0;
	return t->value[e->first + lo];
}

/** Count pairs (sorted in place) and put the table into a model as NAME.key, .first, .value, .upto. */
int necst_table_put(struct wm_model_writer *w, const char *name, struct necst_pair *pairs, size_t n);

/** Make the index of a table for necst_table_find(). @return 0 or -ENOMEM. Freed by necst_table_free(). */
int necst_table_index(struct necst_table *t);
void necst_table_free(struct necst_table *t);

/** Borrow a table from a model; checks that it is one. It has no index yet. */
int necst_table_get(struct necst_table *t, const struct wm_model *m, const char *name, struct wm_err *err);
