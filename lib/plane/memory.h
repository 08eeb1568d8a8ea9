// SPDX-License-Identifier: BSD-3-Clause
// memory: EAL's, on a NUMA node where it can be, and how much of it there is when there is too little.
#pragma once

#include <base/err.h>

#include <stddef.h>

/** Zeros, aligned to a cache line, from that node (negative = any), or from another if it has none left; to be handed
 *  to rte_free(). All pages are there: none is missing when a packet is due. Nothing of it may be handed to a device:
 *  without hugepages, large pieces are not where EAL thinks. @return NULL if there are not so many bytes. */
void *wm_mem_alloc(int node, size_t size);

/** Say that size bytes were not to be had, and how many there were. @return -ENOBUFS. */
int wm_mem_short(const char *what, size_t size, struct wm_err *err);
