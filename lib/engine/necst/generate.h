// SPDX-License-Identifier: BSD-3-Clause
// generate: the packets of flows in flight, a batch of flows a step.
#pragma once

#include <engine/necst/compiled.h>

int necst_gen_create(struct wm_gen **out, const struct wm_engine_model *m, uint64_t seed, size_t n_slots);
int necst_gen_grow(struct wm_gen *g, size_t n_slots);
void necst_gen_begin(struct wm_gen *g, uint32_t slot, const struct wm_flow *flow);
void necst_gen_step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out);
void necst_gen_destroy(struct wm_gen *g);
