// SPDX-License-Identifier: BSD-3-Clause
// reader: a library for LD_PRELOAD that gives EAL one port more, net_ring_reader: what is sent there goes into a ring
// that a thread of its own reads, and now and then does not.
//
//	READER_FILE=PATH    what it has seen, at the end: "N packets, M out of order", by the numbers in the frames
//	READER_AFTER=N      after so many packets it stops reading
//	READER_STALL=S      for so many seconds; without it, until the port is stopped
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1024, BURST = 32, NUMBER_AT = 14 };

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): nobody hands it a context
static struct rte_ring *ring;
static pthread_t thread;
static atomic_bool stopped;
static uint64_t n_packets, n_disordered;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

// The function of that name that this one stands before.
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define NEXT(function) __typeof__(function) *next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function)

static double number(const char *name, double otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtod(text, NULL) : otherwise;
}

static bool take(void)
{
	struct rte_mbuf *in[BURST];
	unsigned n = rte_ring_dequeue_burst(ring, (void **)in, BURST, NULL);

	for (unsigned i = 0; i < n; i++, n_packets++) {
		rte_be32_t at = 0;

		if (in[i]->data_len >= NUMBER_AT + sizeof(at))
			memcpy(&at, rte_pktmbuf_mtod_offset(in[i], const char *, NUMBER_AT), sizeof(at));
		n_disordered += rte_be_to_cpu_32(at) != n_packets;
		rte_pktmbuf_free(in[i]);
	}
	return n > 0;
}

static void *read_ring(void *arg)
{
	double after = number("READER_AFTER", 1e18), stall_s = number("READER_STALL", 1e9);
	bool stalled = false;

	while (!atomic_load(&stopped)) {
		if (!stalled && (double)n_packets >= after) {
			stalled = true;
			for (double s = 0; s < stall_s && !atomic_load(&stopped); s += 0.001)
				(void)usleep(1000);
		}
		if (!take())
			(void)usleep(20);
	}
	while (take())
		;
	return arg;
}

int rte_eal_init(int argc, char **argv)
{
	NEXT(rte_eal_init);
	struct rte_ring *back; // in which nothing ever comes
	int rc = next(argc, argv);

	if (rc < 0)
		return rc;
	ring = rte_ring_create("reader", ROOM, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	back = rte_ring_create("back", BURST, SOCKET_ID_ANY, 0);
	if (ring == NULL || back == NULL || rte_eth_from_rings("reader", &back, 1, &ring, 1, 0) < 0
		|| pthread_create(&thread, NULL, read_ring, NULL) != 0)
		return -1;
	return rc;
}

// Packet buffers are gone once the port is: the reader lets go of all of them first.
int rte_eth_dev_stop(uint16_t port)
{
	NEXT(rte_eth_dev_stop);
	const char *path = getenv("READER_FILE");
	FILE *file;

	if (!atomic_exchange(&stopped, true)) {
		(void)pthread_join(thread, NULL);
		file = path != NULL ? fopen(path, "we") : NULL;
		if (file != NULL) {
			(void)fprintf(file, "%lu packets, %lu out of order\n", (unsigned long)n_packets,
				(unsigned long)n_disordered);
			(void)fclose(file);
		}
	}
	return next(port);
}
