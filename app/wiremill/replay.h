// SPDX-License-Identifier: BSD-3-Clause
// replay: what became of a capture that was replayed, for the person at the terminal and as JSON.
#pragma once

#include "models.h"

#include <jansson.h>
#include <stdio.h>

/** One line, if there is a capture; once its reader has stopped. */
void replay_print(FILE *out, const struct models *models);

/** @return NULL if there is no capture (or no memory). */
json_t *replay_json(const struct models *models, const struct settings *s);

/** Whether the capture was sound. @return 0; -EIO with a sentence that says where it is damaged. */
int replay_check(const struct models *models, struct wm_err *err);
