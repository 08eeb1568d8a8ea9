// SPDX-License-Identifier: BSD-3-Clause
// table_mode: rows of a model into a flow table, without packets.
#pragma once

#include "models.h"
#include "settings.h"

/**
 * Write s->csv until what s asks for is reached (flows count rows, packets what the rows say) or a signal ends it, then
 * the statistics.
 *
 * @param began Set once the model runs. @return 0; -errno with a sentence.
 */
int table_run(const struct settings *s, const struct models *models, bool *began, struct wm_err *err);
