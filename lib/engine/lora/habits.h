// SPDX-License-Identifier: BSD-3-Clause
// habits: when devices send, what and on which channel: of each where there is enough of it, else of its family.
#pragma once

#include <engine/lora/groups.h>

/**
 * Fill in a device for each group: all but links. @param duration_ns Of the capture. @return 0 or -ENOMEM.
 */
int lora_learn_habits(struct lora_book *b, const struct lora_groups *g, uint64_t duration_ns);
