// SPDX-License-Identifier: BSD-3-Clause
#include <packet/draft_avx512.inc>
#include <plane/plain.h>

uint32_t wm_tx_plain_avx512(
	struct wm_tx *tx, const struct wm_draft *d, uint32_t n, const struct wm_whose *whose, uint64_t later_ns)
{
	return wm_tx_plain(tx, d, n, whose, later_ns, wm_draft_put_avx512);
}
