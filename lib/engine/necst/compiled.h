// SPDX-License-Identifier: BSD-3-Clause
// compiled: a model file's tensors, checked, in the layout that generation wants. Read-only, shared by all workers.
#pragma once

#include <engine/engine.h>
#include <engine/necst/clocks.h>
#include <engine/necst/emit.h>
#include <engine/necst/gaps.h>
#include <engine/necst/keys.h>
#include <engine/necst/lone.h>
#include <engine/necst/masks.h>
#include <engine/necst/owed.h>
#include <engine/necst/plan.h>
#include <engine/necst/rests.h>
#include <engine/necst/schema.h>
#include <engine/necst/sequence.h>
#include <engine/necst/sizes.h>
#include <engine/necst/table.h>
#include <engine/necst/vocab.h>
#include <engine/necst/weights.h>
#include <engine/necst/window.h>
#include <tensor/tensor.h>

struct wm_engine_model {
	struct necst_plan_model *plan;
	struct necst_sequence seq; // weights on 64-byte lines
	struct necst_weights weights;
	uint32_t offsets[NECST_INPUTS + 1];
	struct necst_clocks clocks;
	struct necst_gaps gaps;
	struct necst_kind kind[NECST_TOKENS_MAX];
	uint32_t n_families;
	uint32_t longest; // frame of the capture
	struct necst_masks masks;
	struct necst_owed_masks owed;
	struct wm_form *forms;
	uint32_t *payload_sums;
	size_t n_forms;
	const struct necst_reach *reach; // (tokens)
	struct necst_table size, size_any, group, end, shape, form, any, frame;
	struct necst_windows windows;
	struct necst_table rests;
	struct necst_lone lone; // the packet level without the flow level
	enum wm_level level;
	const struct wm_kernels *kernels;
};

int necst_open(struct wm_engine_model **out, const struct wm_model *m, struct wm_err *err);
void necst_close(struct wm_engine_model *m);
