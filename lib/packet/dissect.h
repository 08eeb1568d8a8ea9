// SPDX-License-Identifier: BSD-3-Clause
// dissect: captured bytes -> the fields that wiremill learns. Never reads beyond the captured bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wm_link {
	WM_LINK_ETHERNET = 1, // numbers as in a pcap header (LINKTYPE_*)
	WM_LINK_NULL = 0,
	WM_LINK_LOOP = 108,
	WM_LINK_RAW = 101, // also 12, 14
	WM_LINK_IPV4 = 228,
	WM_LINK_IPV6 = 229,
	WM_LINK_SLL = 113,
	WM_LINK_SLL2 = 276,
	WM_LINK_LORATAP = 270, // packet/lora.h reads it; wm_dissect() does not
};

enum wm_net { WM_NET_OTHER, WM_NET_IPV4, WM_NET_IPV6 };

struct wm_packet {
	uint64_t time_ns; // as captured, since the epoch
	uint32_t len;     // on the wire (never below cap_len)
	uint32_t cap_len;
	int link; // as given
	enum wm_net net;
	uint16_t ethertype; // after VLAN tags; the LLC DSAP where the frame has a length instead
	uint16_t l3;        // offset of the network header (end of the link header if not IP)
	uint16_t l4; // offset of the transport header (other protocols: of what follows IP), 0 if none was captured
	uint16_t head_len; // from the frame's first byte to the end of the transport header, captured or not
	uint32_t payload;  // transport payload in bytes, from the IP length: Ethernet padding is no payload
	uint8_t src[16];   // IPv4 mapped; MAC address in the first 6 bytes if not IP
	uint8_t dst[16];
	uint8_t proto; // IP protocol behind any extension headers
	uint8_t ttl;
	uint8_t tos;
	bool has_length;     // the IP length is there (0 = offloaded: the datagram goes to the end of the frame)
	bool fragment;       // any but an unfragmented datagram
	bool later_fragment; // no transport header in it
	uint16_t sport;      // TCP, UDP
	uint16_t dport;
	uint8_t flags;     // TCP
	uint8_t icmp_type; // ICMP, ICMPv6
	uint8_t icmp_code;
	uint16_t window;
	uint32_t seq; // TCP; ICMP echo: identifier << 16 | sequence number
	uint32_t ack;
};

/** Protocols whose headers are dissected and built; of others the IP header only. */
enum wm_proto { WM_PROTO_ICMP = 1, WM_PROTO_TCP = 6, WM_PROTO_UDP = 17, WM_PROTO_ICMP6 = 58 };

/** Whether wm_dissect() knows the link type; of others only time and length can be told. */
bool wm_link_known(int link);

/** Whether a port is one that servers listen on: below 1024, and the registered ports of common services. */
bool wm_port_known(uint16_t port);

/** Whether an IPv6 next header is an extension header that is walked over. */
static inline bool wm_ipv6_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135;
}

/** Whether an ICMP (or ICMPv6) type is an echo request or reply. */
static inline bool wm_icmp_echo(uint8_t proto, uint8_t type)
{
	return proto == WM_PROTO_ICMP ? type == 0 || type == 8 : proto == WM_PROTO_ICMP6 && (type & 0xfe) == 128;
}

/**
 * Dissect one packet. Whatever was captured short or makes no sense is left at zero; net is WM_NET_OTHER and proto 0
 * where there is no IP header to be read.
 *
 * @param data cap_len bytes.
 */
void wm_dissect(struct wm_packet *pkt, int link, uint64_t time_ns, const uint8_t *data, uint32_t cap_len, uint32_t len);
