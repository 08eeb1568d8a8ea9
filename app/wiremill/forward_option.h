// SPDX-License-Identifier: BSD-3-Clause
// forward_option: where --lora-forward sends LoRaWAN frames, and from where.
#pragma once

#include <base/err.h>
#include <engine/engine.h>

/** Parse SERVER[:PORT][,gateways=NET/BITS]. @return 0; -EINVAL with a sentence that names the option. */
int forward_option_parse(struct wm_lora_forward *out, const char *text, struct wm_err *err);
