// SPDX-License-Identifier: BSD-3-Clause
// ports: find the ports of a run, put them in order, open them, dress the forms for them.
#include <plane/frame.h>
#include <plane/memory.h>
#include <plane/plane_pvt.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(RTE_MAX_ETHPORTS <= WM_PORTS_MAX, "every port of EAL can be named");
static_assert(RTE_ETH_NAME_MAX_LEN <= WM_PORT_NAME_MAX, "by any name");

static unsigned next_port(unsigned id)
{
	return (unsigned)rte_eth_find_next_owned_by((uint16_t)id, RTE_ETH_DEV_NO_OWNER);
}

// EAL goes on without a --vdev that it could not make; whoever asked for it does not want to.
static int check_vdevs(const struct wm_plane_options *o, struct wm_err *err)
{
	for (int i = 1; i < o->eal_argc; i++) {
		const char *arg = o->eal_argv[i];
		char name[RTE_ETH_NAME_MAX_LEN];
		uint16_t id;

		if (strncmp(arg, "--vdev=", 7) == 0)
			arg += 7;
		else if (strcmp(o->eal_argv[i - 1], "--vdev") != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, ","), arg);
		if (strncmp(name, "net_", 4) == 0 && rte_eth_dev_get_port_by_name(name, &id) < 0)
			return wm_err_set(err, -ENODEV,
				"port %s could not be made of --vdev %s (EAL's own messages say why)", name, arg);
	}
	return 0;
}

// All ports there are, for somebody who has named another one.
static int no_such_port(const char *asked, struct wm_err *err)
{
	char list[256] = "", name[RTE_ETH_NAME_MAX_LEN];
	size_t n = 0;

	for (unsigned id = next_port(0); id < RTE_MAX_ETHPORTS && n < sizeof(list); id = next_port(id + 1))
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%u (%s)", n > 0 ? ", " : "", id,
			wm_port_name((uint16_t)id, name));
	return wm_err_set(err, -ENODEV, "option --port: there is no port '%s'; EAL has %s", asked, list);
}

static int find_port(const char *asked, uint16_t *id, struct wm_err *err)
{
	bool is_number = asked[strspn(asked, "0123456789")] == '\0' && strlen(asked) <= 4;
	unsigned long number = is_number ? strtoul(asked, NULL, 10) : RTE_MAX_ETHPORTS;

	*id = (uint16_t)number;
	if (number < RTE_MAX_ETHPORTS && rte_eth_dev_is_valid_port(*id))
		return 0;
	return !is_number && rte_eth_dev_get_port_by_name(asked, id) == 0 ? 0 : no_such_port(asked, err);
}

static bool is_among(uint16_t id, const uint16_t *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

// The ports that were named, in that order, then the others.
static int order_ports(
	const struct wm_plane_options *o, uint16_t ids[RTE_MAX_ETHPORTS], unsigned *n, struct wm_err *err)
{
	uint16_t id;
	int rc = check_vdevs(o, err);

	*n = 0;
	if (rc < 0)
		return rc;
	if (rte_eth_dev_count_avail() == 0)
		return wm_err_set(err, -ENODEV,
			"there is no port to send to: name one among the options of EAL, such as "
			"-a 0000:01:00.0 or --vdev=net_af_packet0,iface=eth0");
	for (size_t i = 0; i < o->n_ports; i++) {
		rc = find_port(o->ports[i].name, &id, err);
		if (rc < 0)
			return rc;
		if (is_among(id, ids, *n))
			return wm_err_set(
				err, -EINVAL, "option --port: port %u, '%s', is given twice", id, o->ports[i].name);
		ids[(*n)++] = id;
	}
	for (unsigned next = next_port(0); next < RTE_MAX_ETHPORTS; next = next_port(next + 1))
		if (!is_among((uint16_t)next, ids, *n))
			ids[(*n)++] = (uint16_t)next;
	if (o->split && *n % 2 == 1)
		return wm_err_set(err, -EINVAL,
			"--directions split sends on pairs of ports: EAL has %u, which is one too few or one too many",
			*n);
	return 0;
}

// The forms as the port sends them, those of captured frames too.
static int dress_port(struct wm_plane *p, struct wm_port *port, const struct wm_dress *dress, struct wm_err *err)
{
	size_t n = p->options->n_sources + (p->options->replay != NULL), total = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		total += p->n_forms[i];
	port->dressed = wm_mem_alloc(port->socket, RTE_MAX(total, 1u) * sizeof(*port->dressed));
	if (port->dressed == NULL)
		return wm_mem_short("a port's own forms", total * sizeof(*port->dressed), err);
	for (size_t i = 0; i < n; i++) {
		port->forms[i] = port->dressed + at;
		for (size_t k = 0; k < p->n_forms[i]; k++, at++) {
			port->dressed[at] = p->forms[i][k];
			wm_form_dress(&port->dressed[at], dress);
		}
	}
	p->grown |= dress->vlan > 0;
	return 0;
}

// What is known of forms before there are samples, for tx.
static int make_stencils(struct wm_plane *p, struct wm_port *port, struct wm_err *err)
{
	for (size_t i = 0; i < WM_MODELS_MAX && p->n_forms[i] > 0; i++) {
		struct wm_stencils *all = &port->stencils[i];
		size_t n = p->n_forms[i] * WM_STENCILS,
		       size = n * sizeof(*all->list) + p->n_forms[i] * sizeof(*all->of);

		all->list = wm_mem_alloc(port->socket, size);
		if (all->list == NULL)
			return wm_mem_short("the headers of packets", size, err);
		all->of = (void *)(all->list + n);
		wm_stencils_init(all, port->forms[i], p->n_forms[i]);
		wm_frame_init_stencils(all);
	}
	return 0;
}

static int open_port(struct wm_plane *p, struct wm_port *port, const struct wm_port_ask *ask, struct wm_err *err)
{
	const struct wm_plane_options *o = p->options;
	unsigned index = (unsigned)(port - p->ports);
	int rc = wm_port_open(port, ask, err);

	if (rc < 0)
		return rc;
	if (port->mtu < UINT16_MAX)
		wm_plane_notice(p,
			"port %s sends up to its MTU of %u bytes behind the link header; longer packets are "
			"dropped and counted as oversize (see --mtu)",
			port->name, port->mtu);
	if (ask->receives && port->deaf)
		wm_plane_notice(p,
			"port %s cannot be made to receive what is addressed to others: that will count as lost",
			port->name);
	if (index < o->n_ports)
		rc = dress_port(p, port, &o->ports[index].dress, err);
	else
		memcpy(port->forms, p->forms, sizeof(port->forms));
	return rc < 0 ? rc : make_stencils(p, port, err);
}

// A port's packets come out at its neighbour, or where it has none, at itself; unless the operator says otherwise.
static int find_peers(struct wm_plane *p, struct wm_err *err)
{
	const struct wm_plane_options *o = p->options;
	bool taken[RTE_MAX_ETHPORTS] = {false};

	for (unsigned i = 0; i < p->n_ports; i++) {
		unsigned peer = (i ^ 1) < p->n_ports ? i ^ 1 : i;
		uint16_t id;

		if (i < o->n_ports && o->ports[i].peer[0] != '\0') {
			int rc = find_port(o->ports[i].peer, &id, err);

			if (rc < 0)
				return rc;
			for (peer = 0; p->ports[peer].id != id;)
				peer++;
		}
		if (taken[peer])
			return wm_err_set(err, -EINVAL,
				"option --port: %s is the peer of two ports; give the other one its own with peer=PORT",
				p->ports[peer].name);
		taken[peer] = true;
		p->ports[i].peer = peer;
	}
	return 0;
}

int wm_plane_open_ports(struct wm_plane *p, struct wm_err *err)
{
	const struct wm_plane_options *o = p->options;
	struct wm_port_ask ask = {.n_queues = (uint16_t)p->n_queues,
		.mtu = o->mtu,
		.n_lcores = rte_lcore_count(),
		.receives = o->receive};
	uint16_t ids[RTE_MAX_ETHPORTS];
	unsigned n;
	int rc = order_ports(o, ids, &n, err);

	if (rc == 0 && n * p->n_queues > WM_QUEUES_MAX)
		return wm_err_set(err, -ERANGE, "%u ports with %u queues each: there can be %d queues in all", n,
			p->n_queues, WM_QUEUES_MAX);
	if (rc == 0 && !o->own_network)
		rc = wm_guard_begin(&p->guard, ids, n, err);
	for (unsigned i = 0; i < n && rc == 0; i++) {
		ask.id = ids[i];
		ask.pacing = i < o->n_ports ? o->ports[i].pacing : WM_PACING_ANY;
		if (ask.pacing == WM_PACING_ANY && o->rate.kind == WM_RATE_MAX)
			ask.pacing = WM_PACING_TSC; // what nobody needs would cost the driver time
		rc = open_port(p, &p->ports[p->n_ports++], &ask, err);
	}
	return rc < 0 ? rc : find_peers(p, err);
}
