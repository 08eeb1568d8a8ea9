// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/checksum.h>
#include <packet/dissect.h>
#include <packet/dress.h>
#include <packet/link.h>
#include <packet/map.h>

#include <string.h>

enum {
	TYPE_AT = 12,
	VLAN_ID = 0x0fff,
	TYPE_IPV4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_IPV6 = 0x86dd,
	PROTO_DCCP = 33,
	PROTO_UDP_LITE = 136,
};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

// Sums of what changes, word by word, each for a checksum that has it under it.
struct change {
	uint32_t ip;    // IPv4 header
	uint32_t inner; // transport, its pseudo-header included
	uint32_t outer; // everything: of the ICMP message that quotes the packet
	bool any;
};

// Put n bytes (even) in the place of others. @return what it adds to sums.
static uint32_t put(struct change *c, uint8_t *at, const void *now, size_t n)
{
	const uint8_t *p = now;
	uint32_t sum = 0;

	if (memcmp(at, now, n) == 0)
		return 0;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)(uint16_t)~wm_load16(at + i) + wm_load16(p + i);
	memcpy(at, now, n);
	c->outer += sum;
	c->any = true;
	return sum;
}

// RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
static void mend(struct change *c, uint8_t *at, uint32_t sum, bool zero_is_none)
{
	uint16_t now;

	if (sum == 0 || (zero_is_none && wm_load16(at) == 0))
		return;
	now = (uint16_t)~wm_sum_fold((uint64_t)(uint16_t)~wm_load16(at) + sum);
	if (now == 0 && zero_is_none)
		now = UINT16_MAX;
	(void)put(c, at, &now, sizeof(now));
}

static bool has_prefix(const uint8_t *addr, const uint8_t *prefix, unsigned bits)
{
	unsigned n = bits / 8, rest = bits % 8;

	return memcmp(addr, prefix, n) == 0 && (rest == 0 || (addr[n] ^ prefix[n]) >> (8 - rest) == 0);
}

static bool is_ipv4(const uint8_t addr[16])
{
	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

void wm_map_address(const struct wm_map *m, uint8_t addr[16])
{
	for (unsigned i = 0; i < m->n_nets; i++) {
		const struct wm_map_net *net = &m->nets[i];
		unsigned n = net->to_bits / 8, rest = net->to_bits % 8;

		if (is_ipv4(addr) != is_ipv4(net->from) || !has_prefix(addr, net->from, net->from_bits))
			continue;
		// A larger network has room to spare: zero bits between its prefix and the host part.
		for (unsigned bit = net->to_bits; bit < net->from_bits; bit++)
			addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		memcpy(addr, net->to, n);
		if (rest > 0)
			addr[n] = (uint8_t)((net->to[n] & 0xff00 >> rest) | (addr[n] & 0xff >> rest));
		return;
	}
}

static uint16_t map_number(const struct wm_map_number *numbers, unsigned n, uint16_t number)
{
	for (unsigned i = 0; i < n; i++)
		if (numbers[i].from == number)
			return numbers[i].to;
	return number;
}

uint16_t wm_map_port(const struct wm_map *m, uint16_t port)
{
	return map_number(m->ports, m->n_ports, port);
}

static void map_mac(const struct wm_map *m, struct change *c, uint8_t *mac)
{
	for (unsigned i = 0; i < m->n_macs; i++) {
		if (memcmp(mac, m->macs[i].from, WM_MAC_LEN) == 0) {
			c->inner += put(c, mac, m->macs[i].to, WM_MAC_LEN);
			return;
		}
	}
}

static uint32_t map_ipv4(const struct wm_map *m, struct change *c, uint8_t *at)
{
	uint8_t addr[16];

	memcpy(addr, mapped, sizeof(mapped));
	memcpy(addr + 12, at, 4);
	wm_map_address(m, addr);
	return put(c, at, addr + 12, 4);
}

static uint32_t map_ipv6(const struct wm_map *m, struct change *c, uint8_t *at)
{
	uint8_t addr[16];

	memcpy(addr, at, sizeof(addr));
	wm_map_address(m, addr);
	return put(c, at, addr, sizeof(addr));
}

static void map_ports(const struct wm_map *m, struct change *c, uint8_t *l4)
{
	for (unsigned i = 0; i < 4; i += 2) {
		uint8_t now[2];

		wm_put_be16(now, wm_map_port(m, wm_be16(l4 + i)));
		c->inner += put(c, l4 + i, now, sizeof(now));
	}
}

static void map_ip(const struct wm_map *m, struct change *c, uint8_t *ip, size_t len, bool quoted);

// An ICMP message: what it quotes, and the addresses that it is about. Sums go to the message's own checksum.
static void map_icmp(const struct wm_map *m, struct change *c, uint8_t *l4, size_t len)
{
	bool error = l4[0] == 3 || l4[0] == 4 || l4[0] == 5 || l4[0] == 11 || l4[0] == 12;
	struct change quote = {0};

	if (len < 8 || !error)
		return;
	if (l4[0] == 5)
		c->inner += map_ipv4(m, c, l4 + 4);
	map_ip(m, &quote, l4 + 8, len - 8, true);
	c->inner += quote.outer;
	c->outer += quote.outer;
	c->any |= quote.any;
}

// Neighbour discovery (RFC 4861 section 4): addresses of targets, and the MAC addresses in options.
static void map_discovery(const struct wm_map *m, struct change *c, uint8_t *l4, size_t len)
{
	size_t off = l4[0] == 133 ? 8 : l4[0] == 134 ? 16 : l4[0] == 137 ? 40 : 24;

	if (len < off)
		return;
	if (off >= 24)
		c->inner += map_ipv6(m, c, l4 + 8);
	if (off == 40)
		c->inner += map_ipv6(m, c, l4 + 24);
	while (off + 8 <= len && l4[off + 1] > 0) {
		if (l4[off] <= 2)
			map_mac(m, c, l4 + off + 2);
		off += l4[off + 1] * 8u;
	}
}

static void map_icmp6(const struct wm_map *m, struct change *c, uint8_t *l4, size_t len)
{
	struct change quote = {0};

	if (l4[0] >= 133 && l4[0] <= 137) {
		map_discovery(m, c, l4, len);
	} else if (l4[0] >= 1 && l4[0] <= 4 && len >= 8) {
		map_ip(m, &quote, l4 + 8, len - 8, true);
		c->inner += quote.outer;
		c->outer += quote.outer;
		c->any |= quote.any;
	}
}

// len: of the transport header and what follows, as far as it is there.
static void map_transport(const struct wm_map *m, struct change *c, uint8_t proto, uint8_t *l4, size_t len, bool quoted)
{
	size_t sum_at = 6;

	if (len < 4)
		return;
	switch (proto) {
	case WM_PROTO_TCP:
		sum_at = 16;
		map_ports(m, c, l4);
		break;
	case WM_PROTO_UDP:
	case PROTO_UDP_LITE:
	case PROTO_DCCP:
		map_ports(m, c, l4);
		break;
	case WM_PROTO_ICMP:
		sum_at = 2;
		c->inner = 0; // no pseudo-header
		if (!quoted)
			map_icmp(m, c, l4, len);
		break;
	case WM_PROTO_ICMP6:
		sum_at = 2;
		if (!quoted)
			map_icmp6(m, c, l4, len);
		break;
	default: // no checksum with a pseudo-header under it
		return;
	}
	if (len >= sum_at + 2)
		mend(c, l4 + sum_at, c->inner, proto == WM_PROTO_UDP);
}

// Offset of the transport header behind IPv6's extension headers; 0 if it is not there, or of another fragment.
static size_t pass_extensions(const uint8_t *ip, size_t len, uint8_t *proto)
{
	size_t off = 40;

	*proto = ip[6];
	while (wm_ipv6_extension(*proto) && off + 8 <= len) {
		const uint8_t *ext = ip + off;

		if (*proto == 44 && wm_be16(ext + 2) >> 3 != 0)
			return 0;
		off += *proto == 44 ? 8 : *proto == 51 ? (ext[1] + 2u) * 4 : (ext[1] + 1u) * 8;
		*proto = ext[0];
	}
	return off < len ? off : 0;
}

// An IP packet, or as much of it as is there (or is quoted).
static void map_ip(const struct wm_map *m, struct change *c, uint8_t *ip, size_t len, bool quoted)
{
	size_t l4 = 0;
	uint8_t proto = 0;

	if (len >= 20 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5) {
		c->ip = map_ipv4(m, c, ip + 12);
		c->ip += map_ipv4(m, c, ip + 16);
		c->inner += c->ip;
		mend(c, ip + 10, c->ip, false);
		proto = ip[9];
		if ((wm_be16(ip + 6) & 0x1fff) == 0)
			l4 = (ip[0] & 15) * 4u;
	} else if (len >= 40 && ip[0] >> 4 == 6) {
		c->inner += map_ipv6(m, c, ip + 8);
		c->inner += map_ipv6(m, c, ip + 24);
		l4 = pass_extensions(ip, len, &proto);
	}
	if (l4 > 0 && l4 < len)
		map_transport(m, c, proto, ip + l4, len - l4, quoted);
}

// Ethernet and IPv4 (RFC 826).
static void map_arp(const struct wm_map *m, struct change *c, uint8_t *arp, size_t len)
{
	static const uint8_t kind[6] = {0, 1, 8, 0, 6, 4};

	if (len < 28 || memcmp(arp, kind, sizeof(kind)) != 0)
		return;
	for (size_t off = 8; off <= 18; off += 10) {
		map_mac(m, c, arp + off);
		(void)map_ipv4(m, c, arp + off + 6);
	}
}

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

// @return the offset of the type behind all tags.
static size_t map_tags(const struct wm_map *m, struct change *c, uint8_t *frame, size_t len)
{
	size_t off = TYPE_AT;

	for (; off + 6 <= len && is_tag(wm_be16(frame + off)); off += 4) {
		uint16_t tag = wm_be16(frame + off + 2);
		uint8_t now[2];

		wm_put_be16(now, (uint16_t)((tag & ~VLAN_ID) | map_number(m->vlans, m->n_vlans, tag & VLAN_ID)));
		(void)put(c, frame + off + 2, now, sizeof(now));
	}
	return off;
}

bool wm_map_frame(const struct wm_map *m, uint8_t *frame, size_t len)
{
	struct change c = {0};
	size_t off;

	if (len < WM_ETHER_LEN)
		return false;
	map_mac(m, &c, frame);
	map_mac(m, &c, frame + WM_MAC_LEN);
	c.inner = 0; // no checksum covers them
	off = map_tags(m, &c, frame, len);
	switch (wm_be16(frame + off)) {
	case TYPE_IPV4:
	case TYPE_IPV6:
		map_ip(m, &c, frame + off + 2, len - off - 2, false);
		break;
	case TYPE_ARP:
		map_arp(m, &c, frame + off + 2, len - off - 2);
		break;
	default:
		break;
	}
	return c.any;
}

void wm_map_form(const struct wm_map *m, struct wm_form *form)
{
	struct change c = {0};

	if (form->make != NULL)
		return;
	if (form->ip == 0)
		(void)wm_map_frame(m, form->head, form->head_len);
	else
		(void)map_tags(m, &c, form->head, form->l3);
}

bool wm_map_narrows(const struct wm_map_net *net)
{
	return net->to_bits > net->from_bits;
}

bool wm_map_folds(const struct wm_map *m)
{
	for (unsigned i = 0; i < m->n_nets; i++)
		if (wm_map_narrows(&m->nets[i]))
			return true;
	return false;
}
