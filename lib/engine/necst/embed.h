// SPDX-License-Identifier: BSD-3-Clause
// embed: a variational autoencoder of single packets. Every field has its own likelihood, a softmax over the field's
// classes; the latent space is where clusters are looked for.
//
// Source: Kingma, Welling 2014 (VAE, ELBO); Meslet-Millet, Mouysset, Chaput 2022 (VAE + GMM + recurrent network).
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <engine/engine.h>
#include <engine/fit.h>
#include <engine/necst/vocab.h>

#include <stddef.h>
#include <stdint.h>

enum { NECST_LATENT = 4 };

struct necst_embedding {
	float *z;         // (records, NECST_LATENT), drawn from each packet's posterior
	double elbo_nats; // per packet, on packets held out
};

/**
 * Train the autoencoder and embed every packet.
 *
 * @return 0; -ENOMEM; -ECANCELED if told to stop.
 */
int necst_embed(struct necst_embedding *out, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct wm_fit_options *options, struct wm_err *err);
void necst_embedding_free(struct necst_embedding *e);
