// SPDX-License-Identifier: BSD-3-Clause
// port: bring an ethdev port up, watch its link, take it down.
#pragma once

#include <base/err.h>
#include <packet/draft.h>
#include <plane/choice.h>
#include <plane/count.h>
#include <plane/stamp.h>

#include <rte_ethdev.h>

#include <stdbool.h>
#include <stdint.h>

/** What EAL calls a port, or its number. @return name. */
const char *wm_port_name(uint16_t id, char name[RTE_ETH_NAME_MAX_LEN]);

struct wm_port_ask {
	uint16_t id;
	uint16_t n_queues;
	uint32_t mtu;      // 0 = leave it as it is
	unsigned n_lcores; // that may keep buffers
	bool receives;     // what comes in counts: all of it, and soon
	enum wm_pacing pacing;
};

struct wm_port {
	uint16_t id;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t n_queues;
	uint16_t n_rx_queues;
	int socket;        // SOCKET_ID_ANY for virtual ones
	unsigned if_index; // of the kernel's interface behind it, 0 = none
	bool started;
	bool configured;
	bool deaf; // takes only what is addressed to it
	uint64_t offloads;
	bool stamps;                 // it sends packets at the times stamped on them,
	int stamp_field;             // which are there in mbufs,
	uint64_t stamp_flag;         // if this is set;
	struct wm_stamp_point clock; // by a clock of its own: when it was started
	uint32_t mtu;                // longest packet behind the link header; without an MTU: UINT16_MAX
	uint32_t room;               // bytes of a buffer
	uint32_t max_len;            // longest frame that buffers can hold
	struct rte_mempool *pool;
	struct rte_mempool *rx_pool;
	unsigned peer;                              // index of the port at which its packets come out
	const struct wm_form *forms[WM_MODELS_MAX]; // as it sends them
	struct wm_form *dressed;                    // those that are its own, or NULL
	struct wm_stencils stencils[WM_MODELS_MAX]; // of the forms; one piece of memory, that of the list

	// Written by control.
	atomic_bool up;
	wm_count downs;    // times the link went down while the run went on
	wm_count down_ns;  // for how long, up to the last time it came up
	wm_count since_ns; // when it went down last
};

/**
 * Configure and start a port.
 *
 * @return 0; -errno with a sentence. On failure, too, wm_port_close() is due.
 */
int wm_port_open(struct wm_port *port, const struct wm_port_ask *ask, struct wm_err *err);
void wm_port_close(struct wm_port *port); // a zeroed one is allowed

/** The link's speed in bits a second. @return 0; -ENOTSUP with a sentence if the port does not know. */
int wm_port_speed(const struct wm_port *port, double *bps, struct wm_err *err);

/** Whether the link is up, or the port knows of none. */
bool wm_port_is_up(const struct wm_port *port);

/** Look at the link. @return whether it has gone down or come up since the last time. */
bool wm_port_look(struct wm_port *port, uint64_t now_ns);
