// SPDX-License-Identifier: BSD-3-Clause
// sizes: payload lengths as classes: lengths that recur have a class of their own, the rest is cut at quantiles.
#pragma once

#include <dataset/dataset.h>
#include <engine/necst/schema.h>
#include <engine/necst/vocab.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct necst_sizes {
	uint32_t n;
	uint8_t of[UINT16_MAX + 1]; // class of each payload length
};

/** Whether the header image alone says the packet's length: frames that are not IP, and padded ones. */
static inline bool necst_framed(const struct necst_kind *k)
{
	return k->frame != NECST_FRAME_FREE;
}

/** Learn classes from the packets whose length is not given by their image. */
void necst_sizes_fit(struct necst_sizes *s, const struct wm_dataset *ds, const struct necst_vocab *v);
