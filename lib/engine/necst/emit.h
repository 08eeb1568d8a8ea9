// SPDX-License-Identifier: BSD-3-Clause
// emit: what a packet is like once its cluster is known, as tables of what was counted: exact values stay exact, and
// values that go together stay together.
//
//	emit.size          service, token, payload class -> payload length
//	emit.size_any      token, payload class -> payload length, where emit.size has none
//	emit.group         profile, token -> header image
//	emit.end           profile, direction and shape -> header image, where emit.group has none
//	emit.shape         token -> header image, where emit.end has none either
//	emit.form          header image, payload length -> form
//	emit.any           header image -> form, where emit.form has none
//	emit.frame         form -> frame length, payload length (padded frames, and those that are not IP)
//	emit.window        profile, token -> window, where it is not the one before
//	emit.window_first  profile, direction -> the direction's first window
//	emit.repeat        (tokens, 2) probability in 2^32 that the window is the flow's last one in that direction,
// where 	                   the packet before in that direction was no SYN, was one (whose window is not scaled
// yet)
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

/** Row of emit.repeat. */
struct necst_repeat {
	uint32_t after[2]; // any packet, a SYN
};

/** Count and put. @return 0 or -ENOMEM. */
int necst_emit_put(struct wm_model_writer *w, const struct wm_dataset *ds, const struct necst_vocab *v,
	const struct necst_clusters *tokens, const struct necst_sizes *sizes);
