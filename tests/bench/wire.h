// SPDX-License-Identifier: BSD-3-Clause
// wire: makes any port one at the end of a wire of some speed: frames are taken into a buffer, which the wire empties
// with preamble, FCS and gap at its own pace, and what does not fit is not taken, as a NIC does it. It looks at each
// burst where rte_eth_tx_burst() is called, before the port behind it does.
#pragma once

#include <plane/pace.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <stdint.h>

enum { WIRE_BUFFER = 128 * 1024 }; // bytes on the line

struct wire {
	uint64_t ticks_per_byte; // 16 bits of it behind the point, as in what follows
	uint64_t room;           // how long the buffer lasts
	uint64_t free_at;        // when the wire has sent all that it has
	uint64_t bytes;          // taken, as they are on the line
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
	for (; i < n && w->free_at - now < w->room; i++) {
		uint32_t len = pkts[i]->pkt_len;
		uint64_t line = (len < WM_FRAME_MIN ? WM_FRAME_MIN : len) + WM_FRAME_FCS + WM_FRAME_LINE;

		w->free_at += line * w->ticks_per_byte;
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
	w->room = WIRE_BUFFER * w->ticks_per_byte;
	return rte_eth_add_tx_callback(port, queue, wire_take, w);
}
