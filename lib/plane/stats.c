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
		.padding = wm_count_get(&c->padding),
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

static struct wm_plane_port collect_port(const struct wm_port *port, uint64_t now_ns)
{
	uint64_t since_ns = wm_count_get(&port->since_ns), down_ns = wm_count_get(&port->down_ns);
	struct wm_plane_port out = {.port = port->id,
		.up = atomic_load_explicit(&port->up, memory_order_relaxed),
		.downs = wm_count_get(&port->downs)};
	struct rte_eth_stats stats;
	double bps;

	if (!out.up && since_ns > 0 && since_ns < now_ns)
		down_ns += now_ns - since_ns;
	out.down_ns = down_ns;
	(void)snprintf(out.name, sizeof(out.name), "%s", port->name);
	if (wm_port_speed(port, &bps, NULL) == 0)
		out.speed_bps = (uint64_t)bps;
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
	way.sent = way.noted + way.unseen;
	way.under_way = way.noted - way.received - way.lost;
	return way;
}

// With one model, all packets are its own.
static void collect_models(const struct wm_plane *p, struct wm_plane_stats *s)
{
	s->n_models = (unsigned)p->options->n_sources + (p->options->replay != NULL);
	if (s->n_models == 1)
		s->model[0] = (struct wm_plane_model){s->total.sent, s->total.bytes, s->total.padding, 0};
	for (unsigned i = 0; i < s->n_models && s->n_models > 1; i++)
		for (unsigned t = 0; t < p->n_txs; t++) {
			const struct wm_tx_share *share = &p->txs[t]->share[i];

			s->model[i].packets += wm_count_get(&share->packets);
			s->model[i].bytes += wm_count_get(&share->bytes);
			s->model[i].padding += wm_count_get(&share->padding);
		}
}

static void collect_rings(const struct wm_plane *p, struct wm_plane_stats *s)
{
	for (size_t i = 0; i < (size_t)p->n_supplies * p->n_txs; i++) {
		s->ring_used += wm_ring_count(&p->rings[i]);
		s->ring_room += p->rings[i].mask + 1;
	}
}

void wm_plane_collect(const struct wm_plane *p, struct wm_plane_stats *stats)
{
	struct wm_plane_stats s = {.n_workers = p->roles.n_workers, .n_ports = p->n_ports, .n_ways = p->n_rxs};
	double ticks_per_ns = atomic_load_explicit(&p->ticks_per_ns, memory_order_relaxed);
	uint64_t now_ns = wm_now_ns(), gone;

	ticks_per_ns = ticks_per_ns > 0 ? ticks_per_ns : 1;
	s.timing.ticks_per_ns = ticks_per_ns;
	for (unsigned t = 0; t < p->n_txs; t++) {
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]); side++) {
			s.queue[s.n_queues] = collect_queue(&p->txs[t]->out[side]);
			if (side == 0 && p->txs[t]->departures != NULL)
				s.queue[s.n_queues].unlabelled = wm_count_get(&p->txs[t]->departures->untold);
			wm_plane_queue_add(&s.total, &s.queue[s.n_queues++]);
		}
		wm_timing_count(&s.timing, &p->txs[t]->timing);
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
	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(p->txs[t]); side++)
			for (unsigned i = 0; i < p->n_ports; i++)
				s.port[i].stamps |= p->txs[t]->lead > 0 && s.port[i].port == p->txs[t]->out[side].port;
	for (unsigned i = 0; i < p->n_rxs; i++)
		s.way[i] = collect_way(p->rxs[i], ticks_per_ns);
	collect_models(p, &s);
	collect_rings(p, &s);
	s.paused = atomic_load_explicit(&p->hold_ns, memory_order_relaxed) > 0;
	s.paused_ns = wm_plane_paused_ns(p, now_ns);
	s.elapsed_s = p->go.ns > 0 && now_ns > p->go.ns ? (double)(now_ns - p->go.ns) * 1e-9 : 0;
	*stats = s;
}
