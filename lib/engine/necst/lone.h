// SPDX-License-Identifier: BSD-3-Clause
// lone: the packet level without the flow level: which clusters a service's packets are of, and which payload classes a
// cluster's, as they were counted, without a history.
#pragma once

#include <engine/necst/schema.h>
#include <engine/necst/table.h>
#include <engine/necst/vocab.h>

struct necst_lone {
	uint32_t n_tokens, n_sizes;
	uint64_t *tokens; // (services + families, n_tokens) running sums; families are for services without any
	uint64_t *sizes;  // (n_tokens, n_sizes) running sums
};

/**
 * @param size  Counts by (service, token, payload class).
 * @param shape Counts by token.
 * @return 0 or -ENOMEM.
 */
int necst_lone_open(struct necst_lone *l, const struct necst_table *size, const struct necst_table *shape,
	const struct necst_kind *kind, const struct necst_dims *dims, uint32_t n_families);
void necst_lone_close(struct necst_lone *l); // accepts one that is all zero

uint32_t necst_lone_token(const struct necst_lone *l, uint32_t service, uint32_t family, uint32_t random);
uint32_t necst_lone_size(const struct necst_lone *l, uint32_t token, uint32_t random);
