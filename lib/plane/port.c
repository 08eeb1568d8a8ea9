// SPDX-License-Identifier: BSD-3-Clause
#include <plane/frame.h>
#include <plane/memory.h>
#include <plane/nic.h>
#include <plane/port.h>
#include <plane/tx.h>

#include <rte_malloc.h>
#include <rte_mempool.h>

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TX_DESC = 1024,
	RX_DESC = 256,
	RX_DESC_COUNTED = 2048, // where a packet that finds no room would count as lost on the way
	POOL_CACHE = 256,
	DATA_ROOM = 2048,
	DATA_ROOM_MAX = UINT16_MAX - WM_FRAME_AT,
	BUFFER_HEAD = WM_FRAME_AT + sizeof(struct rte_mbuf) + 2 * RTE_CACHE_LINE_SIZE, // and the pool's own
	LINK_LEN_MAX = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN,
};

const char *wm_port_name(uint16_t id, char name[RTE_ETH_NAME_MAX_LEN])
{
	if (rte_eth_dev_get_name_by_port(id, name) < 0)
		(void)snprintf(name, RTE_ETH_NAME_MAX_LEN, "%u", id);
	return name;
}

static struct rte_mempool *create_pool(
	const struct wm_port *port, const char *kind, unsigned n, unsigned cache, uint32_t size)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	(void)snprintf(name, sizeof(name), "wm_%s_%u", kind, port->id);
	pool = rte_pktmbuf_pool_create(name, n, cache, 0, (uint16_t)size, port->socket);
	if (pool == NULL && port->socket != SOCKET_ID_ANY) // of another NUMA node
		pool = rte_pktmbuf_pool_create(name, n, cache, 0, (uint16_t)size, SOCKET_ID_ANY);
	return pool;
}

// Packets are built in one buffer, or in a chain of them where the port takes that. Where it does not, a buffer has to
// hold the longest packet.
static void size_buffers(struct wm_port *port)
{
	port->room = DATA_ROOM;
	port->max_len = UINT16_MAX;
	if (port->offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
		return;
	if (port->mtu + LINK_LEN_MAX > DATA_ROOM)
		port->room = RTE_MIN(port->mtu + LINK_LEN_MAX, (uint32_t)DATA_ROOM_MAX);
	port->max_len = port->room;
}

static int create_pools(
	struct wm_port *port, const struct wm_port_ask *ask, uint16_t n_txd, uint16_t n_rxd, struct wm_err *err)
{
	// Descriptors and rows may all be full, and each lcore keeps some. A port without an MTU that takes no chains
	// copies what it is given (net_pcap): it keeps none.
	bool keeps = port->room < DATA_ROOM_MAX;
	unsigned cache = keeps ? POOL_CACHE : WM_TX_BURST;
	unsigned n =
		port->n_queues * ((keeps ? n_txd : 0u) + WM_TX_ROW + 2u * WM_TX_BURST) + 2u * cache * ask->n_lcores;
	unsigned n_rx = port->n_rx_queues * (n_rxd + 2u * POOL_CACHE), rx_room = DATA_ROOM;
	char what[128];

	n |= 255;
	if (ask->receives && port->mtu < UINT16_MAX)
		rx_room = RTE_MIN(RTE_MAX(port->mtu + LINK_LEN_MAX, rx_room), (unsigned)DATA_ROOM_MAX);
	port->pool = create_pool(port, "tx", n, cache, WM_FRAME_AT + port->room);
	if (port->n_rx_queues > 0)
		port->rx_pool = create_pool(port, "rx", n_rx, POOL_CACHE, RTE_PKTMBUF_HEADROOM + rx_room);
	if (port->pool == NULL || (port->n_rx_queues > 0 && port->rx_pool == NULL)) {
		(void)snprintf(what, sizeof(what), "the packet buffers of port %s", port->name);
		return wm_mem_short(
			what, (size_t)n * (port->room + BUFFER_HEAD) + (size_t)n_rx * (rx_room + BUFFER_HEAD), err);
	}
	wm_tx_prepare_pool(port->pool);
	return 0;
}

// Send on time stamps, if the port offers that and the operator has nothing against it.
static int choose_pacing(
	struct wm_port *port, const struct wm_port_ask *ask, const struct rte_eth_dev_info *info, struct wm_err *err)
{
	bool offered = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP) != 0;
	int rc;

	if (ask->pacing == WM_PACING_NIC && !offered)
		return wm_err_set(err, -ENOTSUP,
			"port %s does not send at time stamps (what it offers may depend on its driver's options, such "
			"as "
			"mlx5's tx_pp): leave pacing=nic out",
			port->name);
	if (ask->pacing == WM_PACING_TSC || !offered)
		return 0;
	rc = wm_nic_prepare(&port->stamp_field, &port->stamp_flag);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s: mbufs have no room for a time stamp", port->name);
	port->offloads |= RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP;
	return 0;
}

static int configure(
	struct wm_port *port, const struct wm_port_ask *ask, const struct rte_eth_dev_info *info, struct wm_err *err)
{
	struct rte_eth_conf conf = {0};
	int rc = wm_tx_prepare_mbufs();

	if (rc < 0)
		return wm_err_sys(err, rc, "port %s: mbufs have no room for a note of what they hold", port->name);

	if (port->n_queues > info->max_tx_queues)
		return wm_err_set(err, -ERANGE, "port %s has %u queues for sending: --queues %u is too much",
			port->name, info->max_tx_queues, port->n_queues);
	port->offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (port->offloads == 0)
		port->offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	rc = choose_pacing(port, ask, info, err);
	if (rc < 0)
		return rc;
	conf.txmode.offloads = port->offloads;
	// Many ports do not start without a queue for receiving.
	port->n_rx_queues = port->n_queues < info->max_rx_queues ? port->n_queues : info->max_rx_queues;
	rc = rte_eth_dev_configure(port->id, port->n_rx_queues, port->n_queues, &conf);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s could not be configured for %u queues", port->name, port->n_queues);
	port->configured = true;
	return 0;
}

// A port that cannot be told its MTU has none to speak of.
static int set_mtu(struct wm_port *port, uint32_t mtu, struct wm_err *err)
{
	uint16_t now = 0;
	int rc;

	(void)rte_eth_dev_get_mtu(port->id, &now);
	rc = rte_eth_dev_set_mtu(port->id, (uint16_t)(mtu > 0 ? mtu : now));
	port->mtu = mtu > 0 ? mtu : UINT16_MAX;
	if (rc == -ENOTSUP)
		return 0;
	if (rc < 0 && mtu > 0)
		return wm_err_sys(err, rc, "port %s does not take an MTU of %u (it is %u now)", port->name, mtu, now);
	if (mtu == 0)
		port->mtu = now;
	return 0;
}

static int setup_queues(
	struct wm_port *port, const struct wm_port_ask *ask, const struct rte_eth_dev_info *info, struct wm_err *err)
{
	uint16_t n_txd = TX_DESC, n_rxd = ask->receives ? RX_DESC_COUNTED : RX_DESC;
	struct rte_eth_txconf txconf = info->default_txconf;
	struct rte_eth_rxconf rxconf = info->default_rxconf;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &n_rxd, &n_txd);

	if (rc < 0)
		return wm_err_sys(err, rc, "port %s could not be asked for its descriptors", port->name);
	rc = create_pools(port, ask, n_txd, n_rxd, err);
	if (rc < 0)
		return rc;
	txconf.offloads = port->offloads;
	for (uint16_t q = 0; q < port->n_queues && rc >= 0; q++)
		rc = rte_eth_tx_queue_setup(port->id, q, n_txd, (unsigned)port->socket, &txconf);
	for (uint16_t q = 0; q < port->n_rx_queues && rc >= 0; q++)
		rc = rte_eth_rx_queue_setup(port->id, q, n_rxd, (unsigned)port->socket, &rxconf, port->rx_pool);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s: a queue of %u descriptors could not be set up", port->name, n_txd);
	return 0;
}

int wm_port_open(struct wm_port *port, const struct wm_port_ask *ask, struct wm_err *err)
{
	struct rte_eth_dev_info info;
	int rc;

	*port = (struct wm_port){.id = ask->id, .n_queues = ask->n_queues};
	port->socket = rte_eth_dev_socket_id(port->id);
	(void)wm_port_name(port->id, port->name);
	rc = rte_eth_dev_info_get(port->id, &info);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s does not say what it can do", port->name);
	port->if_index = info.if_index;
	rc = configure(port, ask, &info, err);
	if (rc < 0)
		return rc;
	rc = set_mtu(port, ask->mtu, err);
	if (rc < 0)
		return rc;
	size_buffers(port);
	rc = setup_queues(port, ask, &info, err);
	if (rc < 0)
		return rc;
	rc = rte_eth_dev_start(port->id);
	if (rc < 0)
		return wm_err_sys(err, rc, "port %s could not be started", port->name);
	port->started = true;
	port->stamps =
		(port->offloads & RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP) != 0 && wm_nic_point(port->id, &port->clock);
	if (ask->pacing == WM_PACING_NIC && !port->stamps)
		return wm_err_set(err, -ENOTSUP, "port %s does not tell its clock: leave pacing=nic out", port->name);
	if (ask->receives)
		port->deaf = rte_eth_promiscuous_enable(port->id) < 0;
	return 0;
}

void wm_port_close(struct wm_port *port)
{
	if (port->started)
		(void)rte_eth_dev_stop(port->id);
	if (port->configured)
		(void)rte_eth_dev_close(port->id);
	rte_mempool_free(port->pool);
	rte_mempool_free(port->rx_pool);
	rte_free(port->dressed);
	for (unsigned i = 0; i < WM_MODELS_MAX; i++)
		rte_free(port->stencils[i].list);
	*port = (struct wm_port){0};
}

int wm_port_speed(const struct wm_port *port, double *bps, struct wm_err *err)
{
	struct rte_eth_link link = {0};

	if (rte_eth_link_get_nowait(port->id, &link) < 0 || link.link_speed == RTE_ETH_SPEED_NUM_NONE
		|| link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return wm_err_set(err, -ENOTSUP, "port %s does not know its speed: give the rate in bps instead of %%",
			port->name);
	*bps = link.link_speed * 1e6;
	return 0;
}

// Ports on an interface of the kernel do not all ask it.
static bool kernel_runs(const struct wm_port *port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};
	bool runs = true;

	if (fd < 0)
		return true;
	runs = if_indextoname(port->if_index, r.ifr_name) != NULL && ioctl(fd, SIOCGIFFLAGS, &r) == 0
	       && (r.ifr_flags & IFF_RUNNING) != 0;
	(void)close(fd);
	return runs;
}

bool wm_port_is_up(const struct wm_port *port)
{
	struct rte_eth_link link = {0};

	if (port->if_index > 0 && !kernel_runs(port))
		return false;
	return rte_eth_link_get_nowait(port->id, &link) < 0 || link.link_status == RTE_ETH_LINK_UP;
}

bool wm_port_look(struct wm_port *port, uint64_t now_ns)
{
	bool up = wm_port_is_up(port);

	if (up == atomic_load_explicit(&port->up, memory_order_relaxed))
		return false;
	if (up) {
		wm_count_add(&port->down_ns, now_ns - wm_count_get(&port->since_ns));
	} else {
		wm_count_add(&port->downs, 1);
		atomic_store_explicit(&port->since_ns, now_ns, memory_order_relaxed);
	}
	atomic_store_explicit(&port->up, up, memory_order_relaxed);
	return true;
}
