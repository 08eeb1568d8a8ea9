// SPDX-License-Identifier: BSD-3-Clause
// flow_table: the records of flows in flight, found by key.
#pragma once

#include "flow_line.h"

#include <stddef.h>
#include <stdint.h>

// What tells flows from each other: model, lap of recycling (0 = fresh), and the number that the model gave.
enum { FLOW_LAP_SHIFT = 32, FLOW_LAP_MASK = (1 << 27) - 1, FLOW_MODEL_SHIFT = 59 };

static inline uint64_t flow_key(unsigned model, uint32_t lap, uint32_t flow)
{
	return (uint64_t)model << FLOW_MODEL_SHIFT | (uint64_t)(lap & FLOW_LAP_MASK) << FLOW_LAP_SHIFT | flow;
}

static inline unsigned flow_key_model(uint64_t key)
{
	return (unsigned)(key >> FLOW_MODEL_SHIFT);
}

static inline uint32_t flow_key_lap(uint64_t key)
{
	return (uint32_t)(key >> FLOW_LAP_SHIFT) & FLOW_LAP_MASK;
}

struct flow_table {
	struct flow_record *records; // those in use among them say so
	size_t n_records, cap;
	uint32_t *free; // places of those that are not
	size_t n_free, free_cap;
	uint32_t *slots; // places + 1, with linear probing, at most half full
	unsigned bits;
};

/** @param out To be handed to flow_table_destroy() in any case. @return 0 or -ENOMEM. */
int flow_table_init(struct flow_table *out);
void flow_table_destroy(struct flow_table *t);

/** @return NULL if it is not there; else it stays in place until one is added. */
struct flow_record *flow_table_find(const struct flow_table *t, uint64_t key);

/** Add one that is not there. @return NULL for want of memory. */
struct flow_record *flow_table_add(struct flow_table *t, uint64_t key);

/** Take one out. */
void flow_table_drop(struct flow_table *t, uint64_t key);

static inline size_t flow_table_count(const struct flow_table *t)
{
	return t->n_records - t->n_free;
}
