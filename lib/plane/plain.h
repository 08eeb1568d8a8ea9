// SPDX-License-Identifier: BSD-3-Clause
// plain: drafts of an earlier lap into packets, in loops over those that want the same done, as most of them do. Files
// for some CPUs have it with their own way to put a draft.
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

// Write the headers of a draft that leaves later_ns behind its time.
typedef void wm_tx_put_fn(uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t later_ns);

// See that drafts have their payloads. @return how many of n do, before the first that holds a sample.
static inline uint32_t wm_tx_put_payloads(
	struct wm_tx *tx, struct rte_mbuf *const *row, const struct wm_draft *d, uint32_t n, const struct wm_move *move)
{
	uint32_t i = 0;

	for (; i < n && !wm_draft_is_sample(&d[i]); i++)
		if (!wm_frame_has_payload(row[i], &d[i]))
			wm_frame_put_payload(row[i], &d[i], wm_tx_stencil(tx, &d[i]), move);
	return i;
}

// Write the headers of n drafts or, if there may be others behind the first one, up to one that lacks its payload.
// Nothing is called here: what all packets share stays in registers. @return how many.
static __rte_always_inline uint32_t wm_tx_put_headers(struct wm_tx *tx, struct rte_mbuf *const *row,
	struct wm_tag *tags, const struct wm_draft *d, uint32_t n, bool others, const struct wm_move *move,
	uint64_t later_ns, wm_tx_put_fn *put)
{
	uint32_t i = 0;

	do {
		const struct wm_stencil *st = wm_tx_stencil(tx, &d[i]);
		struct rte_mbuf *m = row[i];
		uint8_t *payload = wm_mbuf_payload(m);

		wm_tx_prefetch(&d[i]);
		wm_frame_begin(m, &d[i], st);
		put(payload, &d[i], st, move, later_ns);
		tags[i] = d[i].tag;
	} while (++i < n && (!others || wm_frame_has_payload(row[i], &d[i])));
	return i;
}

// See wm_tx_plain_fn. put is known where this is compiled, and becomes part of it.
static __rte_always_inline uint32_t wm_tx_plain(struct wm_tx *tx, const struct wm_draft *d, uint32_t n,
	const struct wm_whose *whose, uint64_t later_ns, wm_tx_put_fn *put)
{
	uint32_t at = (tx->head + tx->n) & WM_TX_ROW_MASK, i = 0;
	struct rte_mbuf *const *row = tx->row + at;
	struct wm_tag *tags = tx->tags + at;
	const struct wm_move *move = whose->move;

	while (i < n && d[i].tag.len <= tx->room) {
		if (wm_frame_has_payload(row[i], &d[i])) {
			i += wm_tx_put_headers(tx, row + i, tags + i, d + i, n - i, true, move, later_ns, put);
		} else if (!wm_draft_is_sample(&d[i])) {
			uint32_t ready = wm_tx_put_payloads(tx, row + i, d + i, n - i, move);

			i += wm_tx_put_headers(tx, row + i, tags + i, d + i, ready, false, move, later_ns, put);
		} else {
			wm_tx_put_sample(tx, row[i], &d[i].sample, whose, d[i].time_ns + later_ns);
			tags[i] = d[i].tag;
			i++;
		}
	}
	if (i > 0)
		tx->pace.last_ns = d[i - 1].time_ns + later_ns;
	tx->n += i;
	tx->n_spare -= i;
	return i;
}
