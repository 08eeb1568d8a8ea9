// SPDX-License-Identifier: BSD-3-Clause
// The judge of the fast builder is what can be said of any frame: checksums added up byte by byte as RFC 1071 has them,
// the fields that the dissector finds, and that its image is the image it was built from.
#include <base/bytes.h>
#include <base/philox.h>
#include <packet/dissect.h>
#include <packet/draft.h>
#include <packet/dress.h>
#include <packet/form.h>
#include <packet/stub.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, ROOM = 4096 };

static uint32_t below(struct wm_rng *rng, uint32_t n)
{
	return wm_rng_below(rng, n);
}

static uint32_t one_of(struct wm_rng *rng, const uint32_t *values, uint32_t n)
{
	return values[below(rng, n)];
}

static void fill(struct wm_rng *rng, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)wm_rng_u32(rng);
}

// A packet to learn a form from: bytes as a capture has them, anything in what an image leaves out.
struct example {
	uint8_t frame[ROOM];
	uint32_t l3;
	uint32_t head_len;
	uint32_t len;
	uint8_t proto;
};

static uint32_t append_tcp_options(struct wm_rng *rng, uint8_t *p)
{
	static const uint8_t mss[] = {2, 4, 5, 0xb4}, scale[] = {3, 3, 7}, permitted[] = {4, 2};
	uint32_t n = 0;

	while (n < 38 && below(rng, 4) > 0) {
		uint32_t blocks = 1 + below(rng, 2);

		switch (below(rng, 6)) {
		case 0:
			memcpy(p + n, mss, 4), n += 4;
			break;
		case 1:
			memcpy(p + n, scale, 3), n += 3;
			break;
		case 2:
			memcpy(p + n, permitted, 2), n += 2;
			break;
		case 3:
			if (n + 10 > 40)
				break;
			fill(rng, p + n, 10);
			p[n] = 8, p[n + 1] = 10, n += 10;
			break;
		case 4:
			if (n + 2 + 8 * blocks > 40)
				break;
			fill(rng, p + n, 2 + 8 * blocks);
			p[n] = 5, p[n + 1] = (uint8_t)(2 + 8 * blocks), n += 2 + 8 * blocks;
			break;
		default:
			p[n++] = 1;
		}
		n = n < 40 ? n : 40;
	}
	while (n % 4 != 0)
		p[n++] = 0;
	return n;
}

static uint32_t append_transport(struct wm_rng *rng, uint8_t *p, uint8_t proto)
{
	uint32_t options;

	fill(rng, p, 20);
	switch (proto) {
	case WM_PROTO_TCP:
		options = append_tcp_options(rng, p + 20);
		p[12] = (uint8_t)((20 + options) / 4 << 4);
		return 20 + options;
	case WM_PROTO_UDP:
		return 8;
	case WM_PROTO_ICMP:
		p[0] = below(rng, 2) ? 8 : below(rng, 2) ? 0 : 3;
		return 8;
	case WM_PROTO_ICMP6:
		p[0] = below(rng, 2) ? 128 : below(rng, 2) ? 129 : 135;
		return 8;
	default:
		return 0;
	}
}

static uint32_t append_ipv4(struct wm_rng *rng, uint8_t *ip, bool *later)
{
	uint32_t options = below(rng, 4) == 0 ? 4 * below(rng, 11) : 0;

	fill(rng, ip, 20);
	memset(ip + 20, 1, options);
	ip[0] = (uint8_t)(0x45 + options / 4);
	wm_put_be16(ip + 6, below(rng, 8) == 0 ? (uint16_t)(0x2000 | below(rng, 3)) : below(rng, 2) ? 0x4000 : 0);
	if (below(rng, 3) == 0)
		wm_put_be16(ip + 4, 0);
	*later = (wm_be16(ip + 6) & 0x1fff) != 0;
	return 20 + options;
}

static uint32_t append_ipv6(struct wm_rng *rng, uint8_t *ip, uint8_t proto, bool *later)
{
	static const uint8_t kinds[] = {0, 43, 60, 44};
	uint8_t *next = ip + 6;
	uint32_t n = 40;

	fill(rng, ip, 40);
	ip[0] = (uint8_t)(0x60 | (ip[0] & 15));
	if (below(rng, 2) == 0)
		ip[1] &= 0xf0, ip[2] = ip[3] = 0;
	for (size_t i = 0; i < 4 && !*later; i++) {
		if (below(rng, 5) > 0)
			continue;
		*next = kinds[i];
		next = ip + n;
		fill(rng, ip + n, 16);
		ip[n + 1] = (uint8_t)(kinds[i] == 44 ? 0 : below(rng, 2));
		if (kinds[i] == 44) {
			wm_put_be16(ip + n + 2, (uint16_t)(below(rng, 2) << 3 | 1));
			*later = wm_be16(ip + n + 2) >> 3 != 0;
		}
		n += 8 * (1u + ip[n + 1]);
	}
	*next = proto;
	return n;
}

static void make_example(struct wm_rng *rng, struct example *ex)
{
	static const uint32_t tags[] = {0x8100, 0x88a8, 0x9100, 0x9200}, protos[] = {6, 6, 6, 17, 17, 1, 58, 47};
	bool v6 = below(rng, 3) == 0, later = false;
	uint32_t n = 12, ip_len, payload = below(rng, 3) == 0 ? 1 + below(rng, 8) : 1 + below(rng, 1500);

	memset(ex, 0, sizeof(*ex));
	fill(rng, ex->frame, 12);
	if (below(rng, 8) == 0)
		memset(ex->frame, 0xff, 6);
	for (uint32_t t = below(rng, 3) == 0 ? below(rng, 4) : 0; t > 0; t--, n += 4) {
		wm_put_be16(ex->frame + n, (uint16_t)one_of(rng, tags, 4));
		fill(rng, ex->frame + n + 2, 2);
	}
	wm_put_be16(ex->frame + n, v6 ? 0x86dd : 0x0800);
	ex->l3 = n + 2;
	ex->proto = (uint8_t)one_of(rng, protos, 8);
	n = ex->l3;
	n += v6 ? append_ipv6(rng, ex->frame + n, ex->proto, &later) : append_ipv4(rng, ex->frame + n, &later);
	if (!v6)
		ex->frame[ex->l3 + 9] = ex->proto;
	n += later ? 0 : append_transport(rng, ex->frame + n, ex->proto);
	ex->head_len = n;
	fill(rng, ex->frame + n, payload);
	n += payload;
	ip_len = n - ex->l3;
	if (v6)
		wm_put_be16(ex->frame + ex->l3 + 4, (uint16_t)(ip_len - 40));
	else
		wm_put_be16(ex->frame + ex->l3 + 2, (uint16_t)ip_len);
	ex->len = n < 60 && below(rng, 4) > 0 ? 60 : n + (below(rng, 10) == 0) * below(rng, 9);
}

static void make_sample(struct wm_rng *rng, const struct wm_form *form, struct wm_sample *s)
{
	static const uint16_t services[] = {53, 5355, 5353, 5683};

	fill(rng, (uint8_t *)s, sizeof(*s));
	if (form->ip == 4) {
		memset(s->src, 0, 10), memset(s->src + 10, 0xff, 2);
		memset(s->dst, 0, 10), memset(s->dst + 10, 0xff, 2);
		if (below(rng, 8) == 0)
			s->dst[12] = 239;
		if (below(rng, 8) == 0 && !form->broadcast)
			memset(s->dst + 12, 0xff, 4);
	} else if (below(rng, 4) == 0) {
		s->dst[0] = 0xff;
	}
	if (below(rng, 4) == 0)
		*(below(rng, 2) ? &s->sport : &s->dport) = services[below(rng, sizeof(services) / sizeof(services[0]))];
	if (form->echo)
		s->flags = (uint8_t)(form->proto == WM_PROTO_ICMP ? below(rng, 2) * 8 : 128 + below(rng, 2));
	s->len = (uint16_t)(form->head_len + form->pad + (below(rng, 3) == 0 ? below(rng, 4) : below(rng, 1500)));
	if (form->l4 == 0) // an IPv6 payload length of 0 would say: to the end of the frame
		s->len++;
}

// One's-complement sum of big-endian words, one by one (RFC 1071 section 4.1); 0xffff if a checksum is right.
static uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)(i % 2 == 0 ? p[i] << 8 : p[i]);
	while (sum >> 16 != 0)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static void check_checksums(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *zero_udp)
{
	const uint8_t *ip = frame + pkt->l3;
	uint32_t l4_len = pkt->head_len - pkt->l4 + pkt->payload;
	uint32_t pseudo = 0;

	if (pkt->net == WM_NET_IPV4)
		assert_int_equal(slow_sum(0, ip, (ip[0] & 15) * 4), 0xffff);
	if (pkt->later_fragment || pkt->proto == 47)
		return;
	if (pkt->proto != WM_PROTO_ICMP) {
		pseudo = pkt->proto + l4_len;
		pseudo += pkt->net == WM_NET_IPV4 ? slow_sum(0, ip + 12, 8) : slow_sum(0, ip + 8, 32);
	}
	assert_int_equal(slow_sum(pseudo, frame + pkt->l4, l4_len), 0xffff);
	if (pkt->proto == WM_PROTO_UDP) {
		assert_int_equal(wm_be16(frame + pkt->l4 + 4), l4_len);
		*zero_udp |= wm_be16(frame + pkt->l4 + 6) == 0;
	}
}

static void check_fields(const struct wm_packet *pkt, const struct wm_form *form, const struct wm_sample *s)
{
	assert_int_equal(pkt->head_len, form->head_len);
	assert_int_equal(pkt->payload, s->len - form->head_len - form->pad);
	assert_int_equal(pkt->proto, form->proto);
	assert_memory_equal(pkt->src, s->src, 16);
	assert_memory_equal(pkt->dst, s->dst, 16);
	if (pkt->later_fragment || (pkt->proto != WM_PROTO_TCP && pkt->proto != WM_PROTO_UDP)) {
		if (form->echo) {
			assert_int_equal(pkt->seq, s->seq);
			assert_int_equal(pkt->icmp_type, s->flags);
		}
		return;
	}
	assert_int_equal(pkt->sport, s->sport);
	assert_int_equal(pkt->dport, s->dport);
	if (pkt->proto == WM_PROTO_TCP) {
		assert_int_equal(pkt->seq, s->seq);
		assert_int_equal(pkt->ack, s->ack);
		assert_int_equal(pkt->flags, s->flags);
		assert_int_equal(pkt->window, s->window);
	}
}

static bool has_exchange(const struct wm_sample *s)
{
	return s->sport == 53 || s->dport == 53 || s->sport == 5355 || s->dport == 5355;
}

// Where the exchange's number is, it is the sample's. @return the length of what a payload without a template begins
// with.
static uint32_t check_stub(const struct wm_packet *pkt, const struct wm_sample *s, const uint8_t *payload)
{
	uint32_t n = pkt->payload < WM_STUB_TCP ? pkt->payload : WM_STUB_TCP;

	if (pkt->later_fragment)
		return 0;
	if (pkt->proto == WM_PROTO_UDP) {
		if (has_exchange(s) && pkt->payload >= 2)
			assert_int_equal(wm_be16(payload), (uint16_t)s->seq);
		return pkt->payload < WM_STUB_MAX ? pkt->payload : WM_STUB_MAX;
	}
	if (pkt->proto != WM_PROTO_TCP)
		return 0;
	if (n == 2)
		assert_int_equal(wm_be16(payload), 0xe000);
	for (uint32_t i = 0; i < n && n != 2; i++)
		assert_int_equal(payload[i], i == 3 ? 0x67 : 0xe7);
	return n;
}

static void any_form_and_sample_make_a_valid_frame_that_says_what_they_say(void **state)
{
	static uint8_t frame[ROOM], clean[ROOM], payload[1500];
	static uint32_t sums[751];
	uint8_t image[WM_FORM_HEAD_MAX], again[WM_FORM_HEAD_MAX], zero_udp = 0;
	struct example ex;
	struct wm_rng rng;

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct wm_form form;
		struct wm_sample s;
		struct wm_packet pkt;
		struct wm_err err;
		size_t n, payload_len, skip = 0;

		wm_rng_init(&rng, 1, WM_STREAM_TEST, round);
		make_example(&rng, &ex);
		payload_len = below(&rng, 2) ? 1 + below(&rng, sizeof(payload)) : 0;
		fill(&rng, payload, payload_len);
		wm_dissect(&pkt, WM_LINK_ETHERNET, 0, ex.frame, ex.len, ex.len);
		n = wm_form_image(&pkt, ex.frame, image);
		if (ex.head_len > WM_FORM_HEAD_MAX) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(n, ex.head_len);
		assert_int_equal(wm_form_init(&form, image, n, payload, sums, payload_len, &err), 0);
		make_sample(&rng, &form, &s);

		memset(frame, 0xa5, sizeof(frame));
		memset(clean, 0, sizeof(clean));
		wm_frame_build(frame, &form, &s, false);
		wm_frame_build(clean, &form, &s, true);
		assert_memory_equal(frame, clean, s.len);
		for (size_t i = s.len; i < s.len + 64u; i++)
			assert_int_equal(frame[i], 0xa5);

		wm_dissect(&pkt, WM_LINK_ETHERNET, 0, frame, s.len, s.len);
		check_fields(&pkt, &form, &s);
		check_checksums(&pkt, frame, &zero_udp);
		assert_int_equal(wm_form_image(&pkt, frame, again), n);
		assert_memory_equal(again, image, n);
		payload_len = payload_len < pkt.payload ? payload_len : pkt.payload;
		if (form.payload == NULL || (form.proto == WM_PROTO_UDP && has_exchange(&s)))
			skip = check_stub(&pkt, &s, frame + n);
		if (form.payload != NULL && skip > 2)
			skip = 2;
		for (size_t i = skip; i < payload_len; i++)
			assert_int_equal(frame[n + i], payload[i]);
		payload_len = payload_len > skip ? payload_len : skip;
		for (size_t i = n + payload_len; i < s.len; i++)
			assert_int_equal(frame[i], 0);
	}
	assert_false(zero_udp);
}

// What a port's dress makes of a plain frame, said once more. @return its length.
static size_t dress_frame(uint8_t *frame, size_t len, const struct wm_dress *dress)
{
	uint16_t type = wm_be16(frame + 12);

	if (dress->has_dst && (frame[0] & 1) == 0)
		memcpy(frame, dress->dst, 6);
	if (dress->has_src)
		memcpy(frame + 6, dress->src, 6);
	if (dress->vlan == 0)
		return len;
	if (type == 0x8100 || type == 0x88a8) {
		wm_put_be16(frame + 14, (uint16_t)((wm_be16(frame + 14) & 0xf000) | dress->vlan));
		return len;
	}
	memmove(frame + 16, frame + 12, len - 12);
	wm_put_be16(frame + 12, 0x8100);
	wm_put_be16(frame + 14, dress->vlan);
	return len + 4;
}

static void dressed_frames_are_the_plain_ones_but_for_mac_addresses_and_tag(void **state)
{
	static uint8_t want[ROOM], got[ROOM], payload[200];
	static uint32_t sums[101];
	unsigned grown = 0, tagged = 0;
	struct example ex;
	struct wm_rng rng;

	(void)state;
	for (uint64_t round = 0; round < ROUNDS / 4; round++) {
		uint8_t image[WM_FORM_HEAD_MAX];
		struct wm_dress dress = {0};
		struct wm_packet pkt;
		struct wm_form form;
		struct wm_sample s;
		size_t n, payload_len;

		wm_rng_init(&rng, 2, WM_STREAM_TEST, round);
		make_example(&rng, &ex);
		if (below(&rng, 8) == 0) // not IP, and as much of it as fits is in the head
			wm_put_be16(ex.frame + ex.l3 - 2, 0x88cc);
		wm_dissect(&pkt, WM_LINK_ETHERNET, 0, ex.frame, ex.len, ex.len);
		n = wm_form_image(&pkt, ex.frame, image);
		payload_len = below(&rng, 2) ? sizeof(payload) : 0;
		if (n == 0 || wm_form_init(&form, image, n, payload, sums, payload_len, NULL) < 0)
			continue;
		make_sample(&rng, &form, &s);
		wm_frame_build(want, &form, &s, false);
		fill(&rng, dress.src, sizeof(dress.src));
		fill(&rng, dress.dst, sizeof(dress.dst));
		dress.dst[0] &= 0xfe;
		dress.has_src = below(&rng, 2) == 1;
		dress.has_dst = below(&rng, 2) == 1;
		dress.vlan = (uint16_t)(below(&rng, 2) * (1 + below(&rng, 4094)));

		n = dress_frame(want, s.len, &dress);
		wm_form_dress(&form, &dress);
		assert_int_equal(s.len + form.grown, n);
		grown += form.grown > 0;
		tagged += dress.vlan > 0 && form.grown == 0;
		s.len = (uint16_t)n;
		wm_frame_build(got, &form, &s, false);
		assert_memory_equal(got, want, n);
	}
	assert_true(grown > 100 && tagged > 10);
}

static void mac_address_is_read_or_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {"", "02", "02:00:00:00:00", "02:00:00:00:00:00:00", "02-00-00-00-00-01",
		"2:0:0:0:0:1", "02:00:00:00:00:0g", "02:00:00:00:00:01 ", "020000000001"};
	static const uint8_t want[6] = {2, 0xab, 0, 0xCD, 0xef, 1};
	uint8_t mac[6] = {0};

	(void)state;
	assert_int_equal(wm_mac_parse(mac, "02:ab:00:CD:ef:01", NULL), 0);
	assert_memory_equal(mac, want, sizeof(mac));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wm_err err = {0};

		assert_int_equal(wm_mac_parse(mac, bad[i], &err), -22);
		assert_non_null(strstr(err.msg, "write one as 02:00:00:00:00:01"));
		assert_memory_equal(mac, want, sizeof(mac));
	}
}

// A lap's flow, as plane/lap.h moves it, in the fields that drafts move.
static void move_sample(struct wm_sample *s, const struct wm_form *form, const struct wm_move *move)
{
	bool reverse = (s->bits & WM_BIT_REVERSE) != 0;
	uint8_t *client = reverse ? s->dst : s->src;
	uint16_t *port = reverse ? &s->dport : &s->sport;
	uint32_t mask = *port >= 0x8000 ? 0x7fff : *port >= 0x4000 ? 0x3fff : 0;
	const uint32_t numbers[2] = {move->by[WM_MOVE_BOTH][WM_LANE_SEQ], move->by[WM_MOVE_BOTH][WM_LANE_ACK]};

	wm_store32(client + 12, wm_load32(client + 12) + move->host[client[15]]);
	*port = (uint16_t)((*port & ~mask) | ((*port + move->by[WM_MOVE_BOTH][WM_LANE_PORT]) & mask));
	s->seq += numbers[reverse && s->flags != 0];
	if (form->proto == WM_PROTO_TCP && s->flags & 0x10)
		s->ack += numbers[!reverse];
}

static void make_move(struct wm_rng *rng, struct wm_move *move)
{
	*move = (struct wm_move){0};
	if (below(rng, 4) == 0)
		return;
	for (unsigned i = 1; i < 255; i++)
		move->host[i] = below(rng, 256 - i) << 24;
	wm_move_init(move, below(rng, 65536), (uint32_t[2]){wm_rng_u32(rng), wm_rng_u32(rng)});
}

// Nothing beside the headers' place is written; what is behind them is the payload's writer's.
static void check_draft(const struct wm_draft_putter *putter, const struct wm_draft *d, const struct wm_form *form,
	const struct wm_stencil *st, const struct wm_sample *s, const struct wm_move *move)
{
	enum { AT = 256 };
	static alignas(64) uint8_t room[AT + ROOM];
	static uint8_t want[ROOM];
	struct wm_sample moved = *s;
	uint8_t *payload = room + AT;
	uint32_t n;

	moved.time_ns = s->time_ns * 3 + 1;
	move_sample(&moved, form, move);
	wm_frame_build(want, form, &moved, false);
	memset(room, 0xa5, sizeof(room));
	putter->put(payload, d, st, move, moved.time_ns);
	for (unsigned i = 0; i < AT - WM_DRAFT_ROOM; i++)
		assert_int_equal(room[i], 0xa5);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(payload[i], 0xa5);
	assert_memory_equal(payload - st->l2, want, st->l2);
	memset(payload, 0, s->len);
	if (d->payload == WM_PAYLOAD_STUB)
		(void)wm_stub_put_tcp(payload, WM_STUB_TCP);
	if (d->payload >= WM_PAYLOAD_TEMPLATE) {
		n = wm_draft_put_payload(payload, d, st, move);
		assert_true(n + st->l2 <= s->len);
	}
	assert_memory_equal(payload - st->l2, want, s->len);
}

static void check_putter(const struct wm_draft_putter *putter)
{
	static uint8_t payload[1500];
	static uint32_t sums[751];
	uint8_t image[WM_FORM_HEAD_MAX];
	static const struct wm_dress dresses[4] = {{0}, {.has_src = true, .src = {2, 3, 4, 5, 6, 7}},
		{.has_dst = true, .dst = {6, 5, 4, 3, 2, 1}}, {.has_src = true, .has_dst = true, .vlan = 7}};
	uint64_t n_drafts = 0;
	struct example ex;
	struct wm_rng rng;

	for (uint64_t round = 0; round < 2 * ROUNDS; round++) {
		struct wm_stencil list[WM_STENCILS];
		uint16_t of[1][WM_STENCILS];
		struct wm_stencils stencils = {.list = list, .of = of};
		struct wm_draft draft;
		struct wm_packet pkt;
		struct wm_sample s;
		struct wm_move move;
		struct wm_form form;
		size_t payload_len;

		wm_rng_init(&rng, 2, WM_STREAM_TEST, round);
		make_example(&rng, &ex);
		if (ex.head_len > WM_FORM_HEAD_MAX)
			continue;
		payload_len = below(&rng, 2) ? 1 + below(&rng, sizeof(payload)) : 0;
		fill(&rng, payload, payload_len);
		wm_dissect(&pkt, WM_LINK_ETHERNET, 0, ex.frame, ex.len, ex.len);
		assert_int_equal(wm_form_init(&form, image, wm_form_image(&pkt, ex.frame, image), payload, sums,
					 payload_len, NULL),
			0);
		make_sample(&rng, &form, &s);
		s.form = 0;
		s.time_ns >>= 4;
		if (form.proto == WM_PROTO_UDP)
			s.flags = 0;
		wm_form_dress(&form, &dresses[below(&rng, 4)]);
		s.len = (uint16_t)(s.len + form.grown);
		make_move(&rng, &move);
		wm_stencils_init(&stencils, &form, 1);
		wm_draft_make(&draft, &s, &stencils);
		assert_int_equal(draft.tag.len, s.len);
		assert_int_equal(draft.tag.bits, s.bits);
		if (wm_draft_is_sample(&draft)) {
			assert_memory_equal(&draft.sample, &s, sizeof(s));
			continue;
		}
		n_drafts++;
		check_draft(putter, &draft, &form, &list[draft.stencil], &s, &move);
	}
	assert_true(n_drafts > ROUNDS / 8);
}

static void forms_share_stencils_unless_fields_move_or_a_payload_is_their_own(void **state)
{
	enum { N = 4, TTL = 22, HEAD = 54 };
	static const uint8_t payload[3] = "abc";
	uint8_t image[HEAD + 4] = {[12] = 8, [14] = 0x45, [TTL] = 64, [23] = WM_PROTO_TCP, [46] = 0x50};
	struct wm_stencil list[N * WM_STENCILS];
	uint16_t of[N][WM_STENCILS];
	struct wm_stencils all = {.list = list, .of = of};
	struct wm_form forms[N];
	uint32_t sums[3];
	size_t n_alone;

	(void)state;
	assert_int_equal(wm_form_init(&forms[0], image, HEAD, NULL, NULL, 0, NULL), 0);
	image[TTL] = 255;
	assert_int_equal(wm_form_init(&forms[1], image, HEAD, NULL, NULL, 0, NULL), 0);
	assert_int_equal(wm_form_init(&forms[2], image, HEAD, payload, sums, sizeof(payload), NULL), 0);
	image[46] = 0x60; // four bytes of options
	assert_int_equal(wm_form_init(&forms[3], image, HEAD + 4, NULL, NULL, 0, NULL), 0);
	wm_stencils_init(&all, forms, 1);
	n_alone = all.n;
	assert_true(n_alone > 0);
	wm_stencils_init(&all, forms, 2);
	assert_int_equal(all.n, n_alone);
	assert_memory_equal(of[0], of[1], sizeof(of[0]));
	wm_stencils_init(&all, forms, 3);
	assert_true(all.n > n_alone);
	for (unsigned i = 0; i < WM_STENCILS; i++) {
		assert_true(of[2][i] == WM_NO_STENCIL || of[2][i] >= n_alone);
		assert_true(of[2][i] == WM_NO_STENCIL || list[of[2][i]].form == &forms[2]);
	}
	wm_stencils_init(&all, forms, N);
	for (unsigned i = 0; i < WM_STENCILS; i++)
		assert_true(of[3][i] == WM_NO_STENCIL || of[3][i] != of[0][i]);
}

static void the_environment_chooses_how_drafts_are_put(void **state)
{
	const struct wm_draft_putter *const *putters;
	size_t n = wm_draft_putters(&putters);

	(void)state;
	setenv("WIREMILL_KERNELS", "scalar", 1);
	assert_ptr_equal(wm_draft_putter_best(), putters[0]);
	setenv("WIREMILL_KERNELS", "avx2", 1);
	assert_ptr_equal(wm_draft_putter_best(), putters[0]);
	setenv("WIREMILL_KERNELS", "avx512", 1);
	assert_ptr_equal(wm_draft_putter_best(), putters[n - 1]);
	setenv("WIREMILL_KERNELS", "abacus", 1);
	assert_ptr_equal(wm_draft_putter_best(), putters[n - 1]);
	unsetenv("WIREMILL_KERNELS");
}

// Each by name: the fastest alone would hide one that this CPU does not have.
static void drafts_give_the_frames_that_the_builder_gives(void **state)
{
	const struct wm_draft_putter *const *putters;
	size_t n = wm_draft_putters(&putters);

	(void)state;
	assert_string_equal(putters[0]->name, "scalar");
	assert_ptr_equal(wm_draft_putter_best(), putters[n - 1]);
	for (size_t i = 0; i < n; i++) {
		print_message("drafts by %s\n", putters[i]->name);
		check_putter(putters[i]);
	}
}

static void udp_checksum_of_zero_is_sent_as_all_ones(void **state)
{
	const uint8_t example[42] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17};
	struct wm_sample s = {.len = 42, .src = {[15] = 1}, .dst = {[15] = 2}, .dport = 1};
	uint8_t image[WM_FORM_HEAD_MAX], frame[64];
	struct wm_packet pkt;
	struct wm_form form;

	(void)state;
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, example, sizeof(example), sizeof(example));
	assert_int_equal(wm_form_init(&form, image, wm_form_image(&pkt, example, image), NULL, NULL, 0, NULL), 0);
	s.sport = 0xffff - 1 - 2 - 1 - 17 - 8 - 8; // addresses, port, protocol, twice the length: the sum is 0xffff
	wm_frame_build(frame, &form, &s, false);
	assert_int_equal(wm_be16(frame + 40), 0xffff);
}

static void dns_without_a_template_is_a_message_of_its_length(void **state)
{
	const uint8_t example[42] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17};
	uint8_t image[WM_FORM_HEAD_MAX], frame[42 + 600];
	const uint8_t *dns = frame + 42;
	struct wm_packet pkt;
	struct wm_form form;

	(void)state;
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, example, sizeof(example), sizeof(example));
	assert_int_equal(wm_form_init(&form, image, wm_form_image(&pkt, example, image), NULL, NULL, 0, NULL), 0);
	for (uint16_t len = 19; len <= 600; len++) {
		struct wm_sample s = {.len = (uint16_t)(42 + len), .seq = 0xabcd, .sport = 53, .dport = 40000};

		if (len & 1)
			s.sport = s.dport, s.dport = 53;
		wm_frame_build(frame, &form, &s, false);
		assert_int_equal(wm_be16(dns), 0xabcd);
		assert_int_equal(dns[2] >> 7, s.sport == 53);
		assert_int_equal(wm_be16(dns + 4), 1);
		if (len < WM_STUB_MAX) { // one question: one label, A, IN
			assert_int_equal(dns[12], len - 18);
			assert_int_equal(dns[13 + dns[12]], 0);
			assert_int_equal(wm_be32(dns + len - 4), 1 << 16 | 1);
			continue;
		}
		// one question: root, A, IN
		assert_int_equal(wm_be32(dns + 12), 1 << 8);
		assert_int_equal(dns[16], 1);
		assert_int_equal(wm_be32(dns + 6), 0);  // no answers, no authorities
		assert_int_equal(wm_be16(dns + 10), 1); // one record: root, NULL, and data to the end
		assert_int_equal(wm_be16(dns + 18), 10);
		assert_int_equal(wm_be16(dns + 26), len - 28);
	}
}

static void mac_addresses_follow_the_ip_addresses(void **state)
{
	const uint8_t example[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 20, 0, 1, 0, 0, 64, 89};
	static const struct {
		uint8_t to[4];
		uint8_t mac[6];
	} cases[] = {
		{{10, 1, 2, 3}, {2, 0, 10, 1, 2, 3}},
		{{239, 129, 2, 3}, {1, 0, 0x5e, 1, 2, 3}},
		{{255, 255, 255, 255}, {255, 255, 255, 255, 255, 255}},
	};
	struct wm_sample s = {.len = 60, .src = {[12] = 10, [15] = 9}};
	const uint8_t src[6] = {2, 0, 10, 0, 0, 9};
	uint8_t image[WM_FORM_HEAD_MAX], frame[64];
	struct wm_packet pkt;
	struct wm_form form;

	(void)state;
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, example, sizeof(example), sizeof(example));
	assert_int_equal(wm_form_init(&form, image, wm_form_image(&pkt, example, image), NULL, NULL, 0, NULL), 0);
	assert_int_equal(form.pad, 26);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(s.dst + 12, cases[i].to, 4);
		wm_frame_build(frame, &form, &s, false);
		assert_memory_equal(frame, cases[i].mac, 6);
		assert_memory_equal(frame + 6, src, 6);
	}
}

static void time_stamps_of_a_direction_never_go_back_and_echo_the_peers_past(void **state)
{
	uint8_t example[66] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 52, 0, 1, 0, 0, 64, 6};
	static const uint8_t options[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	struct wm_sample s = {.len = 66, .src = {[15] = 1}, .dst = {[15] = 2}, .sport = 9, .dport = 80, .flags = 16};
	struct wm_sample peer = {.len = 66,
		.src = {[15] = 2},
		.dst = {[15] = 1},
		.sport = 80,
		.dport = 9,
		.flags = 16,
		.bits = WM_BIT_REVERSE};
	uint8_t image[WM_FORM_HEAD_MAX], frame[66], back[66];
	struct wm_packet pkt;
	struct wm_form form;
	uint32_t before = 0;

	(void)state;
	example[46] = 0x80;
	memcpy(example + 54, options, sizeof(options));
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, example, sizeof(example), sizeof(example));
	assert_int_equal(wm_form_init(&form, image, wm_form_image(&pkt, example, image), NULL, NULL, 0, NULL), 0);
	assert_int_equal(form.ts, 58);
	for (int i = 0; i < 1000; i++) {
		uint32_t now;

		s.time_ns = peer.time_ns = (uint64_t)i * 10000000;
		s.seq = (uint32_t)i;
		wm_frame_build(frame, &form, &s, false);
		wm_frame_build(back, &form, &peer, false);
		now = wm_be32(frame + 58);
		assert_true(i == 0 || (now - before >= 9 && now - before <= 10)); // 10 ms, in steps of 2^20 ns
		assert_in_range(wm_be32(back + 58) - wm_be32(frame + 62), 1, 32);
		before = now;
	}
	s.flags = 2;
	wm_frame_build(frame, &form, &s, false);
	assert_int_equal(wm_be32(frame + 62), 0);
}

static void frames_that_are_not_ip_come_back_byte_for_byte(void **state)
{
	uint8_t arp[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
	uint8_t lldp[300], image[WM_FORM_HEAD_MAX], frame[300];
	struct wm_sample s = {.len = 42};
	struct wm_packet pkt;
	struct wm_form form;
	uint32_t sums[300];
	size_t n;

	(void)state;
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, arp, sizeof(arp), sizeof(arp));
	n = wm_form_image(&pkt, arp, image);
	assert_int_equal(n, sizeof(arp));
	assert_int_equal(wm_form_init(&form, image, n, NULL, NULL, 0, NULL), 0);
	wm_frame_build(frame, &form, &s, false);
	assert_memory_equal(frame, arp, sizeof(arp));

	for (size_t i = 0; i < sizeof(lldp); i++)
		lldp[i] = (uint8_t)(i * 7);
	wm_put_be16(lldp + 12, 0x88cc);
	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, lldp, sizeof(lldp), sizeof(lldp));
	n = wm_form_image(&pkt, lldp, image);
	assert_int_equal(n, WM_FORM_HEAD_MAX);
	assert_int_equal(wm_form_init(&form, image, n, lldp + n, sums, sizeof(lldp) - n, NULL), 0);
	s.len = sizeof(lldp);
	wm_frame_build(frame, &form, &s, false);
	assert_memory_equal(frame, lldp, sizeof(lldp));
}

static void other_link_types_get_an_ethernet_header(void **state)
{
	const uint8_t raw[] = {
		0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 9, 0, 53, 0, 10, 0, 0, 'h', 'i'};
	uint8_t image[WM_FORM_HEAD_MAX];
	struct wm_packet pkt;

	(void)state;
	wm_dissect(&pkt, WM_LINK_RAW, 0, raw, sizeof(raw), sizeof(raw));
	assert_int_equal(wm_form_image(&pkt, raw, image), 42);
	assert_int_equal(wm_form_frame_len(&pkt), 44);
	assert_int_equal(wm_be16(image + 12), 0x0800);
	assert_int_equal(image[14], 0x45);
}

static void headers_cut_short_have_no_image(void **state)
{
	const uint8_t tcp[58] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 44, 0, 1, 0, 0, 64, 6, [46] = 0x60};
	uint8_t image[WM_FORM_HEAD_MAX];
	struct wm_packet pkt;

	(void)state;
	for (uint32_t cap = 0; cap <= sizeof(tcp); cap++) {
		wm_dissect(&pkt, WM_LINK_ETHERNET, 0, tcp, cap, sizeof(tcp));
		assert_int_equal(wm_form_image(&pkt, tcp, image), cap == sizeof(tcp) ? 58 : 0);
	}
}

// Whatever bytes a model file holds as an image: refused, or it builds a frame inside its room.
static void any_bytes_are_refused_or_build_a_frame(void **state)
{
	struct wm_rng rng;
	size_t taken = 0;

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct wm_form form;
		struct wm_err err = {{0}};
		struct example ex;
		struct wm_sample s;
		uint8_t *frame, *copy;
		size_t n;

		wm_rng_init(&rng, 2, WM_STREAM_TEST, round);
		make_example(&rng, &ex);
		n = below(&rng, 2) ? ex.head_len : below(&rng, WM_FORM_HEAD_MAX + 2);
		for (uint32_t i = below(&rng, 4); i > 0; i--)
			ex.frame[below(&rng, ex.head_len)] = (uint8_t)wm_rng_u32(&rng);
		copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, ex.frame, n);
		if (wm_form_init(&form, copy, n, NULL, NULL, 0, &err) < 0) {
			assert_true(err.msg[0] != '\0');
		} else {
			taken++;
			make_sample(&rng, &form, &s);
			if (form.head_len + form.pad + 1500u > UINT16_MAX)
				s.len = (uint16_t)(form.head_len + form.pad);
			frame = malloc(s.len);
			assert_non_null(frame);
			wm_frame_build(frame, &form, &s, false);
			free(frame);
		}
		free(copy);
	}
	assert_true(taken > ROUNDS / 4 && taken < ROUNDS * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_form_and_sample_make_a_valid_frame_that_says_what_they_say),
		cmocka_unit_test(dressed_frames_are_the_plain_ones_but_for_mac_addresses_and_tag),
		cmocka_unit_test(mac_address_is_read_or_refused_with_a_reason),
		cmocka_unit_test(drafts_give_the_frames_that_the_builder_gives),
		cmocka_unit_test(forms_share_stencils_unless_fields_move_or_a_payload_is_their_own),
		cmocka_unit_test(the_environment_chooses_how_drafts_are_put),
		cmocka_unit_test(udp_checksum_of_zero_is_sent_as_all_ones),
		cmocka_unit_test(dns_without_a_template_is_a_message_of_its_length),
		cmocka_unit_test(mac_addresses_follow_the_ip_addresses),
		cmocka_unit_test(time_stamps_of_a_direction_never_go_back_and_echo_the_peers_past),
		cmocka_unit_test(frames_that_are_not_ip_come_back_byte_for_byte),
		cmocka_unit_test(other_link_types_get_an_ethernet_header),
		cmocka_unit_test(headers_cut_short_have_no_image),
		cmocka_unit_test(any_bytes_are_refused_or_build_a_frame),
	};

	return cmocka_run_group_tests_name("packet_form", tests, NULL, NULL);
}
