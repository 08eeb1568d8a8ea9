// SPDX-License-Identifier: BSD-3-Clause
// clusters: the tokens of the sequence model. Inside each kind of packet a Gaussian mixture is fitted to the embedding,
// as many components as BIC asks for; a token is a component of a kind.
#pragma once

#include <engine/necst/embed.h>
#include <engine/necst/schema.h>
#include <engine/necst/vocab.h>

struct necst_clusters {
	uint32_t n;                     // tokens
	uint8_t kind[NECST_TOKENS_MAX]; // of each token
	uint16_t *token;                // (records)
	float mean[NECST_TOKENS_MAX][NECST_LATENT];
	float weight[NECST_TOKENS_MAX]; // share of the packets
};

/** @return 0 or -ENOMEM. */
int necst_clusters_fit(struct necst_clusters *c, const struct necst_vocab *v, const struct necst_embedding *e,
	size_t n_records, uint64_t seed, struct wm_err *err);
void necst_clusters_free(struct necst_clusters *c);
