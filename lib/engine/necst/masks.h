// SPDX-License-Identifier: BSD-3-Clause
// masks: what a flow cannot do next: be another protocol, or send from an end that has sent all it was to send. Rows of
// 0 and -inf to be added to the clusters' logits.
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/vocab.h>

enum necst_mask { NECST_MASK_NONE, NECST_MASK_CLIENT_DONE, NECST_MASK_SERVER_DONE, NECST_MASKS };

static inline enum necst_mask necst_mask_of(const struct necst_progress *p)
{
	return p->pkts[0] == 0 ? NECST_MASK_CLIENT_DONE : p->pkts[1] == 0 ? NECST_MASK_SERVER_DONE : NECST_MASK_NONE;
}

static inline size_t necst_mask_row(uint32_t family, const struct necst_progress *p)
{
	return (size_t)family * NECST_MASKS + necst_mask_of(p);
}

/**
 * Rows for all families and states, on 64-byte lines.
 *
 * @param kind (tokens) of each token.
 * @return (families * NECST_MASKS, token_pad), the caller's to free; NULL without memory.
 */
float *necst_masks_make(uint32_t n_families, uint32_t token_pad, const struct necst_kind *kind, uint32_t n_tokens);
