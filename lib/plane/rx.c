// SPDX-License-Identifier: BSD-3-Clause
#include <plane/mark.h>
#include <plane/rx.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

enum { BURST = 32 };

bool wm_rx_turn(struct wm_rx *rx)
{
	bool busy = false;

	for (uint16_t q = 0; q < rx->n_queues && wm_watch_room(&rx->watch) >= BURST; q++) {
		struct rte_mbuf *in[BURST];
		uint16_t n = rte_eth_rx_burst(rx->port, q, in, BURST);
		uint64_t now = rte_rdtsc();

		for (uint16_t i = 0; i < n; i++) {
			uint64_t mark = wm_mark(rte_pktmbuf_mtod(in[i], const uint8_t *), in[i]->data_len);

			wm_watch_arrive(&rx->watch, (struct wm_note){mark, now}, in[i]->pkt_len);
		}
		rte_pktmbuf_free_bulk(in, n);
		busy |= n > 0;
	}
	// What waits in the port's queues is not late: nothing is given up for its age before they are empty.
	return wm_watch_turn(&rx->watch, busy ? 0 : rte_rdtsc()) || busy;
}
