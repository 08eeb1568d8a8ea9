// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dissect.h>
#include <packet/draft.h>
#include <packet/draft_pvt.h>
#include <packet/stub.h>

#include <stdlib.h>

enum {
	TCP_ACK = 0x10,
	FRAME_MAX = 2048, // of those with a template
	PADDED = 1,       // variants of stencils
	NO_ECHO = 2,      // TCP: no ack either; UDP: the payload does not begin with a number
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

// @return whether drafts can be made of it.
static bool init_one(struct wm_stencil *st, const struct wm_form *form, unsigned variant)
{
	uint32_t back = form->head_len + (variant & PADDED ? form->pad : 0u);
	bool reverse = (variant & REVERSE) != 0;
	uint8_t l4;

	*st = (struct wm_stencil){.form = form->payload != NULL ? form : NULL, .move = WM_MOVE_SEQ};
	if (!is_simple(form) || back > WM_DRAFT_HEAD)
		return false;
	l4 = (uint8_t)(back - form->l4);
	st->l2 = (uint8_t)back;
	init_ip(st, form, (uint8_t)(back - form->l3), reverse);
	st->port = (uint8_t)(l4 - (reverse ? 2 : 0));
	st->stamps = WM_DRAFT_ROOM;
	if (form->proto == WM_PROTO_UDP) {
		st->checksum = (uint8_t)(l4 - 6);
		st->if_zero = UINT16_MAX;
		st->numbers = WM_DRAFT_HEAD; // before the frame
		return back + 8 <= WM_DRAFT_HEAD;
	}
	st->move = reverse ? WM_MOVE_REVERSE : WM_MOVE_SEQ;
	if (!(variant & NO_ECHO))
		st->move++; // ack moves, too
	st->checksum = (uint8_t)(l4 - 16);
	st->numbers = (uint8_t)(l4 - 4);
	st->number_mask = -1;
	if (form->ts > 0) {
		st->stamps = (uint8_t)(back - form->ts);
		st->stamp_mask = -1;
		st->echo_mask = variant & NO_ECHO ? 0 : -1;
	}
	return true;
}

// A lane's n bytes as they are sent, from the given one on: to where they are `back` bytes before the payload.
static void put_lane(struct wm_stencil *st, uint8_t back, unsigned lane, unsigned from, unsigned n)
{
	for (unsigned i = 0; back <= WM_DRAFT_HEAD && i < n; i++)
		st->put[WM_DRAFT_HEAD - back + i] = (uint8_t)(64 + lane * 4 + from + i);
}

// A lane from n bytes of the draft, which are in network order or not.
static void gather_lane(struct wm_stencil *st, size_t at, unsigned lane, unsigned n, bool network)
{
	for (unsigned i = 0; i < n; i++)
		st->gather[lane * 4 + i] = (uint8_t)(at + (network ? n - 1 - i : i));
}

// The upper half of a lane.
static void gather_upper(struct wm_stencil *st, size_t at, unsigned lane)
{
	st->gather[lane * 4 + 2] = (uint8_t)at;
	st->gather[lane * 4 + 3] = (uint8_t)(at + 1);
}

static void init_gather(struct wm_stencil *st)
{
	gather_lane(st, offsetof(struct wm_draft, stamp), WM_LANE_STAMP, 4, false);
	gather_lane(st, offsetof(struct wm_draft, echo), WM_LANE_ECHO, 4, false);
	gather_lane(st, offsetof(struct wm_draft, ip_sum), WM_LANE_IP_SUM, 2, false);
	gather_lane(st, offsetof(struct wm_draft, id), WM_LANE_ID, 2, false);
	gather_lane(st, WM_DRAFT_ROOM - st->client, WM_LANE_CLIENT, 4, false);
	gather_lane(st, WM_DRAFT_ROOM - st->port, WM_LANE_PORT, 2, true);
	gather_upper(st, offsetof(struct wm_draft, sum), WM_LANE_PORT);
	if (st->number_mask == 0) {
		gather_lane(st, offsetof(struct wm_draft, stamp), WM_LANE_SEQ, 4, false);
		return;
	}
	gather_lane(st, WM_DRAFT_ROOM - st->numbers, WM_LANE_SEQ, 4, true);
	gather_lane(st, WM_DRAFT_ROOM - st->numbers + 4, WM_LANE_ACK, 4, true);
}

// As lanes are sent: four numbers in network order; an address, a port and a sum, an id and a sum.
static void init_order(struct wm_stencil *st, bool numbered)
{
	static const uint8_t all[WM_LANES * 4] = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 0, 1, 2, 3, 5,
		4, 6, 7, 11, 10, 12, 13, 14, 15, 14, 15};
	bool numbers = st->number_mask != 0;
	const bool sent[WM_LANES * 2] = {
		[2 * WM_LANE_STAMP] = st->stamp_mask != 0,
		[2 * WM_LANE_STAMP + 1] = st->stamp_mask != 0,
		[2 * WM_LANE_SEQ] = numbers,
		[2 * WM_LANE_SEQ + 1] = numbers || numbered,
		[2 * WM_LANE_ECHO] = st->echo_mask != 0,
		[2 * WM_LANE_ECHO + 1] = st->echo_mask != 0,
		[2 * WM_LANE_ACK] = numbers,
		[2 * WM_LANE_ACK + 1] = numbers,
		[2 * WM_LANE_CLIENT] = true,
		[2 * WM_LANE_CLIENT + 1] = true,
		[2 * WM_LANE_PORT] = true,
		[2 * WM_LANE_PORT + 1] = true,
		[2 * WM_LANE_ID] = st->id_mask != 0,
		[2 * WM_LANE_ID + 1] = true,
	};

	for (unsigned i = 0; i < WM_LANES * 4; i++)
		st->order[i] = sent[i / 2] ? all[i] : 0x80;
}

static void init_vectors(struct wm_stencil *st, bool numbered)
{
	init_gather(st);
	init_order(st, numbered);
	for (unsigned i = 0; i < WM_DRAFT_HEAD; i++)
		st->put[i] = (uint8_t)((offsetof(struct wm_draft, head) + i) % 64);
	put_lane(st, st->mac, WM_LANE_CLIENT, 0, 4);
	put_lane(st, st->client, WM_LANE_CLIENT, 0, 4);
	put_lane(st, st->id, WM_LANE_ID, 0, 2);
	put_lane(st, st->ip_checksum, WM_LANE_ID, 2, 2);
	put_lane(st, st->port, WM_LANE_PORT, 0, 2);
	put_lane(st, st->stamps, WM_LANE_STAMP, 0, 4);
	put_lane(st, (uint8_t)(st->stamps < WM_DRAFT_ROOM ? st->stamps - 4 : WM_DRAFT_ROOM), WM_LANE_ECHO, 0, 4);
	put_lane(st, st->checksum, WM_LANE_PORT, 2, 2);
	if (st->number_mask != 0) {
		put_lane(st, st->numbers, WM_LANE_SEQ, 0, 4);
		put_lane(st, (uint8_t)(st->numbers - 4), WM_LANE_ACK, 0, 4);
	}
}

// Where one like the last of the list is; that of a form with a payload is its own.
static size_t find(const struct wm_stencils *all)
{
	size_t i = all->list[all->n].form != NULL ? all->n : 0;

	// NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): of two whose padding differs both are kept, no more
	while (i < all->n && memcmp(&all->list[i], &all->list[all->n], sizeof(*all->list)) != 0)
		i++;
	return i;
}

void wm_stencils_init(struct wm_stencils *out, const struct wm_form *forms, size_t n_forms)
{
	out->forms = forms;
	out->n = 0;
	for (size_t i = 0; i < n_forms * WM_STENCILS; i++) {
		const struct wm_form *form = &forms[i / WM_STENCILS];
		unsigned variant = i % WM_STENCILS;
		struct wm_stencil *st = &out->list[out->n];
		uint16_t *index = &out->of[i / WM_STENCILS][variant];

		*index = WM_NO_STENCIL;
		if (out->n == WM_NO_STENCIL || !init_one(st, form, variant))
			continue;
		init_vectors(st, form->proto == WM_PROTO_UDP && !(variant & NO_ECHO));
		*index = (uint16_t)find(out);
		out->n += *index == out->n;
	}
}

void wm_move_init(struct wm_move *out, uint32_t port, const uint32_t numbers[2])
{
	for (unsigned kind = 0; kind < WM_MOVES; kind++) {
		bool reverse = kind >= WM_MOVE_REVERSE, both = kind == WM_MOVE_BOTH || kind == WM_MOVE_REVERSE_BOTH;
		uint32_t *by = out->by[kind];

		memset(by, 0, sizeof(out->by[kind]));
		by[WM_LANE_PORT] = port;
		by[WM_LANE_SEQ] = numbers[reverse];
		by[WM_LANE_ACK] = both ? numbers[!reverse] : 0;
	}
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

	*kind = len == 0 ? WM_PAYLOAD_NONE : udp ? WM_PAYLOAD_ZEROS : WM_PAYLOAD_STUB;
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
static void choose_moves(struct wm_draft *d, const struct wm_sample *s)
{
	bool reverse = (s->bits & WM_BIT_REVERSE) != 0;
	uint16_t port = reverse ? s->dport : s->sport;

	d->host = reverse ? s->dst[15] : s->src[15];
	d->port_mask = port >= 0x8000 ? 0x7fff : port >= 0x4000 ? 0x3fff : 0;
}

// A server's numbers are its own if there are flags (plane/lap.h), which stencils take for granted of TCP alone.
static bool moves_simply(const struct wm_form *form, const struct wm_sample *s)
{
	return !(s->bits & WM_BIT_REVERSE) || (s->flags != 0) == (form->proto == WM_PROTO_TCP);
}

// Which of a form's stencils, once the payload's kind is known.
static unsigned choose_variant(const struct wm_draft *d, const struct wm_form *form, const struct wm_sample *s)
{
	bool more = form->proto == WM_PROTO_TCP ? s->flags & TCP_ACK : d->payload == WM_PAYLOAD_NUMBERED;

	return (form->pad > 0 ? PADDED : 0u) | (more ? 0u : NO_ECHO) | (s->bits & WM_BIT_REVERSE ? REVERSE : 0u);
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
static void fill_in(
	struct wm_draft *d, const struct wm_sample *s, const struct wm_form *form, const struct wm_stencil *st)
{
	uint8_t frame[FRAME_MAX], *end = frame + st->l2;
	bool server = (s->bits & WM_BIT_REVERSE) != 0;
	uint32_t client;
	uint64_t sum;

	memset(frame, 0, WM_DRAFT_HEAD);
	wm_frame_build(frame, form, s, true);
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
	if (form->ip == 4)
		d->ip_sum = wm_sum_fold(
			sum_of(wm_load16(end - st->ip_checksum)) + less(client) + less(wm_load16(end - st->id)));
	d->id = wm_ipv4_id_key(s->flow);
}

void wm_draft_make(struct wm_draft *out, const struct wm_sample *s, const struct wm_stencils *stencils)
{
	struct wm_draft d = {.time_ns = s->time_ns, .tag = {.len = s->len, .bits = s->bits}};
	const struct wm_form *form = &stencils->forms[s->form];
	uint32_t payload = (uint32_t)s->len - form->head_len - form->pad;
	bool simple = choose_payload(&d.payload, form, s, payload);
	uint16_t stencil = stencils->of[s->form][choose_variant(&d, form, s)];

	if (!simple || stencil == WM_NO_STENCIL || (form->payload != NULL && s->len > FRAME_MAX)
		|| !is_host(s->src, form->ip) || !is_host(s->dst, form->ip) || (s->sport == 0 && s->dport == 0)
		|| !moves_simply(form, s)) {
		wm_draft_keep(&d, s);
	} else {
		d.stencil = stencil;
		choose_moves(&d, s);
		fill_in(&d, s, form, &stencils->list[stencil]);
	}
	*out = d;
}

uint32_t wm_draft_put_payload(
	uint8_t *payload, const struct wm_draft *d, const struct wm_stencil *st, const struct wm_move *move)
{
	const struct wm_form *form = st->form;
	uint32_t len = (uint32_t)d->tag.len - form->head_len - form->pad;
	uint32_t n = len < form->payload_len ? len : form->payload_len;

	memcpy(payload, form->payload, n);
	if (d->payload == WM_PAYLOAD_NUMBERED)
		wm_store16(payload, htobe16((uint16_t)(d->stamp + move->by[st->move][WM_LANE_SEQ])));
	return n;
}

static const struct wm_draft_putter scalar = {"scalar", WM_DRAFT_SCALAR, wm_draft_put};
static const struct wm_draft_putter *const putters[] = {
	&scalar,
#ifdef WM_PACKET_X86
	&wm_draft_putter_avx512,
#endif
};

size_t wm_draft_putters(const struct wm_draft_putter *const **out)
{
	*out = putters;
#ifdef WM_PACKET_X86
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
		&& __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi"))
		return 2;
#endif
	return 1;
}

const struct wm_draft_putter *wm_draft_putter_best(void)
{
	const char *name = getenv("WIREMILL_KERNELS"); // NOLINT(concurrency-mt-unsafe): nothing here changes it
	const struct wm_draft_putter *const *all;
	size_t n = wm_draft_putters(&all);

	if (name != NULL && (strcmp(name, "scalar") == 0 || strcmp(name, "avx2") == 0))
		return &scalar;
	return all[n - 1];
}
