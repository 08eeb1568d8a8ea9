// SPDX-License-Identifier: BSD-3-Clause
// framing: how a captured packet becomes an Ethernet frame again: what other link layers had in front is replaced, what
// was not captured is zero or left out.
#pragma once

#include <capture/capture.h>
#include <packet/dissect.h>
#include <packet/link.h>
#include <synth/replay.h>

#include <stdint.h>

struct wm_framing {
	uint8_t head[WM_ETHER_LEN];
	uint32_t head_len; // of that, in front of
	uint32_t skip;     // what is behind so many bytes of the captured ones,
	uint32_t have;     // so many,
	uint32_t len;      // and zeros up to this length
};

/**
 * @param pkt    p, dissected.
 * @param counts Of which one is for packets that are dropped for the same reason.
 * @return NULL, or that one.
 */
uint64_t *wm_framing_plan(struct wm_framing *out, const struct wm_capture_packet *p, const struct wm_packet *pkt,
	enum wm_snapped snapped, struct wm_replay_counts *counts);

/** @param frame out->len bytes. @param data What was captured. */
void wm_framing_put(uint8_t *frame, const struct wm_framing *f, const uint8_t *data);
