// SPDX-License-Identifier: BSD-3-Clause
// networks: the networks in which new hosts come up.
#pragma once

#include <model/model.h>

#include <stdint.h>

/** Beginning of an address that was seen once. */
struct rows_network {
	uint8_t six; // IPv6: eight bytes are kept; else three at most
	uint8_t head[8];
};

struct rows_book;

/** @return 0 or -ENOMEM. */
int rows_networks_put(struct wm_model_writer *w, const struct rows_book *b);
