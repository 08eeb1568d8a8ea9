// SPDX-License-Identifier: BSD-3-Clause
#include <plane/ahead.h>

static const double SIGHT_NS = 1e9, SMOOTH_NS = 2.5e8, LEAST = 1e-3, MOST = 1e9;

enum { LOOK_NS = 500000 }; // between two looks that count

void wm_ahead_look(struct wm_ahead *a, uint64_t now_ns, uint64_t own_ns)
{
	double passed_ns = (double)(now_ns - a->now_ns), speed, part;

	if (now_ns - a->now_ns < LOOK_NS)
		return;
	speed = (double)(own_ns - a->own_ns) / passed_ns;
	part = passed_ns < SMOOTH_NS ? passed_ns / SMOOTH_NS : 1;
	a->speed += (speed - a->speed) * part;
	a->speed = a->speed < LEAST ? LEAST : a->speed > MOST ? MOST : a->speed;
	a->now_ns = now_ns;
	a->own_ns = own_ns;
	atomic_store_explicit(&a->until_ns, own_ns + (uint64_t)(SIGHT_NS * a->speed), memory_order_relaxed);
}
