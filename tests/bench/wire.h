// SPDX-License-Identifier: BSD-3-Clause
// wire: makes any port one at the end of a wire of some speed, as a NIC with a ring of descriptors is: a frame takes a
// descriptor until it is on the line with preamble, FCS and gap, and what finds no free one is not taken. It looks at
// each burst where rte_eth_tx_burst() is called, before the port behind it does.
#pragma once

#include <plane/pace.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <stdint.h>

enum { WIRE_RING = 1024 }; // descriptors, a power of two

struct wire {
	uint64_t ticks_per_byte;  // 16 bits of it behind the point, as in what follows
	uint64_t sent[WIRE_RING]; // when the frame that had the descriptor last is on the line
	uint64_t free_at;         // when the wire has sent all that it has
	uint64_t frames;          // taken
	uint64_t bytes;           // of these, as they are on the line
};

static inline uint16_t wire_take(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	uint64_t now = rte_rdtsc() << 16, bytes = 0;
	struct wire *w = arg;
	uint16_t i = 0;

	(void)port;
	(void)queue;
	if (w->free_at < now)
		w->free_at = now;
	for (; i < n && w->sent[w->frames & (WIRE_RING - 1)] <= now; i++) {
		uint32_t len = pkts[i]->pkt_len;
		uint64_t line = (len < WM_FRAME_MIN ? WM_FRAME_MIN : len) + WM_FRAME_FCS + WM_FRAME_LINE;

		w->free_at += line * w->ticks_per_byte;
		w->sent[w->frames++ & (WIRE_RING - 1)] = w->free_at;
		bytes += line;
	}
	w->bytes += bytes;
	return i;
}

/** Put a wire of `bps` bits a second behind a queue of a port. @return what rte_eth_remove_tx_callback() takes; NULL if
 *  that is not possible. */
static inline const struct rte_eth_rxtx_callback *wire_attach(
	struct wire *w, uint16_t port, uint16_t queue, double bps, double tsc_hz)
{
	*w = (struct wire){.ticks_per_byte = (uint64_t)(tsc_hz * 8 / bps * 65536 + 0.5)};
	return rte_eth_add_tx_callback(port, queue, wire_take, w);
}
