// SPDX-License-Identifier: BSD-3-Clause
// radio: how gateways hear devices.
#pragma once

#include <engine/lora/groups.h>

/** Fill in the links of every device. @return 0 or -ENOMEM. */
int lora_learn_radio(struct lora_book *b, const struct lora_groups *g);

/** A table of by how much later than the first other gateways have a frame; none where there are none. */
int lora_learn_between(struct lora_book *b, uint32_t *out, const struct lora_groups *g);
