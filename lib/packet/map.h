// SPDX-License-Identifier: BSD-3-Clause
// map: another address plan: networks, MAC addresses, VLANs and ports are replaced by others, wherever they stand in
// headers: both ways of a flow, in ARP, in neighbour discovery, and in the packets that ICMP errors quote.
//
// A network's addresses keep their host part, as far as the new one has room for it. Who is whose server, which subnets
// there are and how often each is met does not change. Checksums are mended by what has changed (RFC 1624 equation 3):
// right ones stay right, wrong ones wrong. What payloads say (names, SIP, FTP) stays.
#pragma once

#include <base/err.h>
#include <packet/form.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WM_MAP_MAX = 64 }; // of each kind

struct wm_map_net {
	uint8_t from[16]; // IPv4 mapped, as in samples
	uint8_t to[16];
	uint8_t from_bits; // of the prefix, in 0..128
	uint8_t to_bits;
};

struct wm_map_mac {
	uint8_t from[6];
	uint8_t to[6];
};

struct wm_map_number {
	uint16_t from;
	uint16_t to;
};

// Of several that match, the first counts. All zero: nothing changes.
struct wm_map {
	struct wm_map_net nets[WM_MAP_MAX];
	struct wm_map_mac macs[WM_MAP_MAX];
	struct wm_map_number vlans[WM_MAP_MAX];
	struct wm_map_number ports[WM_MAP_MAX];
	unsigned n_nets, n_macs, n_vlans, n_ports;
};

/** Add what a text says: 10.0.0.0/8=192.0.2.0/24, fd00::/8=2001:db8::/32; a MAC address, a VLAN's number in 1..4094, a
 *  port in 1..65535 = another. @return 0; -EINVAL with a sentence. */
int wm_map_add_net(struct wm_map *m, const char *text, struct wm_err *err);
int wm_map_add_mac(struct wm_map *m, const char *text, struct wm_err *err);
int wm_map_add_vlan(struct wm_map *m, const char *text, struct wm_err *err);
int wm_map_add_port(struct wm_map *m, const char *text, struct wm_err *err);

static inline bool wm_map_is_empty(const struct wm_map *m)
{
	return m->n_nets + m->n_macs + m->n_vlans + m->n_ports == 0;
}

/** Whether addresses that differ can become one: the new network is smaller. */
bool wm_map_narrows(const struct wm_map_net *net);
/** Whether any of its networks is. */
bool wm_map_folds(const struct wm_map *m);

/** @param addr IPv4 mapped. */
void wm_map_address(const struct wm_map *m, uint8_t addr[16]);
uint16_t wm_map_port(const struct wm_map *m, uint16_t port);

/** Map an Ethernet frame of len bytes, which may be cut short. @return whether anything in it has changed. */
bool wm_map_frame(const struct wm_map *m, uint8_t *frame, size_t len);

/** What of the map belongs to a form: VLANs, and all of a frame that is not IP. Addresses and ports of IP are samples'.
 */
void wm_map_form(const struct wm_map *m, struct wm_form *form);
