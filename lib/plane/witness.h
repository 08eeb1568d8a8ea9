// SPDX-License-Identifier: BSD-3-Clause
// witness: the thread that hands what queues have sent (departures.h) to the program, with times by the system's clock.
#pragma once

#include <plane/plane_pvt.h>

/** Room for what the queues tell. @return 0; -ENOMEM with a sentence. */
int wm_witness_setup(struct wm_plane *p, struct wm_err *err);
/** @return 0; -errno with a sentence. */
int wm_witness_start(struct wm_plane *p, struct wm_err *err);
/** Once the lcores have stopped: hand over the rest, join the thread. @return false while it is busy: ask again. */
bool wm_witness_stop(struct wm_plane *p);
void wm_witness_teardown(struct wm_plane *p);
