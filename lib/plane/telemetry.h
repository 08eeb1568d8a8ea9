// SPDX-License-Identifier: BSD-3-Clause
// telemetry: a run's statistics for DPDK's own telemetry, which dpdk-telemetry.py and exporters read.
//
//	/wiremill/stats          of the whole run
//	/wiremill/queue,N        of one queue, from 0, in the order of the final statistics
//	/wiremill/port,N         of one port's link
//	/wiremill/model,N        of one model, from 0, in the order given; the capture last
//	/wiremill/direction,N    of what comes back
#pragma once

struct wm_plane;

/** Answer for this run from now on. Once at a time. */
void wm_telemetry_open(const struct wm_plane *p);

/** Answer no more: the run may go. */
void wm_telemetry_close(void);
