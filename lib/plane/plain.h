// SPDX-License-Identifier: BSD-3-Clause
// plain: drafts of an earlier lap into packets, one after the other in a straight line, as most of them are. Files for
// some CPUs have it with their own way to put a draft: all of a packet in one go keeps a core busier than two loops.
#pragma once

#include <plane/fill_pvt.h>
#include <plane/frame.h>

#include <rte_prefetch.h>

enum { WM_TX_AHEAD = 64 }; // drafts

wm_tx_plain_fn wm_tx_plain_scalar, wm_tx_plain_avx512;

// Drafts come from memory, one behind the other: into the second cache, for so many at once would take all the buffers
// that misses of the first one have, and whatever else misses it would wait.
static inline void wm_tx_prefetch(const struct wm_draft *d)
{
	rte_prefetch1(&d[WM_TX_AHEAD]);
	rte_prefetch1((const uint8_t *)&d[WM_TX_AHEAD] + RTE_CACHE_LINE_SIZE);
}

// See wm_tx_plain_fn. put is known where this is compiled, and becomes part of it.
static __rte_always_inline uint32_t wm_tx_plain(struct wm_tx *tx, const struct wm_draft *d, uint32_t n,
	const struct wm_whose *whose, uint64_t later_ns, wm_draft_put_fn *put)
{
	uint32_t at = (tx->head + tx->n) & WM_TX_ROW_MASK, room = tx->room, i = 0;
	struct rte_mbuf *const *row = tx->row + at;
	struct wm_tag *tags = tx->tags + at;

	for (; i < n && d[i].tag.len <= room; i++) {
		wm_tx_prefetch(&d[i]);
		if (likely(!wm_draft_is_sample(&d[i]))) {
			const struct wm_stencil *st = &tx->stencils[d[i].tag.bits][d[i].stencil];

			wm_frame_begin_draft(row[i], &d[i], st, whose->move);
			put(wm_mbuf_payload(row[i]), &d[i], st, whose->move, d[i].time_ns + later_ns);
		} else {
			wm_tx_put_sample(tx, row[i], &d[i].sample, whose, d[i].time_ns + later_ns);
		}
		tags[i] = d[i].tag;
	}
	if (i > 0)
		tx->pace.last_ns = d[i - 1].time_ns + later_ns;
	tx->n += i;
	tx->n_spare -= i;
	return i;
}
