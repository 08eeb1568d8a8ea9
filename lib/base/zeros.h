// SPDX-License-Identifier: BSD-3-Clause
// zeros: memory for vectors.
#pragma once

#include <stdlib.h>
#include <string.h>

/** n elements of size bytes, all zero, aligned to a cache line. @return the caller's to free(); NULL = no memory. */
static inline void *wm_zeros(size_t n, size_t size)
{
	void *p;

	if (posix_memalign(&p, 64, n * size) != 0)
		return NULL;
	memset(p, 0, n * size);
	return p;
}
