// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/layout.h>

#include <tensor/tensor.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void necst_layout_size(struct necst_sequence *s, const struct necst_dims *d)
{
	uint32_t offsets[NECST_INPUTS + 1];

	*s = (struct necst_sequence){.dims = *d};
	s->token_pad = (uint32_t)wm_pad(d->tokens);
	s->size_pad = (uint32_t)wm_pad(d->sizes);
	s->gap_pad = (uint32_t)wm_pad(d->gaps);
	necst_offsets(d, offsets);
	s->n_weights = (size_t)offsets[NECST_INPUTS] * 4 * d->units + (size_t)d->units * 4 * d->units + 4 * d->units
		       + (size_t)(d->units + 1) * necst_columns(s) + (size_t)d->tokens * (s->size_pad + s->gap_pad)
		       + (size_t)(d->sizes + 1) * s->gap_pad;
}

void necst_layout_point(struct necst_sequence *s, float *mem)
{
	const size_t units = s->dims.units, columns = necst_columns(s);
	uint32_t offsets[NECST_INPUTS + 1];

	necst_offsets(&s->dims, offsets);
	s->emb = mem;
	s->u = s->emb + (size_t)offsets[NECST_INPUTS] * 4 * units;
	s->bias = s->u + units * 4 * units;
	s->head = s->bias + 4 * units;
	s->head_b = s->head + units * columns;
	s->size_tok = s->head_b + columns;
	s->gap_tok = s->size_tok + (size_t)s->dims.tokens * s->size_pad;
	s->gap_size = s->gap_tok + (size_t)s->dims.tokens * s->gap_pad;
}

int necst_layout_create(struct necst_sequence *s, const struct necst_dims *dims)
{
	void *mem;

	necst_layout_size(s, dims);
	if (posix_memalign(&mem, 64, s->n_weights * sizeof(float)) != 0)
		return -ENOMEM;
	memset(mem, 0, s->n_weights * sizeof(float));
	s->mem = mem;
	necst_layout_point(s, mem);
	return 0;
}

void necst_sequence_free(struct necst_sequence *s)
{
	free(s->mem);
	*s = (struct necst_sequence){0};
}
