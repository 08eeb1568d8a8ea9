// SPDX-License-Identifier: BSD-3-Clause
// intern: distinct byte strings, numbered in the order in which they first came.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct wm_interned {
	uint32_t hash;
	uint32_t at; // offset into bytes
	uint32_t len;
};

struct wm_intern {
	uint32_t *slots; // number + 1, 0 = free; open addressing
	size_t n_slots;  // power of two, or 0
	struct wm_interned *items;
	size_t n;
	size_t cap;
	uint8_t *bytes;
	size_t n_bytes;
	size_t cap_bytes;
};

/** @return the number of an equal string, or -ENOENT. */
int64_t wm_intern_find(const struct wm_intern *in, const void *bytes, size_t len);

/** @return the number of an equal string, which is in->n - 1 if it is new; -ENOMEM. */
int64_t wm_intern_add(struct wm_intern *in, const void *bytes, size_t len);

void wm_intern_free(struct wm_intern *in); // accepts a zeroed one
