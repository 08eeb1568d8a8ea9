// SPDX-License-Identifier: BSD-3-Clause
// uplink: whether what is sent on an interface of the kernel goes where this machine's default route goes: on the
// interface itself, through a bridge or bond or their members, or on what sits on it (a VLAN, a macvlan) or it sits on.
// VLANs beside each other are apart.
#pragma once

#include <base/err.h>

#include <net/if.h>
#include <stdbool.h>

/**
 * The next interface of the kernel that a virtual device is told to use, in arguments such as
 * "path=/dev/vhost-net,iface=tap0".
 *
 * @param args Where to begin; moved behind what was looked at.
 * @return its index; 0 = there is none any more.
 */
unsigned wm_uplink_named(const char **args);

/**
 * Ask the kernel, in this network namespace. A route to an eighth of all addresses is as good as a default route.
 *
 * @param via Written if it does: the interface that has the route.
 * @return 0; -errno with a sentence.
 */
int wm_uplink_find(unsigned if_index, bool *carries, char via[IF_NAMESIZE], struct wm_err *err);

/**
 * Listen for changes of links and routes, in this network namespace.
 *
 * @return a descriptor, to be closed: readable when there has been one; -errno with a sentence.
 */
int wm_uplink_listen(struct wm_err *err);

/** Whether there has been one since it was asked last. Never waits. */
bool wm_uplink_changed(int fd);
