// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <fidelity/scratch.h>

#include <stdlib.h>

void *wm_scratch_get(struct wm_scratch *s, size_t n, size_t size)
{
	void *block;

	if (wm_grow((void **)&s->blocks, &s->cap, s->n + 1, sizeof(*s->blocks)) < 0)
		return NULL;
	block = calloc(n > 0 ? n : 1, size);
	if (block != NULL)
		s->blocks[s->n++] = block;
	return block;
}

void wm_scratch_release(struct wm_scratch *s, size_t mark)
{
	while (s->n > mark)
		free(s->blocks[--s->n]);
}

void wm_scratch_fini(struct wm_scratch *s)
{
	wm_scratch_release(s, 0);
	free(s->blocks);
	*s = (struct wm_scratch){0};
}
