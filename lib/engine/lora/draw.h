// SPDX-License-Identifier: BSD-3-Clause
// draw: numbers from what a LoRa model holds, by nothing but the four operations: the same on every machine.
#pragma once

#include <base/philox.h>
#include <engine/lora/schema.h>

#include <stdint.h>

/** A normal number at rank u of 2^32, between -4 and 4, linear between 64 steps. */
double lora_draw_normal(uint32_t u);
/** Its inverse: the rank of a normal number. */
uint32_t lora_normal_rank(double x);

/** The value at rank u of 2^32 of a table of n knots, linear between them. */
int64_t lora_table_at(const int64_t *knots, uint32_t n, uint32_t u);

/** How often what has this chance (of 2^32 - 1) is missed before it comes, below 2^32: a geometric number at rank u. */
uint64_t lora_draw_misses(uint32_t chance, uint32_t u);

/**
 * The next state of a chain: drawn by what followed the last one, or, with the chance of something new there (Witten,
 * Bell, "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), 1991, method C), by how often each came.
 *
 * @param from The last state, from 0; LORA_NONE = none.
 */
uint32_t lora_chain_step(const struct lora_chain *c, const struct lora_state *states, const struct lora_move *moves,
	uint32_t from, struct wm_rng *rng);
