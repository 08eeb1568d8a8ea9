// SPDX-License-Identifier: BSD-3-Clause
// frame: a sample's frame in an mbuf.
//
//	buf_addr                        data, wherever the headers begin      payload, always here
//	|<--------------------- WM_FRAME_AT ---------------------------------->|
//
// Headers end at one place in every buffer, so what a payload is made of where an engine makes none (zeros, or TCP's
// stub and zeros) is there from the time before and is not written again. An mbuf remembers what it holds.
#pragma once

#include <packet/draft.h>
#include <packet/stub.h>

#include <rte_mbuf.h>

#include <stdint.h>
#include <string.h>

enum { WM_FRAME_AT = 320 }; // a multiple of the cache line, and room for the headroom and the longest headers

static_assert(
	WM_FRAME_AT >= RTE_PKTMBUF_HEADROOM + WM_FORM_HEAD_MAX && WM_FRAME_AT >= RTE_PKTMBUF_HEADROOM + WM_DRAFT_ROOM,
	"headers, and what a driver puts before them");

// What an mbuf of ours remembers, in a field of its second cache line, which whoever frees it looks at in any case.
// Nobody but tx writes to our mbufs: a port reads them, however late it frees them.
struct wm_mbuf_note {
	uint32_t holds; // at the payload's place: enum wm_mbuf_holds
};

// All kinds of payload that the place does for and, above them, how many bytes of it may be anything but zero.
enum wm_mbuf_holds {
	WM_HOLDS_DIRTY = 256,
	WM_HOLDS_ZEROS = WM_PAYLOAD_NONE | WM_PAYLOAD_ZEROS,
	WM_HOLDS_STUB = WM_PAYLOAD_NONE | WM_PAYLOAD_STUB | WM_STUB_TCP * WM_HOLDS_DIRTY,
	WM_HOLDS_OTHER = WM_PAYLOAD_NONE, // and dirty bytes
};

enum { WM_NOTE_FIELD = 8 }; // of rte_mbuf's dynfield1; reserved by wm_tx_prepare_mbufs()

static inline struct wm_mbuf_note *wm_mbuf_note(struct rte_mbuf *m)
{
	static_assert(sizeof(struct wm_mbuf_note) == sizeof(m->dynfield1[0]), "one word");
	return (struct wm_mbuf_note *)&m->dynfield1[WM_NOTE_FIELD];
}

static inline uint8_t *wm_mbuf_payload(struct rte_mbuf *m)
{
	return (uint8_t *)m->buf_addr + WM_FRAME_AT;
}

/** Bytes at the payload's place that may be anything but zero. */
static inline uint32_t wm_mbuf_dirty(const struct wm_mbuf_note *note)
{
	return note->holds / WM_HOLDS_DIRTY;
}

/** An mbuf as it comes from the pool, whole and alone, for a frame whose headers begin `back` bytes before the payload.
 */
static inline void wm_mbuf_begin(struct rte_mbuf *m, uint32_t back, uint32_t len)
{
	m->data_off = (uint16_t)(WM_FRAME_AT - back);
	m->ol_flags = 0;
	m->pkt_len = len;
	m->data_len = (uint16_t)len;
}

// What a stencil holds beside the headers: what an mbuf, whole and alone, begins with from here on.
enum { WM_BESIDE_AT = offsetof(struct rte_mbuf, data_off) };

/** Put it there, in all stencils. */
void wm_frame_init_stencils(struct wm_stencils *all);

/** Whether the payload's place holds what a draft's frame wants. */
static inline bool wm_frame_has_payload(struct rte_mbuf *m, const struct wm_draft *d)
{
	return (wm_mbuf_note(m)->holds & d->payload) != 0;
}

/** Make it hold that. */
void wm_frame_put_payload(
	struct rte_mbuf *m, const struct wm_draft *d, const struct wm_stencil *st, const struct wm_move *move);

/** Begin a draft's frame in an mbuf as it comes from the pool: all but headers and payload. */
static inline void wm_frame_begin(struct rte_mbuf *m, const struct wm_draft *d, const struct wm_stencil *st)
{
	memcpy((uint8_t *)m + WM_BESIDE_AT, st->beside, sizeof(st->beside));
	m->pkt_len = m->data_len = d->tag.len;
}

/** Write a draft's frame into an mbuf as it comes from the pool. */
static inline void wm_frame_put_draft(struct rte_mbuf *m, const struct wm_draft *d, const struct wm_stencil *st,
	const struct wm_move *move, uint64_t time_ns)
{
	if (!wm_frame_has_payload(m, d))
		wm_frame_put_payload(m, d, st, move);
	wm_frame_begin(m, d, st);
	wm_draft_put(wm_mbuf_payload(m), d, st, move, time_ns);
}

/** Write any sample's frame into an mbuf as it comes from the pool, which has room for it. */
void wm_frame_put(struct rte_mbuf *m, const struct wm_form *form, const struct wm_sample *s);

/** Write a long frame into a chain of mbufs of `room` bytes each: by way of scratch. */
void wm_frame_put_chain(
	struct rte_mbuf *chain, uint32_t room, uint8_t *scratch, const struct wm_form *form, const struct wm_sample *s);
