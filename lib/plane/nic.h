// SPDX-License-Identifier: BSD-3-Clause
// nic: ports that send packets at the times stamped on them. A queue hands packets to such a port a fixed time ahead,
// and the port's own clock says when each of them leaves; what comes too late for that leaves at once.
#pragma once

#include <plane/tx.h>

enum { WM_NIC_LEAD_NS = 100000 }; // handed over ahead: more than what a busy lcore is late by

struct wm_plane;
struct wm_port;

/** Register the field and flag of mbufs for time stamps; before a port is configured for them. @return 0; -errno. */
int wm_nic_prepare(int *field, uint64_t *flag);

/** The port's clock beside the TSC: the closest pair of a few tries. @return false if it does not tell. */
bool wm_nic_point(uint16_t port, struct wm_stamp_point *out);

/** Set up the queues' clocks; before they go. A port whose clock does not run is left to the TSC. */
void wm_nic_start(struct wm_plane *p);

/** Keep them with the ports' clocks; control, every now and then. */
void wm_nic_follow(struct wm_plane *p);

/** Stamp n packets of the row, from `at` on, that are handed to `out` at `now`. */
void wm_nic_stamp(struct wm_tx *tx, const struct wm_tx_out *out, uint32_t at, uint32_t n, uint64_t now);

/** Control has a new line for the port's clock: take it. */
void wm_nic_take(struct wm_tx_out *out);
