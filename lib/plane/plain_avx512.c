// SPDX-License-Identifier: BSD-3-Clause
#include <packet/draft_avx512.inc>
#include <plane/plain.h>

static inline void put(uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t later_ns)
{
	__m256i time = _mm256_set1_epi64x((long long)d->time_ns), later = _mm256_set1_epi64x((long long)later_ns);

	wm_draft_put_lanes(payload, d, st, move, _mm256_add_epi64(time, later));
}

uint32_t wm_tx_plain_avx512(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, const struct wm_whose *whose, uint64_t later_ns)
{
	return wm_tx_plain(tx, d, n, whose, later_ns, put);
}
