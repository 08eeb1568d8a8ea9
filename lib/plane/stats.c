// SPDX-License-Identifier: BSD-3-Clause
#include <plane/plane_pvt.h>

#include <stdio.h>

static struct wm_plane_queue collect_queue(const struct wm_tx_out *out)
{
	const struct wm_tx_counts *c = &out->count;

	// What is sent is read before what was taken: a reader never sees more sent than taken.
	struct wm_plane_queue q = {
		.port = out->port,
		.queue = out->queue,
		.sent = wm_count_get(&c->sent),
		.bytes = wm_count_get(&c->bytes),
		.oversize = wm_count_get(&c->oversize),
		.lost = wm_count_get(&c->lost),
		.link_down = wm_count_get(&c->link_down),
		.starved = wm_count_get(&c->starved),
		.no_mbuf = wm_count_get(&c->no_mbuf),
		.port_full = wm_count_get(&c->port_full),
		.late = wm_count_get(&c->late),
		.shifts = wm_count_get(&c->shifts),
		.shift_ns = wm_count_get(&c->shift_ns),
		.received = wm_count_get(&c->received),
	};

	q.fresh = wm_count_get(&c->fresh);
	q.recycled = wm_count_get(&c->recycled);
	return q;
}

static void add(struct wm_plane_queue *sum, const struct wm_plane_queue *q)
{
	sum->fresh += q->fresh;
	sum->recycled += q->recycled;
	sum->sent += q->sent;
	sum->bytes += q->bytes;
	sum->oversize += q->oversize;
	sum->lost += q->lost;
	sum->link_down += q->link_down;
	sum->starved += q->starved;
	sum->no_mbuf += q->no_mbuf;
	sum->port_full += q->port_full;
	sum->late += q->late;
	sum->shifts += q->shifts;
	sum->shift_ns += q->shift_ns;
	sum->received += q->received;
}

static struct wm_plane_port collect_port(const struct wm_port *port, uint64_t now_ns)
{
	uint64_t since_ns = wm_count_get(&port->since_ns), down_ns = wm_count_get(&port->down_ns);
	struct wm_plane_port out = {.port = port->id,
		.up = atomic_load_explicit(&port->up, memory_order_relaxed),
		.downs = wm_count_get(&port->downs)};
	struct rte_eth_stats stats;

	if (!out.up && since_ns > 0 && since_ns < now_ns)
		down_ns += now_ns - since_ns;
	out.down_s = (double)down_ns * 1e-9;

	(void)snprintf(out.name, sizeof(out.name), "%s", port->name);
	if (rte_eth_stats_get(port->id, &stats) == 0) {
		out.errors = stats.oerrors;
		out.missed = stats.imissed + stats.rx_nombuf;
	}
	return out;
}

static struct wm_plane_latency collect_latency(const struct wm_spread *s, double ticks_per_ns)
{
	if (wm_count_get(&s->n) == 0)
		return (struct wm_plane_latency){0};
	return (struct wm_plane_latency){
		.min_ns = (double)wm_count_get(&s->least) / ticks_per_ns,
		.median_ns = (double)wm_spread_at(s, 0.5) / ticks_per_ns,
		.p99_ns = (double)wm_spread_at(s, 0.99) / ticks_per_ns,
		.max_ns = (double)wm_count_get(&s->most) / ticks_per_ns,
	};
}

static struct wm_plane_way collect_way(const struct wm_rx *rx, double ticks_per_ns)
{
	const struct wm_watch_counts *c = &rx->watch.count;

	// What was noted is read last: a reader never sees more received than noted.
	struct wm_plane_way way = {
		.from = rx->from,
		.to = rx->port,
		.received = wm_count_get(&c->received),
		.bytes = wm_count_get(&c->bytes),
		.lost = wm_count_get(&c->lost),
		.reordered = wm_count_get(&c->reordered),
		.duplicates = wm_count_get(&c->duplicates),
		.strangers = wm_count_get(&c->strangers),
		.latency = collect_latency(&rx->watch.latency, ticks_per_ns),
	};

	for (unsigned i = 0; i < rx->n_ledgers; i++) {
		way.unseen += wm_count_get(&rx->ledgers[i]->unseen);
		way.noted += wm_ledger_noted(rx->ledgers[i]);
	}
	way.under_way = way.noted - way.received - way.lost;
	return way;
}

static struct wm_timing_summary collect_timing(const struct wm_plane *p)
{
	const struct wm_timing *timings[WM_QUEUES_MAX];
	double ticks_per_ns = atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed);
	struct wm_timing_summary sum;

	for (unsigned t = 0; t < p->n_txs; t++)
		timings[t] = &p->txs[t]->timing;
	wm_timing_sum(&sum, timings, p->n_txs, ticks_per_ns > 0 ? ticks_per_ns : 1);
	return sum;
}

void wm_plane_collect(const struct wm_plane *p, struct wm_plane_stats *stats)
{
	struct wm_plane_stats s = {.n_workers = p->roles.n_workers, .n_ports = p->n_ports, .n_ways = p->n_rxs};
	double ticks_per_ns = atomic_load_explicit(&p->run.tsc_per_ns, memory_order_relaxed);
	uint64_t now_ns = wm_now_ns(), gone;

	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]); side++) {
			s.queue[s.n_queues] = collect_queue(&p->txs[t]->out[side]);
			add(&s.total, &s.queue[s.n_queues++]);
		}
	for (unsigned w = 0; w < p->n_supplies; w++)
		s.generated += wm_count_get(&p->supplies[w]->generated);
	gone = s.total.sent + s.total.oversize + s.total.lost;
	s.waiting = s.total.fresh + s.total.recycled - gone;
	s.queued = s.generated > s.total.fresh ? s.generated - s.total.fresh : 0;
	for (unsigned i = 0; i < p->n_ports; i++) {
		s.port[i] = collect_port(&p->ports[i], now_ns);
		s.port_errors += s.port[i].errors;
	}
	for (unsigned i = 0; i < p->n_rxs; i++)
		s.way[i] = collect_way(p->rxs[i], ticks_per_ns);
	s.timing = collect_timing(p);
	s.elapsed_s = p->go.ns > 0 && now_ns > p->go.ns ? (double)(now_ns - p->go.ns) * 1e-9 : 0;
	*stats = s;
}
