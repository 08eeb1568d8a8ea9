// SPDX-License-Identifier: BSD-3-Clause
// models: what a run mills from, opened: models (file, engine, what flows of it are called), and a capture.
#pragma once

#include "settings.h"

#include <dataset/flow_list.h>
#include <engine/engine.h>
#include <engine/rows/rows.h>
#include <model/model.h>
#include <synth/replay.h>
#include <synth/worker.h>

#include <stdbool.h>
#include <stddef.h>

struct open_model {
	char label[LABEL_SIZE];
	char stem[LABEL_SIZE]; // of its file's name
	struct wm_model *file;
	const struct wm_engine *engine;
	struct wm_engine_model *model;
	struct rows_model *rows; // instead of both: it makes rows of a table, no packets
	const struct wm_form *forms;
	size_t n_forms;
	int link;               // LINKTYPE_* of its frames
	struct wm_form *mapped; // the same, if they are our own
};

struct models {
	struct open_model at[WM_MODELS_MAX]; // by number in samples
	struct wm_source sources[WM_MODELS_MAX];
	struct wm_steer steers[WM_MODELS_MAX]; // see models_let_steer()
	size_t n;
	int link;                   // LINKTYPE_* of all their frames
	bool lora;                  // they make LoRa receptions, and nothing else
	struct wm_flow_list follow; // flows that the model makes, if it does not plan its own
	size_t n_unknown;           // of these, flows of protocols that it does not know: they are not made
	uint64_t n_mapped;          // addresses of the models that the map changes,
	uint64_t n_folded; // and those that it makes one with another; counted if a network is put into a smaller one
	struct wm_replay *replay; // NULL = none; its samples are of number n, and so is what at[] says of them
};

/** @param out All zero; to be handed to models_close() in any case. @return 0; -errno with a sentence. */
int models_open(struct models *out, const struct settings *s, struct wm_err *err);
void models_close(struct models *m);

/** Before the run: others may steer the models while it goes on, by wm_steer_set_weight(&m->steers[i], w) and the
 *  like; those whose sources[i].steer stays NULL (LoRa) cannot be.
 *  Workers then go no further than about a second ahead. */
void models_let_steer(struct models *m);

/** Whether writing the outputs would overwrite a model, or each other. @return 0; -EINVAL with a sentence. */
int models_check_outputs(const struct settings *s, struct wm_err *err);
