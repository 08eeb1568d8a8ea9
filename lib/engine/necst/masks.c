// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/masks.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

float *necst_masks_make(uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind, uint32_t n_tokens)
{
	const size_t rows = (size_t)n_families * NECST_MASKS;
	void *mem;
	float *mask;

	if (posix_memalign(&mem, 64, rows * token_pad * sizeof(float)) != 0)
		return NULL;
	mask = mem;
	for (size_t r = 0; r < rows; r++) {
		const enum necst_mask state = (enum necst_mask)(r % NECST_MASKS);

		for (uint32_t t = 0; t < token_pad; t++) {
			bool may = t < n_tokens && kind[t].family == r / NECST_MASKS
				   && !(state == NECST_MASK_CLIENT_DONE && kind[t].reverse == 0)
				   && !(state == NECST_MASK_SERVER_DONE && kind[t].reverse == 1);

			mask[r * token_pad + t] = may ? 0.0f : -INFINITY;
		}
	}
	return mask;
}
