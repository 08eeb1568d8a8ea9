// SPDX-License-Identifier: BSD-3-Clause
// scratch: temporary arrays, given back together: take a mark, get what is needed, release down to the mark.
#pragma once

#include <stddef.h>

struct wm_scratch {
	void **blocks;
	size_t n; // also the mark of now
	size_t cap;
};

/** An array of n (0 is allowed) zeroed elements, aligned for any type. @return NULL without memory. */
void *wm_scratch_get(struct wm_scratch *s, size_t n, size_t size);

/** Free all that was got since the mark. */
void wm_scratch_release(struct wm_scratch *s, size_t mark);

/** Free everything. Accepts one that is all zero. */
void wm_scratch_fini(struct wm_scratch *s);
