// SPDX-License-Identifier: BSD-3-Clause
#include <plane/plane_pvt.h>

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
		.starved = wm_count_get(&c->starved),
		.no_mbuf = wm_count_get(&c->no_mbuf),
		.port_full = wm_count_get(&c->port_full),
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
	sum->starved += q->starved;
	sum->no_mbuf += q->no_mbuf;
	sum->port_full += q->port_full;
	sum->shifts += q->shifts;
	sum->shift_ns += q->shift_ns;
	sum->received += q->received;
}

static uint64_t port_errors(const struct wm_plane *p)
{
	uint64_t errors = 0;

	for (unsigned i = 0; i < p->n_ports; i++) {
		struct rte_eth_stats stats;

		if (rte_eth_stats_get(p->ports[i].id, &stats) == 0)
			errors += stats.oerrors;
	}
	return errors;
}

void wm_plane_collect(const struct wm_plane *p, struct wm_plane_stats *stats)
{
	struct wm_plane_stats s = {.n_workers = p->roles.n_workers};
	uint64_t now_ns = wm_now_ns(), gone;

	for (unsigned t = 0; t < p->n_txs; t++)
		for (unsigned side = 0; side < wm_tx_outs(&p->txs[t]); side++) {
			s.queue[s.n_queues] = collect_queue(&p->txs[t].out[side]);
			add(&s.total, &s.queue[s.n_queues++]);
		}
	for (unsigned w = 0; w < p->n_supplies; w++)
		s.generated += wm_count_get(&p->supplies[w].generated);
	gone = s.total.sent + s.total.oversize + s.total.lost;
	s.waiting = s.total.fresh + s.total.recycled - gone;
	s.queued = s.generated > s.total.fresh ? s.generated - s.total.fresh : 0;
	s.port_errors = port_errors(p);
	s.elapsed_s = p->go.ns > 0 && now_ns > p->go.ns ? (double)(now_ns - p->go.ns) * 1e-9 : 0;
	*stats = s;
}
