// SPDX-License-Identifier: BSD-3-Clause
#include <plane/card.h>
#include <plane/guard.h>
#include <plane/plane.h>
#include <plane/port.h>
#include <plane/uplink.h>

#include <base/grow.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { REST_MS = 100 }; // between two looks, however often routes change

static int add(struct wm_guard *g, uint16_t port, unsigned if_index, bool beside, struct wm_err *err)
{
	if (wm_grow((void **)&g->at, &g->cap, g->n + 1, sizeof(*g->at)) < 0)
		return wm_err_sys(err, -ENOMEM, "where ports send");
	g->at[g->n++] = (struct wm_guarded){.port = port, .if_index = if_index, .beside = beside};
	return 0;
}

// Functions of its card that the kernel drives itself.
static int add_card(struct wm_guard *g, uint16_t port, const struct rte_device *device, struct wm_err *err)
{
	unsigned index[WM_CARD_MAX];
	char name[RTE_ETH_NAME_MAX_LEN];
	int n = wm_card_interfaces("/sys", rte_dev_name(device), index), rc = 0;

	if (n < 0)
		return wm_err_sys(err, n, "port %s: what shares its card", wm_port_name(port, name));
	for (int i = 0; i < n && rc == 0; i++)
		rc = add(g, port, index[i], true, err);
	return rc;
}

// Interfaces behind a port: the one that it says, and those that its device was told. What a port drives other than
// that, members of a bond say, are ports of EAL themselves and among those asked.
static int add_port(struct wm_guard *g, uint16_t port, struct wm_err *err)
{
	const struct rte_devargs *args;
	struct rte_eth_dev_info info;
	char name[RTE_ETH_NAME_MAX_LEN];
	const char *rest;
	unsigned if_index;
	int rc;

	rc = rte_eth_dev_info_get(port, &info);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s does not say what it can do", wm_port_name(port, name));
	if (info.driver_name != NULL && strcmp(info.driver_name, "net_failsafe") == 0)
		return wm_err_set(err, -EPERM,
			"port %s takes devices in while it runs, and nobody sees whether this machine's default route "
			"goes by them; name one of its devices, or give --i-own-this-network",
			wm_port_name(port, name));
	if (info.if_index > 0)
		rc = add(g, port, info.if_index, false, err);
	args = info.device != NULL ? rte_dev_devargs(info.device) : NULL;
	rest = args != NULL && args->args != NULL ? args->args : "";
	while (rc == 0 && (if_index = wm_uplink_named(&rest)) > 0)
		rc = add(g, port, if_index, false, err);
	return rc == 0 && info.device != NULL ? add_card(g, port, info.device, err) : rc;
}

static int look(const struct wm_guard *g, struct wm_err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct wm_guarded *at = &g->at[i];
		char port[RTE_ETH_NAME_MAX_LEN], name[IF_NAMESIZE] = "?", via[IF_NAMESIZE];
		bool carries = false;
		int rc = wm_uplink_find(at->if_index, &carries, via, err);

		if (rc < 0)
			return rc;
		if (!carries)
			continue;
		(void)if_indextoname(at->if_index, name);
		return wm_err_set(err, -EPERM,
			"port %s is on %s %s, and by %s goes this machine's default route: synthetic traffic would "
			"leave the testbed; take another interface, or give --i-own-this-network",
			wm_port_name(at->port, port), at->beside ? "the network card of interface" : "interface", name,
			strcmp(name, via) == 0 ? "it" : via);
	}
	return 0;
}

int wm_guard_begin(struct wm_guard *g, const uint16_t *ports, unsigned n, struct wm_err *err)
{
	int rc = 0;

	g->changes = g->over = -1;
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = add_port(g, ports[i], err);
	if (rc == 0 && g->n > 0) {
		g->changes = wm_uplink_listen(err); // before the first look
		rc = g->changes < 0 ? g->changes : 0;
	}
	return rc == 0 ? look(g, err) : rc;
}

static void *watch(void *arg)
{
	struct wm_guard *g = arg;
	struct pollfd fds[] = {{.fd = g->over, .events = POLLIN}, {.fd = g->changes, .events = POLLIN}};

	while (g->failed == 0) {
		(void)poll(fds, 2, -1);
		if (fds[0].revents != 0)
			return NULL;
		if (!wm_uplink_changed(g->changes))
			continue;
		g->failed = look(g, &g->err);
		if (g->failed == 0)
			(void)poll(fds, 1, REST_MS);
	}
	atomic_store_explicit(g->stop, true, memory_order_relaxed);
	return NULL;
}

int wm_guard_watch(struct wm_guard *g, atomic_bool *stop, struct wm_err *err)
{
	int rc;

	if (g->n == 0)
		return 0;
	g->stop = stop;
	g->over = eventfd(0, EFD_CLOEXEC);
	rc = g->over < 0 ? -errno : wm_plane_thread(&g->thread, "wm-guard", watch, g);
	g->has_thread = rc == 0;
	return rc < 0 ? wm_err_sys(err, rc, "the thread that looks after the default route cannot be started") : 0;
}

int wm_guard_end(struct wm_guard *g, struct wm_err *err)
{
	if (g->has_thread) {
		(void)eventfd_write(g->over, 1);
		(void)pthread_join(g->thread, NULL);
		g->has_thread = false;
	}
	if (g->failed < 0)
		*err = g->err;
	return g->failed;
}

void wm_guard_free(struct wm_guard *g)
{
	if (g->changes > 0)
		(void)close(g->changes);
	if (g->over > 0)
		(void)close(g->over);
	free(g->at);
}
