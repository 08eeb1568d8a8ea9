// SPDX-License-Identifier: BSD-3-Clause
// card: what a model file says about its own making (metadata).
#pragma once

#include "config.h"

#include <dataset/dataset.h>
#include <model/model.h>

/**
 * Put everything that is known before training begins. The date is the current one or, for builds that can be repeated,
 * that of the environment variable SOURCE_DATE_EPOCH. @return 0; -errno with a sentence.
 */
int card_put(struct wm_model_writer *w, const struct config *c, const char *engine, const struct wm_dataset *ds,
	struct wm_err *err);
