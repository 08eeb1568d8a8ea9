// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <packet/dissect.h>

#include <string.h>

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	LENGTH_MAX = 1500,       // IEEE 802.3: up to here the type field is a length
	HEADERS_MAX = 60 * 1024, // where the walk along tags and extension headers ends: offsets fit in 16 bits
};

bool wm_link_known(int link)
{
	switch (link) {
	case WM_LINK_NULL:
	case WM_LINK_ETHERNET:
	case 12: // raw IP, as some systems number it
	case 14:
	case WM_LINK_RAW:
	case WM_LINK_LOOP:
	case WM_LINK_SLL:
	case WM_LINK_IPV4:
	case WM_LINK_IPV6:
	case WM_LINK_SLL2:
		return true;
	default:
		return false;
	}
}

bool wm_port_known(uint16_t port)
{
	static const uint16_t registered[] = {1080, 1194, 1433, 1521, 1701, 1723, 1812, 1883, 1900, 2049, 3128, 3306,
		3389, 3478, 4500, 4789, 5060, 5061, 5201, 5222, 5353, 5355, 5432, 5683, 5684, 5900, 6379, 6443, 8000,
		8008, 8009, 8080, 8443, 8883, 9092, 9100, 9200, 11211, 20000, 27017, 44818, 47808};

	if (port < 1024)
		return port > 0;
	for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]) && registered[i] <= port; i++)
		if (registered[i] == port)
			return true;
	return false;
}

static bool is_vlan(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

static uint16_t type_of_version(const uint8_t *data, uint32_t off, uint32_t cap)
{
	if (off >= cap)
		return 0;
	return data[off] >> 4 == 4 ? ETHERTYPE_IPV4 : data[off] >> 4 == 6 ? ETHERTYPE_IPV6 : 0;
}

// From the type field on, whose value is given, over any tags. Sets l3 and ethertype.
static void walk_tags(struct wm_packet *pkt, const uint8_t *data, uint32_t off, uint32_t cap, uint16_t type)
{
	while (is_vlan(type) && off + 4 <= cap) {
		type = wm_be16(data + off + 2);
		off += 4;
	}
	if (type <= LENGTH_MAX && pkt->link == WM_LINK_ETHERNET)
		type = off < cap ? data[off] : 0;
	pkt->l3 = (uint16_t)off;
	pkt->ethertype = type;
}

static uint32_t link_header_len(int link)
{
	switch (link) {
	case WM_LINK_ETHERNET:
		return 14;
	case WM_LINK_SLL:
		return 16;
	case WM_LINK_SLL2:
		return 20;
	case WM_LINK_NULL:
	case WM_LINK_LOOP:
		return 4;
	default:
		return 0;
	}
}

// Sets l3 and ethertype, and the addresses of the link layer.
static void dissect_link(struct wm_packet *pkt, const uint8_t *data, uint32_t cap)
{
	uint32_t off = link_header_len(pkt->link);

	if (off > cap) {
		pkt->l3 = (uint16_t)cap;
		return;
	}
	pkt->l3 = (uint16_t)off;
	switch (pkt->link) {
	case WM_LINK_ETHERNET:
		memcpy(pkt->dst, data, 6);
		memcpy(pkt->src, data + 6, 6);
		walk_tags(pkt, data, off, cap, wm_be16(data + 12));
		break;
	case WM_LINK_SLL:
		memcpy(pkt->src, data + 6, 6);
		walk_tags(pkt, data, off, cap, wm_be16(data + 14));
		break;
	case WM_LINK_SLL2:
		memcpy(pkt->src, data + 12, 6);
		walk_tags(pkt, data, off, cap, wm_be16(data));
		break;
	default: // the address family of NULL differs from system to system; the version does not
		pkt->ethertype = type_of_version(data, off, cap);
	}
}

static void map_ipv4(uint8_t addr[16], const uint8_t *from)
{
	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	memcpy(addr + 12, from, 4);
}

// Sets everything of the IP layer; *l4 and *end are offsets of the transport header and of the datagram's end.
static bool dissect_ipv4(struct wm_packet *pkt, const uint8_t *data, uint32_t cap, uint32_t *l4, uint32_t *end)
{
	const uint8_t *ip = data + pkt->l3;
	uint16_t total, frag;

	if (pkt->l3 + 20u > cap || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return false;
	total = wm_be16(ip + 2);
	frag = wm_be16(ip + 6) & 0x3fff;
	pkt->net = WM_NET_IPV4;
	pkt->has_length = total > 0;
	pkt->tos = ip[1];
	pkt->ttl = ip[8];
	pkt->proto = ip[9];
	pkt->fragment = frag != 0;
	pkt->later_fragment = (frag & 0x1fff) != 0;
	map_ipv4(pkt->src, ip + 12);
	map_ipv4(pkt->dst, ip + 16);
	*l4 = pkt->l3 + (ip[0] & 15u) * 4;
	*end = total > 0 ? pkt->l3 + total : pkt->len;
	return true;
}

static bool dissect_ipv6(struct wm_packet *pkt, const uint8_t *data, uint32_t cap, uint32_t *l4, uint32_t *end)
{
	const uint8_t *ip = data + pkt->l3;
	uint32_t off = pkt->l3 + 40u;
	uint16_t total;
	uint8_t next;

	if (off > cap || ip[0] >> 4 != 6)
		return false;
	total = wm_be16(ip + 4);
	next = ip[6];
	pkt->net = WM_NET_IPV6;
	pkt->has_length = total > 0;
	pkt->tos = (uint8_t)(wm_be16(ip) >> 4);
	pkt->ttl = ip[7];
	memcpy(pkt->src, ip + 8, 16);
	memcpy(pkt->dst, ip + 24, 16);
	while (wm_ipv6_extension(next) && off + 8 <= cap && !pkt->later_fragment) {
		const uint8_t *ext = data + off;

		if (next == 44) {
			pkt->fragment = true;
			pkt->later_fragment = wm_be16(ext + 2) >> 3 != 0;
			off += 8;
		} else {
			off += next == 51 ? (ext[1] + 2u) * 4 : (ext[1] + 1u) * 8;
		}
		next = ext[0];
	}
	pkt->proto = next;
	*l4 = off;
	*end = total > 0 ? pkt->l3 + 40u + total : pkt->len;
	return true;
}

// have: captured bytes from the transport header on. @return the transport header's length.
static uint32_t dissect_transport(struct wm_packet *pkt, const uint8_t *p, uint32_t have)
{
	switch (pkt->proto) {
	case WM_PROTO_TCP:
	case WM_PROTO_UDP:
		if (have < 4)
			return 0;
		pkt->sport = wm_be16(p);
		pkt->dport = wm_be16(p + 2);
		if (pkt->proto == WM_PROTO_UDP)
			return 8;
		if (have < 16)
			return 20;
		pkt->seq = wm_be32(p + 4);
		pkt->ack = wm_be32(p + 8);
		pkt->flags = p[13];
		pkt->window = wm_be16(p + 14);
		return p[12] >> 4 > 5 ? (p[12] >> 4) * 4u : 20;
	case WM_PROTO_ICMP:
	case WM_PROTO_ICMP6:
		if (have < 2)
			return have > 0 ? 8 : 0;
		pkt->icmp_type = p[0];
		pkt->icmp_code = p[1];
		if (have >= 8 && wm_icmp_echo(pkt->proto, pkt->icmp_type))
			pkt->seq = wm_be32(p + 4);
		return 8;
	default:
		return 0;
	}
}

void wm_dissect(struct wm_packet *pkt, int link, uint64_t time_ns, const uint8_t *data, uint32_t cap_len, uint32_t len)
{
	uint32_t cap = cap_len < HEADERS_MAX ? cap_len : HEADERS_MAX;
	uint32_t l4 = 0, end = 0;
	bool ip = false;

	memset(pkt, 0, sizeof(*pkt));
	pkt->time_ns = time_ns;
	pkt->len = len > cap_len ? len : cap_len;
	pkt->cap_len = cap_len;
	pkt->link = link;
	if (wm_link_known(link))
		dissect_link(pkt, data, cap);
	if (pkt->ethertype == ETHERTYPE_IPV4)
		ip = dissect_ipv4(pkt, data, cap, &l4, &end);
	else if (pkt->ethertype == ETHERTYPE_IPV6)
		ip = dissect_ipv6(pkt, data, cap, &l4, &end);
	if (!ip) {
		pkt->head_len = pkt->l3;
		pkt->payload = pkt->len - pkt->l3;
		return;
	}
	pkt->head_len = (uint16_t)l4;
	if (!pkt->later_fragment && l4 < cap) {
		pkt->l4 = (uint16_t)l4;
		pkt->head_len = (uint16_t)(l4 + dissect_transport(pkt, data + l4, cap - l4));
	}
	pkt->payload = end > pkt->head_len ? end - pkt->head_len : 0;
}
