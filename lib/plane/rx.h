// SPDX-License-Identifier: BSD-3-Clause
// rx: what comes back on a port: taken from all its queues, told to the watch over the direction that ends here, and
// freed.
#pragma once

#include <plane/roles.h>
#include <plane/watch.h>

#include <stdalign.h>
#include <stdint.h>

struct wm_rx {
	uint16_t port;
	uint16_t from; // the port at the other end, whose packets should come back here
	uint16_t n_queues;
	struct wm_ledger *ledgers[WM_QUEUES_MAX]; // of the queues of `from`
	unsigned n_ledgers;
	void *memory; // the watch's
	alignas(64) struct wm_watch watch;
};

/** One turn of the receiver's lcore. @return whether there was anything to do. */
bool wm_rx_turn(struct wm_rx *rx);
