// SPDX-License-Identifier: BSD-3-Clause
// start: what happens before the first departure: rings are filled, links come up, clocks are compared, the start is
// set.
#include <plane/nic.h>
#include <plane/plane_pvt.h>

#include <unistd.h>

enum {
	WARM_UP_NS = 2000000000, // at most, until the rings are full
	MEASURE_NS = 100000000,  // the least time over which the clocks are compared
	LINK_NS = 2000000000,    // at most, until the link is up
	LEAD_NS = 1000000,       // from the start until the first departure
};

// While the rings fill: control's own workers have their turns here.
static bool is_warm(struct wm_plane *p)
{
	bool warm = true;

	for (unsigned i = 0; i < p->cores[0].n_supply; i++)
		(void)wm_supply_turn(p->cores[0].supply[i], WM_SUPPLY_BLOCK);
	for (unsigned w = 0; w < p->n_supplies; w++)
		warm &= atomic_load_explicit(&p->supplies[w]->full, memory_order_relaxed);
	return warm;
}

static uint64_t n_generated(const struct wm_plane *p)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < p->n_supplies; w++)
		n += wm_count_get(&p->supplies[w]->generated);
	return n;
}

// Rings of a size that was asked for are filled however long that takes, as long as there is progress.
static void fill_rings(struct wm_plane *p)
{
	uint64_t since_ns = wm_now_ns(), made = 0;

	while (!wm_plane_asked_to_stop(p) && wm_plane_failure(p) == 0 && wm_now_ns() - since_ns < WARM_UP_NS
		&& !is_warm(p)) {
		if (p->options->ring_bytes > 0 && n_generated(p) > made) {
			made = n_generated(p);
			since_ns = wm_now_ns();
		}
		if (p->cores[0].n_supply == 0)
			(void)usleep(WM_PLANE_TICK_US);
	}
}

void wm_plane_warm_up(struct wm_plane *p)
{
	uint64_t begin_ns;

	fill_rings(p);
	begin_ns = wm_now_ns();
	for (unsigned i = 0; i < p->n_ports; i++) {
		struct wm_port *port = &p->ports[i];

		while (!wm_port_is_up(port) && !wm_plane_asked_to_stop(p) && wm_now_ns() - begin_ns < LINK_NS)
			(void)usleep(WM_PLANE_TICK_US);
		atomic_store_explicit(&port->up, true,
			memory_order_relaxed); // a link that is not is found to be down with the first look
	}
	while (wm_now_ns() - p->clock.ns < MEASURE_NS)
		(void)usleep(WM_PLANE_TICK_US);
}

// The first samples of the run are in the rings: they tell when it begins. They stay.
static uint64_t first_sample_ns(struct wm_tx *tx)
{
	wm_scout_init(&tx->scout, &tx->feed);
	(void)wm_scout_look(&tx->scout, 2 * WM_PACE_BLOCK);
	return tx->scout.next.n > 0 ? tx->scout.next.first_ns : UINT64_MAX;
}

void wm_plane_start(struct wm_plane *p)
{
	uint64_t first_ns = UINT64_MAX;
	double ticks_per_ns;

	for (unsigned t = 0; t < p->n_txs; t++) {
		uint64_t ns = first_sample_ns(p->txs[t]);

		first_ns = ns < first_ns ? ns : first_ns;
	}
	for (unsigned t = 0; t < p->n_txs; t++)
		wm_pace_start(&p->txs[t]->pace, first_ns < UINT64_MAX && !p->scheduled ? first_ns : 0);
	p->go = wm_clock_point();
	ticks_per_ns = wm_clock_rate(&p->clock, &p->go);
	p->go.tsc += (uint64_t)(LEAD_NS * ticks_per_ns);
	p->go.ns += LEAD_NS;
	p->seen = p->go;
	p->run.start_tsc = p->go.tsc;
	atomic_store_explicit(&p->ticks_per_ns, ticks_per_ns, memory_order_relaxed);
	atomic_store_explicit(&p->run.tsc_per_ns, ticks_per_ns, memory_order_relaxed);
	wm_nic_start(p);
	p->next_link_ns = p->go.ns;
	p->next_report_ns = p->go.ns + (uint64_t)(p->options->stats_s * 1e9);
	atomic_store_explicit(&p->run.go, true, memory_order_release);
}
