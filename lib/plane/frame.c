// SPDX-License-Identifier: BSD-3-Clause
#include <plane/frame.h>

#include <string.h>

static uint32_t max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

// Zeros or the stub.
static void settle(struct rte_mbuf *m, enum wm_draft_payload want)
{
	struct wm_mbuf_note *note = wm_mbuf_note(m);

	memset(wm_mbuf_payload(m), 0, wm_mbuf_dirty(note));
	if (want == WM_PAYLOAD_STUB)
		(void)wm_stub_put_tcp(wm_mbuf_payload(m), WM_STUB_TCP);
	note->holds = want == WM_PAYLOAD_STUB ? WM_HOLDS_STUB : WM_HOLDS_ZEROS;
}

void wm_frame_init_stencils(struct wm_stencils *all)
{
	static const struct rte_mbuf none;

	for (size_t i = 0; i < all->n; i++) {
		struct rte_mbuf m = none;

		wm_mbuf_begin(&m, all->list[i].l2, 0);
		rte_mbuf_refcnt_set(&m, 1);
		m.nb_segs = 1;
		m.port = RTE_MBUF_PORT_INVALID;
		memcpy(all->list[i].beside, (const uint8_t *)&m + WM_BESIDE_AT, sizeof(all->list[i].beside));
	}
}

void wm_frame_put_payload(
	struct rte_mbuf *m, const struct wm_draft *d, const struct wm_stencil *st, const struct wm_move *move)
{
	struct wm_mbuf_note *note = wm_mbuf_note(m);
	uint32_t n, dirty = wm_mbuf_dirty(note);

	if (d->payload < WM_PAYLOAD_TEMPLATE) {
		settle(m, d->payload);
		return;
	}
	n = wm_draft_put_payload(wm_mbuf_payload(m), d, st, move);
	if (dirty > n)
		memset(wm_mbuf_payload(m) + n, 0, dirty - n);
	note->holds = WM_HOLDS_OTHER + n * WM_HOLDS_DIRTY;
}

void wm_frame_put(struct rte_mbuf *m, const struct wm_form *form, const struct wm_sample *s)
{
	struct wm_mbuf_note *note = wm_mbuf_note(m);
	uint32_t behind = (uint32_t)s->len - form->head_len, dirty = wm_mbuf_dirty(note);
	uint8_t *payload = wm_mbuf_payload(m);

	wm_mbuf_begin(m, form->head_len, s->len);
	if (form->payload != NULL || form->make != NULL) {
		wm_frame_build(payload - form->head_len, form, s, false);
		note->holds = WM_HOLDS_OTHER + max(dirty, behind) * WM_HOLDS_DIRTY;
		return;
	}
	memset(payload, 0, dirty < behind ? dirty : behind);
	wm_frame_build(payload - form->head_len, form, s, true);
	if (dirty <= behind)
		dirty = behind < WM_STUB_MAX ? behind : WM_STUB_MAX;
	note->holds = WM_HOLDS_OTHER + dirty * WM_HOLDS_DIRTY;
}

void wm_frame_put_chain(
	struct rte_mbuf *chain, uint32_t room, uint8_t *scratch, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t at = 0;

	wm_frame_build(scratch, form, s, false);
	chain->pkt_len = s->len;
	for (struct rte_mbuf *m = chain; m != NULL; m = m->next) {
		struct wm_mbuf_note *note = wm_mbuf_note(m);
		uint32_t n = s->len - at < room ? s->len - at : room;

		m->data_off = WM_FRAME_AT;
		m->data_len = (uint16_t)n;
		memcpy(wm_mbuf_payload(m), scratch + at, n);
		note->holds = WM_HOLDS_OTHER + max(wm_mbuf_dirty(note), n) * WM_HOLDS_DIRTY;
		at += n;
	}
}
