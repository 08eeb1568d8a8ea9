// SPDX-License-Identifier: BSD-3-Clause
// end: what happens behind the last departure: what is on its way comes back, and everything is accounted for.
#include <plane/plane_pvt.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include <assert.h>
#include <errno.h>
#include <unistd.h>

enum {
	RETURN_NS = 200000000, // without an arrival, until what is still on its way is given up
	DRAIN_US = 10000,      // for a port to send what it has taken
};

// Once the lcores have stopped: has the run ended because time itself has?
bool wm_plane_is_over(const struct wm_plane *p)
{
	bool timed_out = false;

	for (unsigned w = 0; w < p->n_supplies; w++) {
		if (!p->supplies[w]->closed)
			return false;
		timed_out |= p->supplies[w]->worker != NULL && wm_worker_failed(p->supplies[w]->worker) == -ERANGE;
	}
	if (!timed_out)
		return false;
	for (unsigned t = 0; t < p->n_txs; t++)
		if (p->txs[t]->feed.over || !wm_feed_ended(&p->txs[t]->feed))
			return false;
	return true;
}

static uint64_t count_arrivals(const struct wm_plane *p, uint64_t *under_way)
{
	uint64_t arrivals = 0;

	*under_way = 0;
	for (unsigned i = 0; i < p->n_rxs; i++) {
		const struct wm_rx *rx = p->rxs[i];
		uint64_t back = wm_count_get(&rx->watch.count.received), noted = 0;

		for (unsigned k = 0; k < rx->n_ledgers; k++)
			noted += wm_ledger_noted(rx->ledgers[k]);
		*under_way += noted - back - wm_count_get(&rx->watch.count.lost);
		arrivals += back;
	}
	return arrivals;
}

// All have stopped sending: receive until everything is back, or nothing has come for a while.
static void await_return(struct wm_plane *p)
{
	uint64_t under_way, arrivals = count_arrivals(p, &under_way), last_ns = wm_now_ns();

	while (under_way > 0 && wm_now_ns() - last_ns < RETURN_NS) {
		uint64_t before = arrivals;

		if (p->cores[0].n_rx > 0)
			(void)wm_core_receive(&p->cores[0]);
		else
			(void)usleep(WM_PLANE_TICK_US);
		arrivals = count_arrivals(p, &under_way);
		if (arrivals > before)
			last_ns = wm_now_ns();
	}
}

void wm_plane_stop(struct wm_plane *p)
{
	atomic_store_explicit(&p->run.stop, true, memory_order_relaxed);
	for (unsigned i = 1; i < p->n_cores; i++)
		while (p->cores[i].n_rx == 0 && rte_eal_get_lcore_state(p->cores[i].lcore) == RUNNING)
			if (!wm_core_receive(&p->cores[0]))
				(void)usleep(p->cores[0].n_rx > 0 ? 0 : WM_PLANE_TICK_US);
	await_return(p);
	atomic_store_explicit(&p->deaf, true, memory_order_relaxed);
	rte_eal_mp_wait_lcore();
}

// What no queue has sent on: looked for in the rings, so that it can be held against the counters.
static uint64_t count_queued(struct wm_plane *p)
{
	uint64_t queued = 0;

	for (size_t i = 0; i < (size_t)p->n_supplies * p->n_txs; i++) {
		const struct wm_sample *span;
		size_t n;

		for (; (n = wm_ring_peek(&p->rings[i], &span)) > 0; wm_ring_pop(&p->rings[i], n))
			for (size_t k = 0; k < n; k++)
				queued += span[k].form != WM_FORM_TICK;
	}
	for (unsigned w = 0; w < p->n_supplies; w++)
		queued += wm_supply_left(p->supplies[w]);
	for (unsigned t = 0; t < p->n_txs; t++)
		queued += wm_count_get(&p->txs[t]->out[0].count.unused);
	return queued;
}

void wm_plane_finish(struct wm_plane *p, struct wm_plane_stats *stats)
{
	uint64_t end_ns = wm_now_ns();

	(void)usleep(DRAIN_US);
	for (unsigned t = 0; t < p->n_txs; t++)
		wm_tx_finish(p->txs[t]);
	for (unsigned i = 0; i < p->n_rxs; i++)
		wm_watch_finish(&p->rxs[i]->watch);
	wm_plane_collect(p, stats);
	stats->rate = p->rate;
	stats->elapsed_s = p->go.ns > 0 && end_ns > p->go.ns ? (double)(end_ns - p->go.ns) * 1e-9 : 0;
	stats->queued = count_queued(p);
	stats->waiting = 0;
	assert(stats->generated == stats->total.fresh + stats->queued);
	assert(stats->total.fresh + stats->total.recycled
		== stats->total.sent + stats->total.oversize + stats->total.lost);
}
