// SPDX-License-Identifier: BSD-3-Clause
// choice: what an operator may say of one port.
#pragma once

#include <packet/dress.h>

enum { WM_PORTS_MAX = 32, WM_PORT_NAME_MAX = 64 };

/** Who makes packets leave at their time. */
enum wm_pacing {
	WM_PACING_ANY, // the port, if it can; otherwise an lcore
	WM_PACING_NIC, // the port, which sends at the times stamped on packets
	WM_PACING_TSC, // an lcore, which hands them over at their time
};

struct wm_port_choice {
	char name[WM_PORT_NAME_MAX]; // EAL's number of the port, or its device's name
	char peer[WM_PORT_NAME_MAX]; // where its packets come out of the device under test; "" = by default
	enum wm_pacing pacing;
	struct wm_dress dress;
};
