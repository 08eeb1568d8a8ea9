// SPDX-License-Identifier: BSD-3-Clause
// wire: makes any port one at the end of a wire of some speed, as a NIC with a ring of descriptors is: frames take
// descriptors until the last of their burst is on the line with preamble, FCS and gap, and what finds no free one is
// not taken. It looks at each burst where rte_eth_tx_burst() is called, before the port behind it does.
//
// Nothing is made up for while it has nothing to send. Where that is because the lcore was taken away (by a virtual
// machine's host, by the kernel), and the frames that had descriptors were not enough to last, it is counted apart.
#pragma once

#include <plane/pace.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <stdint.h>

enum {
	WIRE_RING = 1024,  // descriptors, a power of two
	WIRE_AWAY = 16384, // ticks between two looks, ten bursts' time: the lcore was not there
};

struct wire_burst {
	uint64_t sent; // when all of it is on the line
	uint32_t frames;
};

struct wire {
	uint64_t ticks_per_byte; // 16 bits of it behind the point, as in all times
	uint64_t free_at;        // when the wire has sent all that it has
	uint64_t bytes;          // taken, as they are on the line
	uint64_t looked;         // the last time
	uint64_t idle_away;      // it had nothing to send and the lcore was away
	struct wire_burst burst[WIRE_RING];
	uint32_t first, next; // of the bursts that have descriptors
	uint32_t used;        // descriptors
};

static inline uint16_t wire_take(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	uint64_t now = rte_rdtsc() << 16, bytes = 0;
	struct wire *w = arg;

	(void)port;
	(void)queue;
	if (now - w->looked > (uint64_t)WIRE_AWAY << 16 && w->free_at < now)
		w->idle_away += now - RTE_MAX(w->free_at, w->looked);
	w->looked = now;
	while (w->used > 0 && w->burst[w->first % WIRE_RING].sent <= now)
		w->used -= w->burst[w->first++ % WIRE_RING].frames;
	n = (uint16_t)RTE_MIN((uint32_t)n, WIRE_RING - w->used);
	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		bytes += RTE_MAX(pkts[i]->pkt_len, (uint32_t)WM_FRAME_MIN);
	bytes += n * (uint64_t)(WM_FRAME_FCS + WM_FRAME_LINE);
	w->free_at = RTE_MAX(w->free_at, now) + bytes * w->ticks_per_byte;
	w->burst[w->next++ % WIRE_RING] = (struct wire_burst){w->free_at, n};
	w->used += n;
	w->bytes += bytes;
	return n;
}

/** Put a wire of `bps` bits a second behind a queue of a port. @return what rte_eth_remove_tx_callback() takes; NULL if
 *  that is not possible. */
static inline const struct rte_eth_rxtx_callback *wire_attach(
	struct wire *w, uint16_t port, uint16_t queue, double bps, double tsc_hz)
{
	*w = (struct wire){.ticks_per_byte = (uint64_t)(tsc_hz * 8 / bps * 65536 + 0.5), .looked = rte_rdtsc() << 16};
	return rte_eth_add_tx_callback(port, queue, wire_take, w);
}
