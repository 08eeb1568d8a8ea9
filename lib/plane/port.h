// SPDX-License-Identifier: BSD-3-Clause
// port: bring an ethdev port up for sending, and take it down.
#pragma once

#include <base/err.h>

#include <rte_ethdev.h>

#include <stdbool.h>
#include <stdint.h>

struct wm_port {
	uint16_t id;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t n_queues;
	uint16_t n_rx_queues;
	int socket; // SOCKET_ID_ANY for virtual ones
	bool started;
	bool configured;
	uint64_t offloads;
	uint32_t mtu;     // longest packet behind the link header; without an MTU: UINT16_MAX
	uint32_t room;    // bytes of a buffer
	uint32_t max_len; // longest frame that buffers can hold
	struct rte_mempool *pool;
	struct rte_mempool *rx_pool;
};

/**
 * Configure and start port `id` with n_queues queues for sending.
 *
 * @param mtu 0 = leave it as it is.
 * @return 0; -errno with a sentence. On failure, too, wm_port_close() is due.
 */
int wm_port_open(struct wm_port *port, uint16_t id, uint16_t n_queues, uint32_t mtu, struct wm_err *err);
void wm_port_close(struct wm_port *port); // a zeroed one is allowed

/** The link's speed in bits a second. @return 0; -ENOTSUP with a sentence if the port does not know. */
int wm_port_speed(const struct wm_port *port, double *bps, struct wm_err *err);

/** Whether the link is up, or the port knows of none. */
bool wm_port_is_up(const struct wm_port *port);
