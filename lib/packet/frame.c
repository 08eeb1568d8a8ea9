// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/checksum.h>
#include <packet/derive.h>
#include <packet/dissect.h>
#include <packet/form.h>
#include <packet/stub.h>

#include <assert.h>
#include <string.h>

enum { TCP_ACK = 0x10, TCP_MSS_GUESS = 1448 };

// Copies in pieces of 32 bytes, the last of which overlaps the one before: heads of IP frames have 34 bytes or more.
static inline void copy_head(uint8_t *frame, const struct wm_form *form)
{
	size_t last = form->head_len - 32u;

	for (size_t off = 0; off < last; off += 32)
		memcpy(frame + off, form->head + off, 32);
	memcpy(frame + last, form->head + last, 32);
}

static inline void put_macs(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t src = wm_load32(s->src + 12), dst = wm_load32(s->dst + 12);
	uint8_t *p = frame;

	if (!form->own_src) {
		p[6] = 2;
		p[7] = 0;
		wm_store32(p + 8, src);
	}
	if (form->broadcast)
		return;
	if (form->ip == 6 && s->dst[0] == 0xff) {
		p[0] = p[1] = 0x33;
		wm_store32(p + 2, dst);
	} else if (form->ip == 4 && (s->dst[12] & 0xf0) == 0xe0) {
		p[0] = 1;
		p[1] = 0;
		wm_store32(p + 2, dst);
		p[2] = 0x5e;
		p[3] &= 0x7f;
	} else if (form->ip == 4 && dst == 0xffffffff) {
		memset(p, 0xff, 6);
	} else if (!form->own_dst) {
		p[0] = 2;
		p[1] = 0;
		wm_store32(p + 2, dst);
	}
}

// This and the next return the sum of the addresses, which the pseudo-header needs too.
static inline uint64_t put_ipv4(uint8_t *ip, const struct wm_form *form, const struct wm_sample *s, uint32_t total)
{
	uint32_t id = form->vary_id ? wm_ipv4_id(wm_ipv4_id_key(s->flow), s->time_ns) : 0;
	uint32_t total_id = htobe32(total << 16 | id);
	uint32_t src = wm_load32(s->src + 12), dst = wm_load32(s->dst + 12);
	uint64_t sum = (uint64_t)src + dst;

	wm_store32(ip + 2, total_id);
	wm_store32(ip + 12, src);
	wm_store32(ip + 16, dst);
	wm_sum_put(ip + 10, sum + form->head_sum + total_id);
	return sum;
}

static inline uint64_t put_ipv6(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s, uint32_t len)
{
	uint8_t *ip = frame + form->l3;

	if (form->vary_label)
		wm_store32(ip, wm_load32(ip) | htobe32(wm_ipv6_label(s->flow, (s->bits & WM_BIT_REVERSE) != 0)));
	if (form->fragment > 0)
		wm_store32(frame + form->fragment, wm_mix(s->flow, (uint32_t)s->time_ns));
	wm_put_be16(ip + 4, (uint16_t)len);
	memcpy(ip + 8, s->src, 16);
	memcpy(ip + 24, s->dst, 16);
	return wm_sum_add(wm_sum_add(0, s->src, 16), s->dst, 16);
}

// What was put at an odd offset (an option without padding before it) has its bytes in the other half of each word.
static inline uint64_t sum_at(const uint8_t *frame, size_t off, size_t len)
{
	uint16_t sum = wm_sum_fold(wm_sum_add(0, frame + off, len));

	return off & 1 ? __builtin_bswap16(sum) : sum;
}

// Time stamps and SACK blocks; @return the sum of what was written. Parity is that of the transport header, which is
// made even by the caller.
static uint64_t put_options(uint8_t *l4, const struct wm_form *form, const struct wm_sample *s)
{
	uint64_t sum = 0;

	if (form->ts > 0) {
		size_t off = (size_t)form->ts - form->l4;
		bool server = (s->bits & WM_BIT_REVERSE) != 0;
		uint32_t ticks = wm_ts_ticks(s->time_ns), then = ticks - wm_ts_age(s->flow, server);

		wm_put_be32(l4 + off, ticks + wm_ts_clock(s->flow, server));
		wm_put_be32(l4 + off + 4, s->flags & TCP_ACK ? then + wm_ts_clock(s->flow, !server) : 0);
		sum += sum_at(l4, off, 8);
	}
	if (form->sack > 0) {
		size_t off = (size_t)form->sack - form->l4;
		uint32_t edge = s->ack;

		for (unsigned i = 0; i < form->sack_n; i++) {
			edge += TCP_MSS_GUESS;
			wm_put_be32(l4 + off + 8 * i, edge);
			edge += TCP_MSS_GUESS * (1 + (wm_mix(s->flow + i, s->ack) & 3));
			wm_put_be32(l4 + off + 8 * i + 4, edge);
		}
		sum += sum_at(l4, off, 8u * form->sack_n);
	}
	return sum;
}

// The following three fill in a transport header and its checksum; sum: that of everything else that is covered.
static inline void put_tcp(uint8_t *l4, const struct wm_form *form, const struct wm_sample *s, uint64_t sum)
{
	uint32_t ports = htobe32((uint32_t)s->sport << 16 | s->dport);
	uint32_t seq = htobe32(s->seq), ack = htobe32(s->ack);
	uint32_t flags = htobe32((uint32_t)s->flags << 16 | s->window);

	wm_store32(l4, ports);
	wm_store32(l4 + 4, seq);
	wm_store32(l4 + 8, ack);
	wm_store32(l4 + 12, wm_load32(l4 + 12) | flags);
	if (form->ts > 0 || form->sack > 0)
		sum += put_options(l4, form, s);
	wm_sum_put(l4 + 16, sum + ports + seq + ack + flags);
}

static inline void put_udp(uint8_t *l4, const struct wm_sample *s, uint64_t sum, uint32_t len)
{
	uint32_t ports = htobe32((uint32_t)s->sport << 16 | s->dport);
	uint16_t be_len = htobe16((uint16_t)len);

	wm_store32(l4, ports);
	memcpy(l4 + 4, &be_len, sizeof(be_len));
	wm_udp_sum_put(l4 + 6, sum + ports + be_len);
}

static inline void put_icmp(uint8_t *l4, const struct wm_form *form, const struct wm_sample *s, uint64_t sum)
{
	if (form->echo) {
		uint32_t number = htobe32(s->seq);
		uint8_t type[2] = {s->flags, 0};

		l4[0] = s->flags;
		wm_store32(l4 + 4, number);
		sum += (uint64_t)number + wm_load16(type);
	}
	wm_sum_put(l4 + 2, sum);
}

static inline void put_payload(uint8_t *frame, const struct wm_form *form, uint32_t len, uint32_t payload, bool zeroed)
{
	uint32_t n = payload < form->payload_len ? payload : form->payload_len;

	if (n > 0)
		memcpy(frame + form->head_len, form->payload, n);
	else if (zeroed)
		return;
	memset(frame + form->head_len + n, 0, len - form->head_len - n);
}

// What the template leaves open. @return what that adds to the sum.
static inline uint64_t put_own(uint8_t *payload, uint32_t len, const struct wm_form *form, const struct wm_sample *s)
{
	bool template = form->payload != NULL;

	if (form->proto == WM_PROTO_TCP)
		return template ? 0 : wm_stub_put_tcp(payload, len);
	if (form->proto == WM_PROTO_UDP && wm_stub_wants(s))
		return wm_stub_finish_udp(payload, len, s, template);
	return 0;
}

void wm_frame_build(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s, bool zeroed)
{
	uint32_t len = s->len;
	uint32_t payload = len - form->head_len - form->pad;
	uint32_t l4_len = len - form->l4 - form->pad;
	uint8_t *l4 = frame + form->l4;
	uint64_t sum;

	assert(len >= (uint32_t)form->head_len + form->pad);
	if (form->ip == 0 && form->make != NULL) {
		form->make(frame, form, s);
		return;
	}
	if (form->ip == 0) {
		memcpy(frame, form->head, form->head_len);
		put_payload(frame, form, len, payload, zeroed);
		return;
	}
	copy_head(frame, form);
	put_macs(frame, form, s);
	if (form->ip == 4)
		sum = put_ipv4(frame + form->l3, form, s, len - form->l3 - form->pad);
	else
		sum = put_ipv6(frame, form, s, len - form->l3 - 40 - form->pad);
	put_payload(frame, form, len, payload, zeroed);
	if (form->l4 == 0)
		return;
	sum += form->l4_sum + htobe16((uint16_t)l4_len) + wm_form_payload_sum(form, payload);
	if (payload > 0)
		sum += put_own(frame + form->head_len, payload, form, s);
	if (form->proto == WM_PROTO_TCP)
		put_tcp(l4, form, s, sum);
	else if (form->proto == WM_PROTO_UDP)
		put_udp(l4, s, sum, l4_len);
	else if (form->proto == WM_PROTO_ICMP6)
		put_icmp(l4, form, s, sum);
	else // no pseudo-header
		put_icmp(l4, form, s, (uint64_t)form->l4_sum + wm_form_payload_sum(form, payload));
}
