// SPDX-License-Identifier: BSD-3-Clause
#include "flow_table.h"

#include <base/grow.h>

#include <errno.h>
#include <stdlib.h>

enum { FIRST_BITS = 13 };

static size_t home(const struct flow_table *t, uint64_t key)
{
	return (size_t)(key * 0x9E3779B97F4A7C15u >> (64 - t->bits)); // Knuth's multiplicative hash
}

// Where a key is, or the free slot where it would be.
static size_t slot_of(const struct flow_table *t, uint64_t key)
{
	size_t mask = ((size_t)1 << t->bits) - 1, i = home(t, key);

	while (t->slots[i] != 0 && t->records[t->slots[i] - 1].key != key)
		i = (i + 1) & mask;
	return i;
}

static int grow_slots(struct flow_table *t)
{
	uint32_t *old = t->slots;
	size_t n_old = (size_t)1 << t->bits;

	t->slots = calloc(2 * n_old, sizeof(*t->slots));
	if (t->slots == NULL) {
		t->slots = old;
		return -ENOMEM;
	}
	t->bits++;
	for (size_t i = 0; i < n_old; i++)
		if (old[i] != 0)
			t->slots[slot_of(t, t->records[old[i] - 1].key)] = old[i];
	free(old);
	return 0;
}

int flow_table_init(struct flow_table *out)
{
	*out = (struct flow_table){.bits = FIRST_BITS, .slots = calloc((size_t)1 << FIRST_BITS, sizeof(*out->slots))};
	return out->slots != NULL ? 0 : -ENOMEM;
}

void flow_table_destroy(struct flow_table *t)
{
	free(t->records);
	free(t->free);
	free(t->slots);
	*t = (struct flow_table){0};
}

struct flow_record *flow_table_find(const struct flow_table *t, uint64_t key)
{
	uint32_t slot = t->slots[slot_of(t, key)];

	return slot != 0 ? &t->records[slot - 1] : NULL;
}

struct flow_record *flow_table_add(struct flow_table *t, uint64_t key)
{
	uint32_t place;

	if (2 * (flow_table_count(t) + 1) > (size_t)1 << t->bits && grow_slots(t) < 0)
		return NULL;
	if (t->n_free > 0) {
		place = t->free[--t->n_free];
	} else {
		if (t->n_records == UINT32_MAX - 1
			|| wm_grow((void **)&t->records, &t->cap, t->n_records + 1, sizeof(*t->records)) < 0
			|| wm_grow((void **)&t->free, &t->free_cap, t->n_records + 1, sizeof(*t->free)) < 0)
			return NULL;
		place = (uint32_t)t->n_records++;
	}
	t->records[place] = (struct flow_record){.key = key, .used = true};
	t->slots[slot_of(t, key)] = place + 1;
	return &t->records[place];
}

// The gap is closed (Knuth, The Art of Computer Programming 3, section 6.4, algorithm R).
void flow_table_drop(struct flow_table *t, uint64_t key)
{
	size_t mask = ((size_t)1 << t->bits) - 1, gap = slot_of(t, key);

	t->records[t->slots[gap] - 1].used = false;
	t->free[t->n_free++] = t->slots[gap] - 1;
	for (size_t i = (gap + 1) & mask; t->slots[i] != 0; i = (i + 1) & mask) {
		size_t want = home(t, t->records[t->slots[i] - 1].key);

		if (((i - want) & mask) >= ((i - gap) & mask)) {
			t->slots[gap] = t->slots[i];
			gap = i;
		}
	}
	t->slots[gap] = 0;
}
