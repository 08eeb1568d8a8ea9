// SPDX-License-Identifier: BSD-3-Clause
// groups: receptions by the device that sent them, and brought together where several gateways heard one frame.
#pragma once

#include <dataset/lora.h>
#include <engine/lora/book.h>

#include <stdbool.h>

struct lora_sent {        // a frame that was heard
	uint64_t time_ns; // by the first gateway
	uint64_t
		since_ns; // since the frame before: a repetition since it was sent last, others since it was sent first
	uint32_t reception; // the first of its receptions, in lora_groups.order
	uint32_t n;         // of them
	uint32_t advance; // of the counter: LORA_ADVANCE_REPEAT, by how much, LORA_ADVANCE_RESET; LORA_NONE = the first
	uint32_t message; // number in the book
	uint32_t channel;
};

struct lora_group { // a device
	uint64_t family;
	uint32_t sent; // the first of its frames
	uint32_t n_sent;
	uint32_t n_new; // that are no repetitions
	bool anonymous;
};

struct lora_groups {
	const struct wm_receptions *set;
	uint32_t *order; // receptions by device, then by time
	struct lora_sent *sent;
	size_t n_sent;
	struct lora_group *at; // by family
	size_t n;
};

/** @return 0 or -ENOMEM. */
int lora_groups_make(struct lora_groups *out, struct lora_book *b, const struct wm_receptions *set);
void lora_groups_free(struct lora_groups *g); // accepts one that is all zero

static inline const struct wm_lora *lora_of(const struct lora_groups *g, const struct lora_sent *s)
{
	return &g->set->at[g->order[s->reception]].lora;
}
