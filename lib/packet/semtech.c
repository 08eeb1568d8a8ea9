// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/checksum.h>
#include <packet/dissect.h>
#include <packet/semtech.h>

#include <assert.h>

enum {
	ETH_LEN = 14,
	IP_LEN = 20,
	UDP_LEN = 8,
	L4 = ETH_LEN + IP_LEN,
	UDP_HEAD = L4 + UDP_LEN,
	PUSH_LEN = 12,
	ACK_LEN = 4,
	PROTOCOL_VERSION = 2,
	PUSH_DATA = 0,
	PUSH_ACK = 1,
	TTL_GATEWAY = 64,
	TTL_SERVER = 54, // ten hops away
	LORATAP_EUI = 15,
};

// ---------------------------------------------------------------------------------------------- JSON

static char *put_text(char *p, const char *text)
{
	while (*text != '\0')
		*p++ = *text++;
	return p;
}

static char *put_number(char *p, uint32_t v, unsigned min_digits)
{
	char digits[10];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 || n < min_digits);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *put_signed(char *p, int v)
{
	if (v < 0)
		*p++ = '-';
	return put_number(p, (uint32_t)(v < 0 ? -v : v), 1);
}

// Quarters of a dB with one digit, as printf("%.1f") rounds them.
static char *put_snr(char *p, int quarters)
{
	static const char tenths[4] = {'0', '2', '5', '8'};
	unsigned v = (unsigned)(quarters < 0 ? -quarters : quarters);

	if (quarters < 0)
		*p++ = '-';
	p = put_number(p, v / 4, 1);
	*p++ = '.';
	*p++ = tenths[v % 4];
	return p;
}

size_t wm_base64_write(char *out, const uint8_t *data, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	const uint32_t none = 64;
	char *p = out;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)data[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)data[i + 1] << 8;
		if (i + 2 < n)
			v |= data[i + 2];
		*p++ = alphabet[v >> 18];
		*p++ = alphabet[v >> 12 & 63];
		*p++ = alphabet[i + 1 < n ? v >> 6 & 63 : none];
		*p++ = alphabet[i + 2 < n ? v & 63 : none];
	}
	return (size_t)(p - out);
}

size_t wm_semtech_json(char *out, const struct wm_lora *l, uint32_t key)
{
	static const char *const stat[] = {"0", "1", "-1"}; // by enum wm_lora_crc
	uint8_t phy[WM_PHY_MAX];
	char *p = out;

	wm_phy_write(phy, l, key);
	p = put_number(put_text(p, "{\"rxpk\":[{\"tmst\":"), l->clock_us, 1);
	p = put_number(put_text(p, ",\"chan\":"), l->channel, 1);
	p = put_number(
		put_text(p, ",\"rfch\":"), l->channel >= 4, 1); // a concentrator's second radio has the upper ones
	p = put_number(put_text(p, ",\"freq\":"), l->freq_hz / 1000000, 1);
	p = put_number(put_text(p, "."), l->freq_hz % 1000000, 6);
	p = put_text(put_text(p, ",\"stat\":"), stat[l->crc <= WM_LORA_CRC_BAD ? l->crc : 0]);
	p = put_number(put_text(p, ",\"modu\":\"LORA\",\"datr\":\"SF"), l->sf, 1);
	p = put_number(put_text(p, "BW"), 125u * l->bw, 1);
	p = put_number(put_text(p, "\",\"codr\":\"4/"), l->cr, 1);
	p = put_snr(put_text(p, "\",\"lsnr\":"), l->snr);
	p = put_signed(put_text(p, ",\"rssi\":"), l->rssi);
	p = put_number(put_text(p, ",\"size\":"), l->len, 1);
	p = put_text(p, ",\"data\":\"");
	p += wm_base64_write(p, phy, l->len);
	p = put_text(p, "\"}]}");
	assert(p - out <= WM_SEMTECH_JSON_MAX);
	return (size_t)(p - out);
}

// ---------------------------------------------------------------------------------------------- frames

// Both ends of a datagram make the same token of its key. Port 1700 is also taken for RADIUS (RFC 5176), in which the
// token's low byte begins a length: one above 4096, which no message there has, tells the two apart.
static uint16_t token_of(uint32_t key)
{
	uint32_t x = key * 0x9E3779B1u;

	return (uint16_t)((x >> 16 & 0xff00) | (0x11 + (x >> 8 & 0xffff) % (0x100 - 0x11)));
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)wm_be32(p) << 32 | wm_be32(p + 4);
}

static void make_loratap(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	size_t n = wm_loratap_write(frame, &s->lora, form->head[0], wm_form_lora_eui(form));

	wm_phy_write(frame + n, &s->lora, s->seq);
}

// Length, id and both checksums of a datagram whose headers and payload stand.
static void finish_datagram(uint8_t *frame, const struct wm_sample *s)
{
	uint8_t *ip = frame + ETH_LEN, *udp = frame + L4;
	uint16_t len = (uint16_t)(s->len - L4);
	uint64_t sum;

	wm_put_be16(ip + 2, (uint16_t)(s->len - ETH_LEN));
	wm_put_be16(ip + 4, (uint16_t)(s->seq ^ s->seq >> 16 ^ s->time_ns >> 20));
	wm_sum_put(ip + 10, wm_sum_add(0, ip, IP_LEN));
	wm_put_be16(udp + 4, len);
	sum = wm_sum_add(wm_sum_add(0, ip + 12, 8), udp, len);
	wm_sum_put(udp + 6, sum + htobe16(WM_PROTO_UDP) + htobe16(len));
	if (wm_load16(udp + 6) == 0) // 0 says that there is no checksum (RFC 768)
		memset(udp + 6, 0xff, 2);
}

static void make_push_data(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	char json[WM_SEMTECH_JSON_MAX];
	size_t n = wm_semtech_json(json, &s->lora, s->seq);

	memcpy(frame, form->head, form->head_len);
	wm_put_be16(frame + UDP_HEAD + 1, token_of(s->seq + s->lora.gateway));
	memcpy(frame + form->head_len, json, n);
	finish_datagram(frame, s);
}

static void make_push_ack(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	memcpy(frame, form->head, form->head_len);
	wm_put_be16(frame + UDP_HEAD + 1, token_of(s->seq + s->lora.gateway));
	finish_datagram(frame, s);
}

static void put_mac(uint8_t *p, uint32_t address)
{
	wm_put_be16(p, 0x0200);
	wm_put_be32(p + 2, address);
}

// A head with all that does not differ from datagram to datagram.
static void init_form(struct wm_form *form, wm_make_fn *make, size_t head_len)
{
	static const uint8_t none[1];

	*form = (struct wm_form){.make = make, .head_len = (uint16_t)head_len};
	form->payload = none; // a template of no bytes: what follows the head is no zeros
}

static void put_headers(struct wm_form *form, const struct wm_semtech_route *r, bool from_server)
{
	uint32_t src = from_server ? r->server : r->gateway, dst = from_server ? r->gateway : r->server;
	uint8_t *ip = form->head + ETH_LEN, *udp = form->head + L4;

	put_mac(form->head, dst);
	put_mac(form->head + 6, src);
	wm_put_be16(form->head + 12, 0x0800);
	ip[0] = 0x45;
	wm_put_be16(ip + 6, 0x4000); // do not fragment
	ip[8] = from_server ? TTL_SERVER : TTL_GATEWAY;
	ip[9] = WM_PROTO_UDP;
	wm_put_be32(ip + 12, src);
	wm_put_be32(ip + 16, dst);
	wm_put_be16(udp, from_server ? r->server_port : r->gateway_port);
	wm_put_be16(udp + 2, from_server ? r->gateway_port : r->server_port);
	form->head[UDP_HEAD] = PROTOCOL_VERSION;
}

void wm_form_loratap(struct wm_form *form, unsigned version, uint64_t eui)
{
	init_form(form, make_loratap, version == 1 ? WM_LORATAP1_LEN : WM_LORATAP_LEN);
	(void)wm_loratap_write(form->head, &(struct wm_lora){0}, 1, eui); // version 0 has no place for the EUI
	form->head[0] = (uint8_t)version;
}

void wm_form_push_data(struct wm_form *form, const struct wm_semtech_route *route)
{
	init_form(form, make_push_data, UDP_HEAD + PUSH_LEN);
	put_headers(form, route, false);
	form->head[UDP_HEAD + 3] = PUSH_DATA;
	wm_put_be32(form->head + UDP_HEAD + 4, (uint32_t)(route->eui >> 32));
	wm_put_be32(form->head + UDP_HEAD + 8, (uint32_t)route->eui);
}

void wm_form_push_ack(struct wm_form *form, const struct wm_semtech_route *route)
{
	init_form(form, make_push_ack, UDP_HEAD + ACK_LEN);
	put_headers(form, route, true);
	form->head[UDP_HEAD + 3] = PUSH_ACK;
}

uint64_t wm_form_lora_eui(const struct wm_form *form)
{
	return be64(form->head + (form->make == make_loratap ? LORATAP_EUI : UDP_HEAD + 4));
}

bool wm_form_is_lora(const struct wm_form *form)
{
	return form->make == make_loratap || form->make == make_push_data || form->make == make_push_ack;
}

uint16_t wm_lora_frame_len(const struct wm_form *form, const struct wm_sample *s)
{
	char json[WM_SEMTECH_JSON_MAX];

	if (form->make == make_loratap)
		return (uint16_t)(form->head_len + s->lora.len);
	if (form->make == make_push_data)
		return (uint16_t)(form->head_len + wm_semtech_json(json, &s->lora, s->seq));
	return form->head_len;
}
