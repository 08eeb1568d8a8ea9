// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dissect.h>
#include <packet/dress.h>
#include <packet/link.h>
#include <packet/raw.h>

#include <string.h>

enum { TAG_AT = 2 * WM_MAC_LEN, VLAN_ID = 0x0fff };

// The template is none, but says that a frame may hold anything from its first byte on. The type of a tag that is there
// already tells a dress to change that one.
static const uint8_t nothing[1];
const struct wm_form wm_forms_raw[WM_FORMS_RAW] = {
	{.l3 = WM_ETHER_LEN, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + 2 * WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
	{.l3 = WM_ETHER_LEN + 3 * WM_VLAN_LEN, .head = {[TAG_AT] = 0x81}, .payload = nothing, .make = wm_raw_make},
};

// What the port says is in the form's head, where it is in the frame.
static void dress(uint8_t *frame, const struct wm_form *form)
{
	uint16_t vlan = wm_be16(form->head + TAG_AT + 2);

	if (form->own_src)
		memcpy(frame + WM_MAC_LEN, form->head + WM_MAC_LEN, WM_MAC_LEN);
	if (form->own_dst && (frame[0] & 1) == 0)
		memcpy(frame, form->head, WM_MAC_LEN);
	if (form->grown > 0)
		memcpy(frame + TAG_AT, form->head + TAG_AT, WM_VLAN_LEN);
	else if (vlan > 0)
		wm_put_be16(frame + TAG_AT + 2, (uint16_t)((wm_be16(frame + TAG_AT + 2) & ~VLAN_ID) | vlan));
}

void wm_raw_make(uint8_t *frame, const struct wm_form *form, const struct wm_sample *s)
{
	uint32_t len = s->len - form->grown;

	if (form->grown == 0 || len < WM_ETHER_LEN) {
		memcpy(frame, s->bytes, len);
		memset(frame + len, 0, form->grown);
	} else {
		memcpy(frame, s->bytes, TAG_AT);
		memcpy(frame + TAG_AT + WM_VLAN_LEN, s->bytes + TAG_AT, len - TAG_AT);
	}
	if (len + form->grown >= form->l3)
		dress(frame, form);
}

static struct wm_packet dissect(const struct wm_sample *s)
{
	struct wm_packet pkt;

	wm_dissect(&pkt, WM_LINK_ETHERNET, s->time_ns, s->bytes, s->len, s->len);
	return pkt;
}

static void gather(const struct wm_packet *pkt, struct wm_raw_facts *out)
{
	bool icmp = pkt->proto == WM_PROTO_ICMP || pkt->proto == WM_PROTO_ICMP6;

	*out = (struct wm_raw_facts){
		.ethertype = pkt->ethertype,
		.ip_len = pkt->net == WM_NET_OTHER ? 0 : (uint16_t)(pkt->head_len - pkt->l3 + pkt->payload),
		.ip = pkt->net == WM_NET_IPV4   ? 4
		      : pkt->net == WM_NET_IPV6 ? 6
						: 0,
		.proto = pkt->proto,
		.tos = pkt->tos,
		.type = icmp ? pkt->icmp_type : 0,
		.code = pkt->icmp_code,
		.flags = pkt->flags,
	};
}

void wm_raw_look(const struct wm_sample *s, struct wm_raw_facts *out)
{
	const struct wm_packet pkt = dissect(s);

	gather(&pkt, out);
}

void wm_raw_note(struct wm_sample *s)
{
	const struct wm_packet pkt = dissect(s);
	struct wm_raw_facts f;

	gather(&pkt, &f);
	memcpy(s->src, pkt.src, sizeof(s->src));
	memcpy(s->dst, pkt.dst, sizeof(s->dst));
	s->sport = pkt.sport;
	s->dport = pkt.dport;
	s->seq = (uint32_t)f.ethertype << 16 | f.ip_len;
	s->ack = (uint32_t)f.ip << 24 | (uint32_t)f.proto << 16 | (uint32_t)f.tos << 8 | f.type;
	s->window = f.code;
	s->flags = f.flags;
}

void wm_raw_noted(const struct wm_sample *s, struct wm_raw_facts *out)
{
	*out = (struct wm_raw_facts){
		.ethertype = (uint16_t)(s->seq >> 16),
		.ip_len = (uint16_t)s->seq,
		.ip = (uint8_t)(s->ack >> 24),
		.proto = (uint8_t)(s->ack >> 16),
		.tos = (uint8_t)(s->ack >> 8),
		.type = (uint8_t)s->ack,
		.code = (uint8_t)s->window,
		.flags = s->flags,
	};
}
