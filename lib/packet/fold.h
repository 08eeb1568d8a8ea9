// SPDX-License-Identifier: BSD-3-Clause
// fold: how many addresses an address plan puts together: those that there were, less those that came of them.
//
// Memory is bounded: of more than WM_FOLD_MOST addresses, the first so many count.
#pragma once

#include <packet/map.h>

#include <stdint.h>

enum { WM_FOLD_MOST = 1 << 20 };

struct wm_fold;

/** @param map Borrowed. @return 0 or -ENOMEM. */
int wm_fold_create(struct wm_fold **out, const struct wm_map *map);
void wm_fold_destroy(struct wm_fold *f); // NULL is allowed

/** An address as it is before it is mapped, IPv4 mapped; any number of times. Without memory for it, it does not count.
 */
void wm_fold_add(struct wm_fold *f, const uint8_t addr[16]);

/** @param mapped How many of the addresses become others; NULL = whatever. @return how many become one with another. */
uint64_t wm_fold_count(const struct wm_fold *f, uint64_t *mapped);
