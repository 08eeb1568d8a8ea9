// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/checksum.h>
#include <packet/dissect.h>
#include <packet/form.h>

#include <errno.h>
#include <string.h>

enum { ETH_LEN = 14, MAC_LEN = 6 };

static const uint8_t broadcast_mac[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool is_transport(uint8_t proto)
{
	return proto == WM_PROTO_TCP || proto == WM_PROTO_UDP || proto == WM_PROTO_ICMP || proto == WM_PROTO_ICMP6;
}

// Whether an IP packet's headers are all there and make sense.
static bool is_whole(const struct wm_packet *pkt, const uint8_t *frame)
{
	if (pkt->head_len > pkt->cap_len)
		return false;
	if (pkt->later_fragment)
		return true;
	if (pkt->net == WM_NET_IPV6 && wm_ipv6_extension(pkt->proto)) // it was cut short, or dissect had gone past it
		return false;
	if (!is_transport(pkt->proto))
		return true;
	if (pkt->l4 == 0 || pkt->head_len < pkt->l4 + 8)
		return false;
	return pkt->proto != WM_PROTO_TCP || frame[pkt->l4 + 12] >> 4 >= 5;
}

struct tcp_options {
	uint16_t ts; // offsets from the frame's start
	uint16_t sack;
	uint16_t sack_n;
};

// Options behind a malformed one are left as they are.
static struct tcp_options find_tcp_options(const uint8_t *frame, size_t off, size_t end)
{
	struct tcp_options found = {0};

	while (off + 2 <= end && frame[off] != 0) {
		uint8_t kind = frame[off], len = frame[off + 1];

		if (kind == 1) {
			off++;
			continue;
		}
		if (len < 2 || off + len > end)
			break;
		if (kind == 8 && len == 10 && found.ts == 0)
			found.ts = (uint16_t)(off + 2);
		if (kind == 5 && len > 2 && (len - 2) % 8 == 0 && found.sack == 0) {
			found.sack = (uint16_t)(off + 2);
			found.sack_n = (uint16_t)((len - 2) / 8);
		}
		off += len;
	}
	return found;
}

// Offset of the identification in an IPv6 fragment header, 0 if there is none. The headers are whole.
static size_t find_fragment_id(const uint8_t *frame, size_t l3, size_t head_len)
{
	size_t off = l3 + 40;
	uint8_t next = frame[l3 + 6];

	while (next != 44 && wm_ipv6_extension(next) && off + 8 <= head_len) {
		next = frame[off];
		off += next == 51 ? (frame[off + 1] + 2u) * 4 : (frame[off + 1] + 1u) * 8;
	}
	return next == 44 && off + 8 <= head_len ? off + 4 : 0;
}

static void blank_transport(uint8_t *image, uint8_t proto, size_t l4, size_t head_len)
{
	uint8_t *p = image + l4;
	struct tcp_options options;

	switch (proto) {
	case WM_PROTO_TCP:
		memset(p, 0, 12);
		p[13] = 0;
		memset(p + 14, 0, 4);
		options = find_tcp_options(image, l4 + 20, head_len);
		memset(image + options.ts, 0, options.ts > 0 ? 8 : 0);
		memset(image + options.sack, 0, options.sack_n * 8u);
		break;
	case WM_PROTO_UDP:
		memset(p, 0, 8);
		break;
	default: // ICMP
		memset(p + 2, 0, 2);
		if (wm_icmp_echo(proto, p[0])) {
			p[0] = proto == WM_PROTO_ICMP ? 8 : 128;
			memset(p + 4, 0, 4);
		}
	}
}

static void blank_ip(uint8_t *image, const struct wm_packet *pkt, size_t l3, size_t head_len, uint16_t pad)
{
	uint8_t *ip = image + l3;
	size_t id;

	if (pkt->net == WM_NET_IPV4) {
		bool zero_id = (ip[6] & 0x40) != 0 && wm_be16(ip + 4) == 0;

		wm_put_be16(ip + 2, pad);
		wm_put_be16(ip + 4, zero_id);
		memset(ip + 10, 0, 10); // checksum, addresses
		return;
	}
	wm_put_be32(ip, (wm_be32(ip) & 0xfff00000) | ((wm_be32(ip) & 0xfffff) != 0));
	wm_put_be16(ip + 4, pad);
	memset(ip + 8, 0, 32);
	id = find_fragment_id(image, l3, head_len);
	memset(image + id, 0, id > 0 ? 4 : 0);
}

// Ethernet header and whatever bytes [l3, end) of the packet were. @return the image's length, 0 if too long.
static size_t copy_head(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *image, size_t end)
{
	size_t link_len = pkt->link == WM_LINK_ETHERNET ? pkt->l3 : ETH_LEN;
	size_t n = link_len + end - pkt->l3;

	if (n > WM_FORM_HEAD_MAX)
		return 0;
	if (pkt->link == WM_LINK_ETHERNET) {
		memcpy(image, frame, link_len);
	} else {
		memcpy(image, pkt->dst, MAC_LEN);
		memcpy(image + MAC_LEN, pkt->src, MAC_LEN);
		wm_put_be16(image + 12, pkt->ethertype);
	}
	memcpy(image + link_len, frame + pkt->l3, end - pkt->l3);
	return n;
}

static size_t image_of_other(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *image)
{
	size_t link_len = pkt->link == WM_LINK_ETHERNET ? pkt->l3 : ETH_LEN;
	size_t end = pkt->l3;

	if (!wm_link_known(pkt->link) || (pkt->link == WM_LINK_ETHERNET && pkt->cap_len < ETH_LEN))
		return 0;
	if (pkt->ethertype == 0x0800 || pkt->ethertype == 0x86dd) // an IP header that makes no sense
		return 0;
	if (link_len < WM_FORM_HEAD_MAX)
		end += WM_FORM_HEAD_MAX - link_len;
	return copy_head(pkt, frame, image, end < pkt->cap_len ? end : pkt->cap_len);
}

uint32_t wm_form_frame_len(const struct wm_packet *pkt)
{
	return pkt->link == WM_LINK_ETHERNET ? pkt->len : pkt->len - pkt->l3 + ETH_LEN;
}

// Whether the frame was broadcast though its IP address does not say so (a subnet's broadcast address).
static bool needs_broadcast(const struct wm_packet *pkt, const uint8_t *image)
{
	bool everyone = pkt->net == WM_NET_IPV4 && wm_load32(pkt->dst + 12) == UINT32_MAX;

	return pkt->link == WM_LINK_ETHERNET && !everyone && memcmp(image, broadcast_mac, MAC_LEN) == 0;
}

size_t wm_form_image(const struct wm_packet *pkt, const uint8_t *frame, uint8_t *image)
{
	uint32_t used = pkt->head_len + pkt->payload;
	uint32_t pad = pkt->has_length && pkt->len > used ? pkt->len - used : 0;
	size_t n, l3, l4;

	if (pkt->net == WM_NET_OTHER)
		return image_of_other(pkt, frame, image);
	if (!is_whole(pkt, frame))
		return 0;
	n = copy_head(pkt, frame, image, pkt->head_len);
	if (n == 0)
		return 0;
	l3 = n - (pkt->head_len - pkt->l3);
	l4 = n - (pkt->head_len - pkt->l4);
	if (pkt->link != WM_LINK_ETHERNET)
		wm_put_be16(image + 12, pkt->net == WM_NET_IPV4 ? 0x0800 : 0x86dd);
	if (!needs_broadcast(pkt, image))
		memset(image, 0, MAC_LEN);
	memset(image + MAC_LEN, 0, MAC_LEN);
	blank_ip(image, pkt, l3, n, pad < UINT16_MAX ? (uint16_t)pad : UINT16_MAX);
	if (!pkt->later_fragment && is_transport(pkt->proto))
		blank_transport(image, pkt->proto, l4, n);
	return n;
}

// Reads what the image's length, id and label fields say, and makes them the zeros that the builder expects.
static void init_ip(struct wm_form *form, const struct wm_packet *pkt)
{
	uint8_t *ip = form->head + pkt->l3;

	form->l3 = pkt->l3;
	form->proto = pkt->proto;
	form->broadcast = memcmp(form->head, broadcast_mac, MAC_LEN) == 0;
	if (pkt->net == WM_NET_IPV4) {
		form->ip = 4;
		form->pad = wm_be16(ip + 2);
		form->vary_id = wm_be16(ip + 4) == 0;
		memset(ip + 2, 0, 4);
		form->head_sum = wm_sum_fold(wm_sum_add(0, ip, (ip[0] & 15u) * 4));
	} else {
		form->ip = 6;
		form->pad = wm_be16(ip + 4);
		form->vary_label = (wm_be32(ip) & 0xfffff) != 0;
		form->fragment = (uint16_t)find_fragment_id(form->head, pkt->l3, pkt->head_len);
		wm_put_be32(ip, wm_be32(ip) & 0xfff00000);
		memset(ip + 4, 0, 2);
	}
}

static void init_transport(struct wm_form *form, const struct wm_packet *pkt)
{
	const uint8_t *p = form->head + pkt->l4;
	uint64_t sum;

	if (pkt->later_fragment || !is_transport(pkt->proto))
		return;
	form->l4 = pkt->l4;
	sum = wm_sum_add(0, p, (size_t)pkt->head_len - pkt->l4);
	if (pkt->proto == WM_PROTO_TCP) {
		struct tcp_options options = find_tcp_options(form->head, pkt->l4 + 20u, pkt->head_len);

		form->ts = options.ts;
		form->sack = options.sack;
		form->sack_n = options.sack_n;
	} else if (pkt->proto != WM_PROTO_UDP && wm_icmp_echo(pkt->proto, p[0])) {
		form->echo = true;
		form->head[pkt->l4] = 0; // the sample's type takes its place
		sum = wm_sum_add(0, p, (size_t)pkt->head_len - pkt->l4);
	}
	if (pkt->proto != WM_PROTO_ICMP)
		sum += htobe16(pkt->proto);
	form->l4_sum = wm_sum_fold(sum);
}

// The headers in form->head, which come from a file, are put into the shape that wm_form_image() gives.
static int init_head(struct wm_form *form, size_t len, struct wm_err *err)
{
	struct wm_packet pkt;
	uint16_t pad, id;

	wm_dissect(&pkt, WM_LINK_ETHERNET, 0, form->head, (uint32_t)len, UINT16_MAX);
	form->head_len = (uint16_t)len;
	if (pkt.net == WM_NET_OTHER) {
		if (len < ETH_LEN || pkt.ethertype == 0x0800 || pkt.ethertype == 0x86dd)
			return wm_err_set(err, -EINVAL, "header image of %zu bytes: not an Ethernet or IP header", len);
		return 0;
	}
	if (pkt.head_len != len || !is_whole(&pkt, form->head))
		return wm_err_set(err, -EINVAL, "header image of %zu bytes: not a whole packet header (%u bytes long)",
			len, pkt.head_len);
	pad = wm_be16(form->head + pkt.l3 + (pkt.net == WM_NET_IPV4 ? 2 : 4));
	if (len + pad > UINT16_MAX)
		return wm_err_set(err, -EINVAL, "header image of %zu bytes: padding of %u bytes is too much", len, pad);
	id = wm_be16(form->head + pkt.l3 + 4);
	blank_ip(form->head, &pkt, pkt.l3, len, pad);
	if (pkt.net == WM_NET_IPV4)
		wm_put_be16(form->head + pkt.l3 + 4, id);
	if (!pkt.later_fragment && is_transport(pkt.proto))
		blank_transport(form->head, pkt.proto, pkt.l4, len);
	init_ip(form, &pkt);
	init_transport(form, &pkt);
	return 0;
}

int wm_form_init(struct wm_form *form, const uint8_t *image, size_t image_len, const uint8_t *payload,
	uint32_t *payload_sum, size_t payload_len, struct wm_err *err)
{
	struct wm_form f = {0};
	uint32_t sum = 0;
	int rc;

	if (image_len > WM_FORM_HEAD_MAX)
		return wm_err_set(err, -EINVAL, "header image of %zu bytes: at most %d are possible", image_len,
			WM_FORM_HEAD_MAX);
	if (image_len + payload_len > UINT16_MAX)
		return wm_err_set(err, -EINVAL, "payload template of %zu bytes: does not fit in a packet", payload_len);
	memcpy(f.head, image, image_len);
	rc = init_head(&f, image_len, err);
	if (rc < 0)
		return rc;
	if (payload_len > 0) {
		for (size_t i = 0; i < payload_len / 2; i++) {
			payload_sum[i] = sum;
			sum += wm_load16(payload + 2 * i);
		}
		payload_sum[payload_len / 2] = sum;
		f.payload = payload;
		f.payload_sum = payload_sum;
		f.payload_len = (uint32_t)payload_len;
	}
	*form = f;
	return 0;
}
