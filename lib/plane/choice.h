// SPDX-License-Identifier: BSD-3-Clause
// choice: what an operator may say of one port.
#pragma once

#include <packet/dress.h>

enum { WM_PORTS_MAX = 32, WM_PORT_NAME_MAX = 64 };

struct wm_port_choice {
	char name[WM_PORT_NAME_MAX]; // EAL's number of the port, or its device's name
	char peer[WM_PORT_NAME_MAX]; // where its packets come out of the device under test; "" = by default
	struct wm_dress dress;
};
