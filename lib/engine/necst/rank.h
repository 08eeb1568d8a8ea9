// SPDX-License-Identifier: BSD-3-Clause
// rank: number 64-bit keys by how often they occur.
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Give each of n keys the rank of its value: 0 for the most frequent, ties by value. Values beyond the first `most`
 * ranks all get rank `most`.
 *
 * @param rank (n), written.
 * @param values If not NULL, a malloc'd array of the distinct values by rank (at most `most`), the caller's to free.
 * @param counts Likewise, how often each occurs.
 * @return the number of ranks in use without the rank `most`, or -ENOMEM.
 */
long necst_rank(uint32_t *rank, const uint64_t *keys, size_t n, size_t most, uint64_t **values, uint32_t **counts);
