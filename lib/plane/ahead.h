// SPDX-License-Identifier: BSD-3-Clause
// ahead: how far workers may go ahead of what is sent, where somebody steers models: about a second, so that what is
// asked for is seen soon. Rings may hold hours of slow traffic.
//
// It is a time of the traffic's own. How fast that goes by is measured, unless it goes by the clock.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct wm_ahead {
	_Atomic uint64_t until_ns; // written by control, read by workers: nothing from then on
	// Control alone.
	uint64_t now_ns; // of the last look,
	uint64_t own_ns; // and the traffic's own
	double speed;    // own time that goes by in a unit of time
};

/** @param until_ns Up to where rings are filled before the start. */
static inline void wm_ahead_init(struct wm_ahead *a, uint64_t until_ns)
{
	*a = (struct wm_ahead){.speed = 1};
	atomic_init(&a->until_ns, until_ns);
}

/** Look: it is now_ns since the start, and the traffic has come to own_ns. Times do not go back. */
void wm_ahead_look(struct wm_ahead *a, uint64_t now_ns, uint64_t own_ns);
