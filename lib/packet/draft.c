// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dissect.h>
#include <packet/draft.h>
#include <packet/stub.h>

enum {
	TCP_ACK = 0x10,
	FRAME_MAX = 2048, // of those with a template
	PADDED = 1,       // variants of stencils
	NO_ECHO = 2,
	REVERSE = 4,
};

// Whether the fields of a form are where a straight line can reach them: the rest is wm_frame_build()'s.
static bool is_simple(const struct wm_form *form)
{
	return form->ip != 0 && form->l4 > 0 && (form->proto == WM_PROTO_TCP || form->proto == WM_PROTO_UDP)
	       && !form->broadcast && form->sack == 0 && form->fragment == 0
	       && (form->ts == 0 || (form->ts - form->l4) % 2 == 0);
}

// Where the client's address is, and what IPv4 has beside it.
static void init_ip(struct wm_stencil *st, const struct wm_form *form, uint8_t l3, bool reverse)
{
	st->mac = (uint8_t)(st->l2 - (reverse ? 2 : 8));
	if (reverse ? form->own_dst : form->own_src)
		st->mac = WM_DRAFT_ROOM; // nowhere
	st->client = (uint8_t)(l3 - (form->ip == 4 ? 12 : 20) - (reverse ? form->ip == 4 ? 4 : 16 : 0));
	st->id = st->ip_checksum = WM_DRAFT_ROOM;
	if (form->ip == 4) {
		st->id_mask = form->vary_id ? -1 : 0;
		st->id = (uint8_t)(l3 - 4);
		st->ip_checksum = (uint8_t)(l3 - 10);
	}
}

static void init_one(struct wm_stencil *st, const struct wm_form *form, unsigned variant)
{
	uint32_t back = form->head_len + (variant & PADDED ? form->pad : 0u);
	bool reverse = (variant & REVERSE) != 0;
	uint8_t l4;

	*st = (struct wm_stencil){.form = form};
	if (!is_simple(form) || back > WM_DRAFT_HEAD)
		return;
	l4 = (uint8_t)(back - form->l4);
	st->l2 = (uint8_t)back;
	init_ip(st, form, (uint8_t)(back - form->l3), reverse);
	st->port = (uint8_t)(l4 - (reverse ? 2 : 0));
	st->stamps = WM_DRAFT_ROOM;
	if (form->proto == WM_PROTO_UDP) {
		st->checksum = (uint8_t)(l4 - 6);
		st->if_zero = UINT16_MAX;
		st->numbers = WM_DRAFT_HEAD; // before the frame
		st->usable = back + 8 <= WM_DRAFT_HEAD;
		return;
	}
	st->checksum = (uint8_t)(l4 - 16);
	st->numbers = (uint8_t)(l4 - 4);
	st->number_mask = -1;
	if (form->ts > 0) {
		st->stamps = (uint8_t)(back - form->ts);
		st->stamp_mask = -1;
		st->echo_mask = variant & NO_ECHO ? 0 : -1;
	}
	st->usable = true;
}

void wm_stencil_init(struct wm_stencil *out, const struct wm_form *form)
{
	for (unsigned i = 0; i < WM_STENCILS; i++)
		init_one(&out[i], form, i);
}

static bool is_host(const uint8_t addr[16], uint8_t ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (ip == 6 && memcmp(addr, mapped, sizeof(mapped)) != 0)
		return addr[0] != 0xff;
	return addr[12] < 224;
}

// How the payload of len bytes is made. @return whether that can be done without wm_frame_build().
static bool choose_payload(uint8_t *kind, const struct wm_form *form, const struct wm_sample *s, uint32_t len)
{
	bool udp = form->proto == WM_PROTO_UDP;

	*kind = udp ? WM_PAYLOAD_ZEROS : WM_PAYLOAD_STUB;
	if (len == 0)
		return true;
	if (form->pad > 0)
		return false;
	if (form->payload == NULL)
		return udp ? !wm_stub_wants(s) : len != 2; // the stub of two bytes is another one
	*kind = udp && len >= 2 && wm_stub_has_number(s) ? WM_PAYLOAD_NUMBERED : WM_PAYLOAD_TEMPLATE;
	return *kind == WM_PAYLOAD_TEMPLATE || form->payload_len >= 2;
}

// The client's part of a flow moves, see wm_move.
static void choose_moves(struct wm_draft *d, const struct wm_sample *s, bool tcp)
{
	bool reverse = (s->bits & WM_BIT_REVERSE) != 0;
	uint16_t port = reverse ? s->dport : s->sport;

	d->host = reverse ? s->dst[15] : s->src[15];
	d->port = port >= 0x8000 ? 2 : port >= 0x4000 ? 1 : 0;
	d->seq = reverse && s->flags != 0 ? 2 : 1;
	d->ack = !tcp || !(s->flags & TCP_ACK) ? 0 : reverse ? 1 : 2;
}

// The sum behind a checksum.
static uint64_t sum_of(uint16_t checksum)
{
	return (uint16_t)~checksum;
}

// Added to a sum that holds v, takes it out.
static uint64_t less(uint64_t v)
{
	return (uint16_t)~wm_sum_fold(v);
}

// The headers come from wm_frame_build(), and the sums are its checksums without what wm_draft_put() adds again.
static void fill_in(struct wm_draft *d, const struct wm_sample *s, const struct wm_stencil *st)
{
	uint8_t frame[FRAME_MAX], *end = frame + st->l2;
	bool server = (s->bits & WM_BIT_REVERSE) != 0;
	uint32_t client;
	uint64_t sum;

	memset(frame, 0, WM_DRAFT_HEAD);
	wm_frame_build(frame, st->form, s, true);
	memcpy(d->head + WM_DRAFT_HEAD - st->l2, frame, st->l2);
	client = wm_load32(end - st->client);
	sum = sum_of(wm_load16(end - st->checksum)) + less(client) + less(wm_load16(end - st->port));
	if (st->number_mask != 0)
		sum += less(wm_load32(end - st->numbers)) + less(wm_load32(end - st->numbers + 4));
	if (st->stamp_mask != 0)
		sum += less(wm_load32(end - st->stamps)) + less(wm_load32(end - st->stamps + 4));
	d->stamp = wm_ts_clock(s->flow, server);
	d->echo = wm_ts_clock(s->flow, !server) - wm_ts_age(s->flow, server);
	if (d->payload == WM_PAYLOAD_NUMBERED) {
		d->stamp = s->seq;
		sum += less(htobe16((uint16_t)s->seq));
	}
	d->sum = wm_sum_fold(sum);
	if (st->form->ip == 4)
		d->ip_sum = wm_sum_fold(
			sum_of(wm_load16(end - st->ip_checksum)) + less(client) + less(wm_load16(end - st->id)));
	d->id = wm_ipv4_id_key(s->flow);
}

void wm_draft_make(struct wm_draft *out, const struct wm_sample *s, const struct wm_stencil *stencils)
{
	struct wm_draft d = {.time_ns = s->time_ns, .len = s->len, .bits = s->bits, .stencil = WM_NO_STENCIL};
	const struct wm_form *form = stencils[(size_t)s->form * WM_STENCILS].form;
	uint32_t payload = (uint32_t)s->len - form->head_len - form->pad;
	unsigned variant = (form->pad > 0 ? PADDED : 0u) | (s->flags & TCP_ACK ? 0u : NO_ECHO)
			   | (s->bits & WM_BIT_REVERSE ? REVERSE : 0u);
	size_t stencil = (size_t)s->form * WM_STENCILS + variant;

	if (stencil >= WM_NO_STENCIL || !stencils[stencil].usable || (form->payload != NULL && s->len > FRAME_MAX)
		|| !is_host(s->src, form->ip) || !is_host(s->dst, form->ip) || (s->sport == 0 && s->dport == 0)
		|| !choose_payload(&d.payload, form, s, payload)) {
		d.sample = *s;
	} else {
		d.stencil = (uint16_t)stencil;
		choose_moves(&d, s, form->proto == WM_PROTO_TCP);
		fill_in(&d, s, &stencils[stencil]);
	}
	*out = d;
}

uint32_t wm_draft_put_payload(
	uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st, const struct wm_move *move)
{
	const struct wm_form *form = st->form;
	uint32_t len = (uint32_t)d->len - form->head_len - form->pad;
	uint32_t n = len < form->payload_len ? len : form->payload_len;

	memcpy(payload, form->payload, n);
	if (d->payload == WM_PAYLOAD_NUMBERED)
		wm_store16(payload, htobe16((uint16_t)(d->stamp + move->numbers[d->seq])));
	return n;
}
