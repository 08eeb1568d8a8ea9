// SPDX-License-Identifier: BSD-3-Clause
// emit: what a packet is like once its cluster is known, as tables of what was counted: exact values stay exact, and
// values that go together stay together. Windows of TCP are in window.h.
//
//	emit.size          service, token, payload class -> payload length
//	emit.size_any      token, payload class -> payload length, where emit.size has none
//	emit.group         profile, token -> header image
//	emit.end           profile, direction and shape -> header image, where emit.group has none
//	emit.shape         token -> header image, where emit.end has none either
//	emit.form          header image, payload length -> form
//	emit.any           header image -> form, where emit.form has none
//	emit.frame         form -> frame length, payload length (padded frames, and those that are not IP)
//
// Header images are counted apart for each service (but TCP's, which have no payload), so that a form's example of
// payload is one of its service.
#pragma once

#include <base/err.h>
#include <dataset/dataset.h>
#include <engine/necst/clusters.h>
#include <engine/necst/keys.h>
#include <engine/necst/sizes.h>
#include <engine/necst/table.h>
#include <engine/necst/vocab.h>

/** Count and put. @return 0 or -ENOMEM. */
int necst_emit_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes);
