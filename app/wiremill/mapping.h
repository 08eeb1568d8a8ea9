// SPDX-License-Identifier: BSD-3-Clause
// mapping: another address plan for models: what it does to them, and whether it does what was asked.
#pragma once

#include "models.h"

/** Map what is a form's: VLANs, and all of a frame that is not IP. @return 0 or -ENOMEM. */
int mapping_put(struct open_model *m, const struct wm_map *map);

/** Whether each MAC address is in a frame of the models; with a capture, it can be there. @return 0; -EINVAL with a
 * sentence. */
int mapping_check(const struct models *m, const struct settings *s, struct wm_err *err);

/** How many addresses of the models, or of the flows that one follows, become others, and one with another. @return 0;
 * -ENOMEM with a sentence. */
int mapping_count(struct models *m, const struct settings *s, struct wm_err *err);
