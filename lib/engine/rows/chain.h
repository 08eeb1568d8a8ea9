// SPDX-License-Identifier: BSD-3-Clause
// chain: the distribution of one column given others, as counts in contexts that become less special step by step.
//
// Level 0 is the root; every level adds a column to the context of the one before. A value is drawn in the most
// special context that was learned, by how often it came in it, and with the mass that is discounted from each of its
// values the draw goes on in the context one level up: there by in how many of the contexts below it the value came,
// so that what was seen in each context stays as frequent as it was.
//
// Source: Kneser, Ney 1995 (improved backing-off for m-gram language modeling), sections 2 to 4.
#pragma once

#include <base/philox.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROWS_LEVELS = 8 };

/** A context that was seen often enough. */
struct rows_cell {
	uint64_t key;
	uint32_t first; // of its items
	uint32_t n;     // of its items; at least 1
};

struct rows_item {
	uint32_t value;
	uint32_t until; // count of it and of those before it in the cell
	uint32_t fresh; // in how many contexts one level below they came, likewise
};

/** Read-only, shared. */
struct rows_chain {
	uint8_t n_root;                  // columns of the root's context
	uint8_t n_levels;                // at least 1
	uint8_t column[ROWS_LEVELS + 2]; // those of the root, then one a level
	uint32_t discount[ROWS_LEVELS];  // of each level, in 2^-32
	const struct rows_cell *cells;
	size_t n_cells;
	const struct rows_item *items;
	size_t n_items;
	uint32_t *slots; // open addressing: cell + 1, 0 = free; own memory
	size_t n_slots;  // power of two
};

static inline uint64_t rows_key_begin(void)
{
	return UINT64_C(0x243f6a8885a308d3);
}

/** Another column's value in a context's key. */
static inline uint64_t rows_key_add(uint64_t key, uint32_t value)
{
	key = (key ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	key ^= key >> 32;
	key *= UINT64_C(0xd6e8feb86659fd93);
	return key ^ key >> 32;
}

/** Build the slots. @return 0 or -ENOMEM. */
int rows_chain_index(struct rows_chain *c);
void rows_chain_free(struct rows_chain *c);

/**
 * Draw a value.
 *
 * @param v The columns, by number. @param none What comes out where not even the root was seen with these.
 */
uint32_t rows_chain_draw(const struct rows_chain *c, const uint32_t *v, struct wm_rng *rng, uint32_t none);
