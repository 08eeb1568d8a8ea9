// SPDX-License-Identifier: BSD-3-Clause
// plane: a library for LD_PRELOAD that lets calls of DPDK fail.
//
//	FAULTS_CALLS=A:B   which calls count: configure, rx_queue, tx_queue, start, pool, memory
//	FAULTS_AT=N        the Nth of them fails, from 1,
//	FAULTS_MORE=1      and all behind it
//	FAULTS_POOL=N      pools of packet buffers have N, whatever was asked for
//	FAULTS_SPEED=N     links have that speed in Mbit/s; 4294967295 = they do not know
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): nobody hands it a context
static atomic_long n_calls;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

static bool strikes_now(long at)
{
	long n = atomic_fetch_add(&n_calls, 1) + 1;

	return at > 0 && (getenv("FAULTS_MORE") != NULL ? n >= at : n == at);
}

static bool strikes(const char *call)
{
	const char *calls = getenv("FAULTS_CALLS"), *at = getenv("FAULTS_AT");
	size_t n = strlen(call);

	for (const char *p = calls != NULL ? strstr(calls, call) : NULL; p != NULL; p = strstr(p + 1, call))
		if ((p == calls || p[-1] == ':') && (p[n] == '\0' || p[n] == ':'))
			return at != NULL && strikes_now(strtol(at, NULL, 10));
	return false;
}

// The function of that name that this one stands before.
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define NEXT(function) __typeof__(function) *next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function)

int rte_eth_dev_configure(uint16_t port, uint16_t n_rx, uint16_t n_tx, const struct rte_eth_conf *conf)
{
	NEXT(rte_eth_dev_configure);

	return strikes("configure") ? -EINVAL : next(port, n_rx, n_tx, conf);
}

int rte_eth_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	NEXT(rte_eth_rx_queue_setup);

	return strikes("rx_queue") ? -ENOMEM : next(port, queue, n, socket, conf, pool);
}

int rte_eth_tx_queue_setup(
	uint16_t port, uint16_t queue, uint16_t n, unsigned int socket, const struct rte_eth_txconf *conf)
{
	NEXT(rte_eth_tx_queue_setup);

	return strikes("tx_queue") ? -ENOMEM : next(port, queue, n, socket, conf);
}

int rte_eth_dev_start(uint16_t port)
{
	NEXT(rte_eth_dev_start);

	return strikes("start") ? -EIO : next(port);
}

int rte_eth_link_get_nowait(uint16_t port, struct rte_eth_link *link)
{
	NEXT(rte_eth_link_get_nowait);
	const char *speed = getenv("FAULTS_SPEED");
	int rc = next(port, link);

	if (speed != NULL)
		link->link_speed = (uint32_t)strtoul(speed, NULL, 10);
	return rc;
}

struct rte_mempool *rte_pktmbuf_pool_create(
	const char *name, unsigned n, unsigned cache, uint16_t priv, uint16_t room, int socket)
{
	NEXT(rte_pktmbuf_pool_create);
	const char *few = getenv("FAULTS_POOL");

	if (strikes("pool")) {
		rte_errno = ENOMEM;
		return NULL;
	}
	return few != NULL ? next(name, (unsigned)strtoul(few, NULL, 10), 0, priv, room, socket)
			   : next(name, n, cache, priv, room, socket);
}

void *rte_zmalloc_socket(const char *type, size_t size, unsigned align, int socket)
{
	NEXT(rte_zmalloc_socket);
	void *caller = __builtin_return_address(0);
	Dl_info of;

	// The program's own alone: EAL needs some too.
	if (dladdr(caller, &of) != 0 && strstr(of.dli_fname, "librte") == NULL && strikes("memory"))
		return NULL;
	return next(type, size, align, socket);
}
