// SPDX-License-Identifier: BSD-3-Clause
// clocks: what the time before a packet is counted from. Most packets follow the one before them. Others are sent by a
// timer of their own side (polls, heartbeats, retransmissions): what is regular there is the time since that side's
// last packet, and the time since the other side's is a difference that no bins can keep. Each token has the clock by
// which its times are the more certain.
#pragma once

#include <engine/necst/schema.h>

#include <dataset/dataset.h>

#include <stddef.h>
#include <stdint.h>

struct necst_clocks {
	uint8_t own[NECST_TOKENS_MAX]; // 1 = counted from the last packet of the packet's own side
};

/** How long each side of a flow has been silent at its last packet. */
struct necst_silence {
	uint64_t ns[2];
	uint8_t heard; // bit for each side
};

/** What has passed at the flow's last packet of the time before the next one, of this token and side. */
static inline uint64_t necst_clock(
	const struct necst_clocks *c, const struct necst_silence *s, uint32_t token, unsigned reverse)
{
	return c->own[token] && (s->heard >> reverse & 1) ? s->ns[reverse] : 0;
}

/** A packet came, so long after the one before. */
static inline void necst_hear(struct necst_silence *s, unsigned reverse, uint64_t gap_ns)
{
	s->ns[!reverse] += gap_ns;
	s->ns[reverse] = 0;
	s->heard |= (uint8_t)(1 << reverse);
}

/** @param token (records) below n_tokens. @return 0 or -ENOMEM. */
int necst_clocks_fit(struct necst_clocks *c, const struct wm_dataset *ds, const uint16_t *token, uint32_t n_tokens);
