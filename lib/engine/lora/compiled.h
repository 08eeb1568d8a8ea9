// SPDX-License-Identifier: BSD-3-Clause
// compiled: a LoRa model that was checked, ready for generation. Tensors are borrowed from the file.
#pragma once

#include <engine/engine.h>
#include <engine/lora/schema.h>

#include <stdbool.h>

struct wm_engine_model {
	size_t n_devices, n_links, n_messages, n_frequencies, n_tables, n_knots, n_chains, n_states, n_moves,
		n_gateways, n_newcomers;
	const struct lora_device *devices;
	const struct lora_time *times;
	const struct lora_link *links;
	const struct lora_fade *fades;
	const struct lora_message *messages;
	const uint32_t *frequencies; // Hz
	const struct lora_table *tables;
	const int64_t *knots;
	const struct lora_chain *chains;
	const struct lora_state *states;
	const struct lora_move *moves;
	const uint64_t *gateways; // EUI
	const struct lora_newcomer *newcomers;
	uint64_t arrival_ns; // mean time between newcomers; 0 = none
	uint32_t between;    // table: by how much later another gateway has it; none = at once
	bool forwards; // forms are datagrams: of each gateway PUSH_DATA and PUSH_ACK; else LoRaTap of each gateway
	struct wm_form *forms;
	size_t n_forms;
};

int lora_open(struct wm_engine_model **out, const struct wm_model *m, struct wm_err *err);
void lora_close(struct wm_engine_model *e);
int lora_forward(struct wm_engine_model *e, const struct wm_lora_forward *to, struct wm_err *err);

int lora_plan_create(struct wm_plan **out, const struct wm_engine_model *e, uint64_t seed);
void lora_plan_next(struct wm_plan *p, struct wm_flow *flow);
void lora_plan_destroy(struct wm_plan *p);

int lora_gen_create(struct wm_gen **out, const struct wm_engine_model *e, uint64_t seed, size_t n_slots);
int lora_gen_grow(struct wm_gen *g, size_t n_slots);
void lora_gen_begin(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow);
void lora_gen_step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out);
void lora_gen_finish(const struct wm_gen *g, uint32_t slot, struct wm_sample *s);
void lora_gen_destroy(struct wm_gen *g);
