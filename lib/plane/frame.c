// SPDX-License-Identifier: BSD-3-Clause
#include <plane/frame.h>

#include <string.h>

void wm_frame_put_chain(
	struct rte_mbuf *chain, uint32_t room, uint8_t *scratch, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t at = 0;

	wm_frame_build(scratch, form, s, false);
	chain->pkt_len = s->len;
	for (struct rte_mbuf *m = chain; m != NULL; m = m->next) {
		struct wm_mbuf_note *note = wm_mbuf_note(m);
		uint32_t n = s->len - at < room ? s->len - at : room;

		memcpy(rte_pktmbuf_mtod(m, uint8_t *), scratch + at, n);
		m->data_len = (uint16_t)n;
		if (note->dirty < n)
			note->dirty = n;
		at += n;
	}
}
