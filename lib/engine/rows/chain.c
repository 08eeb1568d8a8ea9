// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/chain.h>

#include <errno.h>
#include <stdlib.h>

int rows_chain_index(struct rows_chain *c)
{
	size_t n = 16;

	while (n < 2 * c->n_cells)
		n *= 2;
	c->slots = calloc(n, sizeof(*c->slots));
	if (c->slots == NULL)
		return -ENOMEM;
	c->n_slots = n;
	for (size_t i = 0; i < c->n_cells; i++) {
		size_t at = c->cells[i].key & (n - 1);

		while (c->slots[at] != 0)
			at = (at + 1) & (n - 1);
		c->slots[at] = (uint32_t)i + 1;
	}
	return 0;
}

void rows_chain_free(struct rows_chain *c)
{
	free(c->slots);
	*c = (struct rows_chain){0};
}

static const struct rows_cell *find(const struct rows_chain *c, uint64_t key)
{
	const size_t mask = c->n_slots - 1;

	for (size_t at = key & mask; c->slots[at] != 0; at = (at + 1) & mask)
		if (c->cells[c->slots[at] - 1].key == key)
			return &c->cells[c->slots[at] - 1];
	return NULL;
}

static uint32_t until(const struct rows_item *item, bool fresh)
{
	return fresh ? item->fresh : item->until;
}

// @return the count of the item that was drawn.
static uint32_t draw_item(
	const struct rows_chain *c, const struct rows_cell *cell, bool fresh, uint32_t random, uint32_t *value)
{
	const struct rows_item *item = c->items + cell->first;
	const uint32_t at = (uint32_t)((uint64_t)random * until(&item[cell->n - 1], fresh) >> 32);
	uint32_t lo = 0, hi = cell->n - 1;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		if (until(&item[mid], fresh) > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	*value = item[lo].value;
	return until(&item[lo], fresh) - (lo > 0 ? until(&item[lo - 1], fresh) : 0);
}

uint32_t rows_chain_draw(const struct rows_chain *c, const uint32_t *v, struct wm_rng *rng, uint32_t none)
{
	uint64_t key[ROWS_LEVELS];
	uint32_t value = none;
	bool fresh = false; // a level below has been left

	key[0] = rows_key_begin();
	for (unsigned i = 0; i < c->n_root; i++)
		key[0] = rows_key_add(key[0], v[c->column[i]]);
	for (unsigned l = 1; l < c->n_levels; l++)
		key[l] = rows_key_add(key[l - 1], v[c->column[c->n_root + l - 1]]);
	for (unsigned l = c->n_levels; l-- > 0;) {
		const struct rows_cell *cell = find(c, key[l]);
		uint32_t count;

		if (cell == NULL || (fresh && c->items[cell->first + cell->n - 1].fresh == 0))
			continue;
		count = draw_item(c, cell, fresh, wm_rng_u32(rng), &value);
		fresh = true;
		if (l == 0 || (uint64_t)wm_rng_u32(rng) * count >= c->discount[l])
			return value;
	}
	return value;
}
