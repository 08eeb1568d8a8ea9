// SPDX-License-Identifier: BSD-3-Clause
// book: a LoRa model while it is being written.
#pragma once

#include <dataset/intern.h>
#include <engine/lora/schema.h>
#include <model/model.h>

#include <stddef.h>
#include <stdint.h>

struct lora_book {
	struct lora_device *devices;
	struct lora_time *times;
	struct lora_link *links;
	struct lora_fade *fades;
	struct lora_table *tables;
	int64_t *knots;
	struct lora_chain *chains;
	struct lora_state *states;
	struct lora_move *moves;
	struct lora_newcomer *newcomers;
	size_t n_devices, n_links, n_tables, n_knots, n_chains, n_states, n_moves, n_newcomers;
	size_t cap_links, cap_fades, cap_tables, cap_knots, cap_chains, cap_states, cap_moves;
	struct wm_intern messages;    // struct lora_message
	struct wm_intern frequencies; // uint32_t
};

/** A table of values, which are sorted in place. @param n At least 1. @return 0 or -ENOMEM. */
int lora_book_table(struct lora_book *b, uint32_t *out, int64_t *values, size_t n);

/** One step of a chain as it was seen. */
struct lora_pair {
	uint32_t from; // LORA_NONE = nothing came before
	uint32_t to;
};

/** A chain of the values that occur in pairs, which are sorted in place. @param n At least 1. @return 0 or -ENOMEM. */
int lora_book_chain(struct lora_book *b, uint32_t *out, struct lora_pair *pairs, size_t n);

int lora_book_link(struct lora_book *b, const struct lora_link *link, const struct lora_fade *fade);

/** @return 0; -errno. */
int lora_book_put(const struct lora_book *b, struct wm_model_writer *out);

void lora_book_free(struct lora_book *b); // accepts one that is all zero
