// SPDX-License-Identifier: BSD-3-Clause
// Source: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 of https://www.tcpdump.org/linktypes.html.
#include <base/bytes.h>
#include <packet/dissect.h>
#include <packet/link.h>

#include <string.h>

enum {
	MAC_LEN = 6,
	ARPHRD_NETLINK = 824, // messages of the kernel to itself
	LENGTH_MAX = 1500,    // IEEE 802.3: up to here the type field is a length
};

// A cooked header's fields, and its length.
struct cooked {
	uint16_t type; // ethertype; up to LENGTH_MAX: a frame without one
	uint16_t device;
	uint16_t mac_len;
	const uint8_t *mac;
	int len;
};

static struct cooked read_cooked(int link, const uint8_t *p)
{
	if (link == WM_LINK_SLL)
		return (struct cooked){wm_be16(p + 14), wm_be16(p + 2), wm_be16(p + 4), p + 6, 16};
	return (struct cooked){wm_be16(p), wm_be16(p + 8), p[11], p + 12, 20};
}

static void put_mac(uint8_t *mac, const uint8_t addr[16], enum wm_net net, bool to)
{
	static const uint8_t own[2] = {2, 0}, multicast_ipv6[2] = {0x33, 0x33};

	if (net == WM_NET_OTHER) {
		memset(mac, 0, MAC_LEN);
		return;
	}
	memcpy(mac, own, sizeof(own));
	memcpy(mac + 2, addr + 12, 4);
	if (!to)
		return;
	if (net == WM_NET_IPV6 && addr[0] == 0xff) {
		memcpy(mac, multicast_ipv6, sizeof(multicast_ipv6)); // RFC 2464 section 7
	} else if (net == WM_NET_IPV4 && wm_be32(addr + 12) == UINT32_MAX) {
		memset(mac, 0xff, MAC_LEN);
	} else if (net == WM_NET_IPV4 && (addr[12] & 0xf0) == 0xe0) { // RFC 1112 section 6.4
		mac[0] = 1;
		mac[2] = 0x5e;
		mac[3] &= 0x7f;
	}
}

int wm_ether_head(const struct wm_packet *pkt, const uint8_t *data, uint8_t *head)
{
	bool cooked = pkt->link == WM_LINK_SLL || pkt->link == WM_LINK_SLL2;
	struct cooked c;

	put_mac(head, pkt->dst, pkt->net, true);
	put_mac(head + MAC_LEN, pkt->src, pkt->net, false);
	if (!cooked) {
		wm_put_be16(head + 12, pkt->ethertype);
		return pkt->ethertype != 0 ? pkt->l3 : -1;
	}
	if (pkt->cap_len < (pkt->link == WM_LINK_SLL ? 16u : 20u))
		return -1;
	c = read_cooked(pkt->link, data);
	if (c.device == ARPHRD_NETLINK)
		return -1;
	if (c.mac_len == MAC_LEN)
		memcpy(head + MAC_LEN, c.mac, MAC_LEN);
	if (c.type <= LENGTH_MAX)
		c.type = (uint16_t)(pkt->len - (uint32_t)c.len <= LENGTH_MAX ? pkt->len - (uint32_t)c.len : LENGTH_MAX);
	wm_put_be16(head + 12, c.type);
	return c.len;
}
