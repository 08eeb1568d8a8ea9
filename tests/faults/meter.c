// SPDX-License-Identifier: BSD-3-Clause
// meter: a library for LD_PRELOAD that makes measuring ports of all ports: who hands them a packet, and when.
//
//	METER_FILE=PATH      where records go: struct meter_head, then a struct meter_record for each packet
//	METER_ROOM=N         for how many there is room; packets beyond are not recorded
//	METER_CLOCK=HZ       ports send on time stamps by a clock of their own that ticks so fast; what their mbufs say
//	                     of that goes into the records
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_BEGIN = 123456789 }; // the ports' clock when the first of them was started

struct meter_point {
	uint64_t tsc;
	uint64_t ns; // CLOCK_REALTIME, as captures have it
};

struct meter_head {
	uint64_t room;
	_Atomic uint64_t n;       // packets, recorded or not
	struct meter_point first; // when the first port was started
	struct meter_point last;  // when the last one was stopped
	double clock_hz;          // of the ports' own clock; 0 = they have none
	double tsc_hz;            // as EAL has it: the ports' clock is told from that
};

struct meter_record {
	uint64_t tsc;   // at the call
	uint64_t stamp; // by the port's clock, that the packet is to leave at; 0 = at once
	uint64_t clock; // the port's, at the call
	uint16_t port;
	uint16_t queue;
	uint16_t len;
	uint16_t nth; // of the call's packets
};

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): nobody hands it a context
static struct meter_head *head;
static struct meter_record *records;
static double clock_hz;
static int stamp_at = -1;
static uint64_t stamp_flag;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

// The function of that name that this one stands before.
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define NEXT(function) __typeof__(function) *next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function)

static struct meter_point point(void)
{
	struct meter_point best = {0};
	uint64_t best_ticks = UINT64_MAX;

	for (int i = 0; i < 64; i++) {
		uint64_t before = rte_rdtsc_precise(), after;
		struct timespec t;

		(void)clock_gettime(CLOCK_REALTIME, &t);
		after = rte_rdtsc_precise();
		if (after - before < best_ticks) {
			best_ticks = after - before;
			best = (struct meter_point){
				before + best_ticks / 2, (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec};
		}
	}
	return best;
}

static uint64_t port_clock(uint64_t tsc)
{
	return CLOCK_BEGIN + (uint64_t)((double)(tsc - head->first.tsc) / head->tsc_hz * clock_hz);
}

static uint16_t record(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	uint64_t now = rte_rdtsc(), at = atomic_fetch_add_explicit(&head->n, n, memory_order_relaxed);

	(void)arg;
	for (uint16_t i = 0; i < n && at + i < head->room; i++) {
		struct meter_record *r = &records[at + i];

		*r = (struct meter_record){
			.tsc = now, .port = port, .queue = queue, .len = (uint16_t)pkts[i]->pkt_len, .nth = i};
		if (clock_hz > 0)
			r->clock = port_clock(now);
		if (stamp_at >= 0 && (pkts[i]->ol_flags & stamp_flag) != 0)
			r->stamp = *RTE_MBUF_DYNFIELD(pkts[i], (size_t)stamp_at, uint64_t *);
	}
	return n;
}

static int open_file(void)
{
	const char *path = getenv("METER_FILE"), *room = getenv("METER_ROOM");
	uint64_t n = room != NULL ? strtoull(room, NULL, 10) : 1 << 20;
	size_t len = sizeof(*head) + n * sizeof(*records);
	int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0)
		return -1;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	(void)close(fd);
	if (map == MAP_FAILED)
		return -1;
	head = map;
	records = (struct meter_record *)(head + 1);
	for (uint64_t i = 0; i < n; i++)
		records[i] = (struct meter_record){0};
	head->room = n;
	head->clock_hz = clock_hz;
	head->tsc_hz = (double)rte_get_tsc_hz();
	head->first = point();
	return 0;
}

static uint16_t n_queues(uint16_t port)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(port, &info) == 0 ? info.nb_tx_queues : 0;
}

static double own_clock(void)
{
	const char *hz = getenv("METER_CLOCK");

	return hz != NULL ? strtod(hz, NULL) : 0;
}

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	NEXT(rte_eth_dev_info_get);
	int rc = next(port, info);

	if (rc == 0 && own_clock() > 0)
		info->tx_offload_capa |= RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP;
	return rc;
}

int rte_eth_read_clock(uint16_t port, uint64_t *clock)
{
	(void)port;
	if (clock_hz == 0)
		return -ENOTSUP;
	*clock = port_clock(rte_rdtsc());
	return 0;
}

int rte_eth_dev_start(uint16_t port)
{
	NEXT(rte_eth_dev_start);
	int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_TX_TIMESTAMP_NAME, NULL);

	if (head == NULL) {
		clock_hz = own_clock();
		if (open_file() < 0)
			return -EIO;
		stamp_at = flag < 0 ? -1 : rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
		stamp_flag = flag < 0 ? 0 : UINT64_C(1) << flag;
	}
	for (uint16_t queue = 0; queue < n_queues(port); queue++)
		if (rte_eth_add_tx_callback(port, queue, record, NULL) == NULL)
			return -EIO;
	return next(port);
}

int rte_eth_dev_stop(uint16_t port)
{
	NEXT(rte_eth_dev_stop);

	head->last = point();
	return next(port);
}
