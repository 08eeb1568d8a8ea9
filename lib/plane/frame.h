// SPDX-License-Identifier: BSD-3-Clause
// frame: a sample's frame in an mbuf. An mbuf remembers how far its data may be anything but zero, so that the payload
// of a form without a template, which is zeros behind a stub, is not written again each time.
#pragma once

#include <packet/form.h>
#include <packet/stub.h>

#include <rte_mbuf.h>

#include <stdint.h>

// Private area of an mbuf. Nobody but tx writes to our mbufs: a port reads them, however late it frees them.
struct wm_mbuf_note {
	uint32_t dirty; // bytes from here on, counted from the data's start, are zero
};

static inline struct wm_mbuf_note *wm_mbuf_note(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

/** Write the frame into one mbuf, which has room for it. */
static inline void wm_frame_put(struct rte_mbuf *m, const struct wm_form *form, const struct wm_sample *s)
{
	struct wm_mbuf_note *note = wm_mbuf_note(m);
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t head_len = form->head_len;

	m->data_len = s->len;
	m->pkt_len = s->len;
	if (form->payload == NULL) {
		uint32_t end = note->dirty < s->len ? note->dirty : s->len;

		if (end > head_len)
			memset(data + head_len, 0, end - head_len);
		wm_frame_build(data, form, s, true);
		if (note->dirty <= s->len)
			note->dirty = head_len + WM_STUB_MAX < s->len ? head_len + WM_STUB_MAX : s->len;
		return;
	}
	wm_frame_build(data, form, s, false);
	if (note->dirty < s->len)
		note->dirty = s->len;
}

/** Write a long frame into a chain of mbufs of `room` bytes each: by way of scratch. */
void wm_frame_put_chain(
	struct rte_mbuf *chain, uint32_t room, uint8_t *scratch, const struct wm_form *form, const struct wm_sample *s);
