// SPDX-License-Identifier: BSD-3-Clause
// What fill.c and again.c share: how one packet is built into tx's row.
#pragma once

#include <plane/tx.h>

enum { WM_TX_ROW_MASK = WM_TX_ROW - 1 };

// What became of the attempt to build one more packet.
enum wm_built { WM_BUILT, WM_DROPPED, WM_NO_SAMPLE, WM_NO_MBUF, WM_NO_MORE };

// Whose flows a sample belongs to: those that the model made, or a later lap's.
struct wm_whose {
	const struct wm_lap *lap; // NULL = fresh
	const struct wm_move *move;
};

/** The stencil of a draft, as its out sends it. */
static inline const struct wm_stencil *wm_tx_stencil(const struct wm_tx *tx, const struct wm_draft *d)
{
	return &tx->stencils[d->tag.bits][d->stencil];
}

/** Have at least one mbuf lie ready behind what is built. @return false if there is none. */
bool wm_tx_reserve(struct wm_tx *tx);

/** Build the packet of a draft, or of the sample that it holds, that goes out at time_ns of the timeline. */
enum wm_built wm_tx_build_one(
	struct wm_tx *tx, const struct wm_draft *d, const struct wm_whose *whose, uint64_t time_ns);

/** Write the packet of anything but a draft. */
void wm_tx_put_sample(struct wm_tx *tx, struct rte_mbuf *m, const struct wm_sample *s, const struct wm_whose *whose,
	uint64_t time_ns);

/** Build packets of up to `want` samples of an earlier lap. */
enum wm_built wm_tx_build_again(struct wm_tx *tx, uint32_t want);
